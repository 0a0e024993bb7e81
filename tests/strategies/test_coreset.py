"""k-center on a line, where the answer can be read off, and against a plain double loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import Candidates, get


def k_center(embeddings: np.ndarray, labeled: np.ndarray, n: int, seed: int = 0) -> list[int]:
    c = Candidates(
        ids=np.arange(len(embeddings)),
        embeddings=embeddings,
        labeled_embeddings=labeled,
        labeled_targets=np.zeros(len(labeled), dtype=int),
    )
    return get("k_center").query(c, n, np.random.default_rng(seed)).positions.tolist()


def line(*points: float, offset: float = 0) -> np.ndarray:
    return np.array(points, dtype=float)[:, None] + offset


@pytest.mark.parametrize("offset", [0, 10_000])  # far from 0, where float32 would lose the differences
def test_on_a_line_with_a_label_at_its_start(offset: float) -> None:
    points = line(1, 2, 5, 6, 10, offset=offset)
    # farthest from 0 is 10; then 5 (5 from both ends); then 2 (2 from 0, 3 from 5), before 6 and 1 (1 away)
    assert k_center(points, line(0, offset=offset), 3) == [4, 2, 1]


def test_with_nothing_labeled_it_starts_next_to_the_mean() -> None:
    points = line(0, 1, 4, 6, 10)  # mean 4.2
    # 4 first; then 10 (6 away); then 0 (4 away); then 6 (2 away); then 1
    assert k_center(points, np.empty((0, 1)), 5) == [2, 4, 0, 3, 1]


def test_equal_distances_are_decided_by_the_generator() -> None:
    picks = {k_center(line(-1, 1), line(0), 1, seed)[0] for seed in range(20)}
    assert picks == {0, 1}


def test_copies_are_chosen_last_and_once_each() -> None:
    points = line(3, 3, 3, 7)
    picks = k_center(points, line(0), 4)
    assert picks[0] == 3
    assert sorted(picks) == [0, 1, 2, 3]


def distances(embeddings: np.ndarray, known: np.ndarray) -> np.ndarray:
    return np.linalg.norm(embeddings[:, None] - known[None], axis=2).min(axis=1)


@settings(max_examples=50)
@given(n=st.integers(2, 25), m=st.integers(1, 6), d=st.integers(1, 9), seed=st.integers(0, 10_000))
def test_each_choice_is_the_farthest_and_the_radius_never_grows(n: int, m: int, d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    embeddings, labeled = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    picks = k_center(embeddings, labeled, n)
    known, radii = labeled, []
    for pick in picks:
        away = distances(embeddings, known)
        assert away[pick] == pytest.approx(away.max(), rel=1e-3, abs=1e-3)
        radii.append(away.max())
        known = np.vstack([known, embeddings[pick]])
    assert radii == sorted(radii, reverse=True)


def test_many_labels_are_measured_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from strategies import coreset

    rng = np.random.default_rng(0)
    X, labeled = rng.normal(size=(50, 3)).astype(np.float32), rng.normal(size=(7, 3)).astype(np.float32)
    monkeypatch.setattr(coreset, "BLOCK", 7 * 8)  # eight rows a block: the last block is a part
    nearest = coreset._nearest(X, np.einsum("ij,ij->i", X, X), labeled)
    np.testing.assert_allclose(nearest, distances(X, labeled) ** 2, rtol=1e-4, atol=1e-5)
