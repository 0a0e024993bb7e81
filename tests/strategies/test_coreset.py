"""k-center on a line, where the answer can be read off, and against a plain double loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, blocks, coreset, get


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


def distances(embeddings: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.linalg.norm(embeddings[:, None] - centres[None], axis=2).min(axis=1)


@given(n=st.integers(2, 25), m=st.integers(1, 6), d=st.integers(1, 9), seed=st.integers(0, 10_000))
def test_each_choice_is_the_farthest_and_the_radius_never_grows(n: int, m: int, d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    embeddings, labeled = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    picks = k_center(embeddings, labeled, n)
    centres, radii = labeled, []
    for pick in picks:
        away = distances(embeddings, centres)
        assert away[pick] == pytest.approx(away.max(), rel=1e-3, abs=1e-3)
        radii.append(away.max())
        centres = np.vstack([centres, embeddings[pick]])
    assert radii == sorted(radii, reverse=True)


# ---------------------------------------------------------------- without a pass through the pool for each choice


def grouped(n: int, seed: int = 0) -> np.ndarray:
    """Points in groups of different sizes, so that one choice covers many others."""
    draw = np.random.default_rng(seed)
    centres = 10 * draw.normal(size=(6, 3))
    return centres[draw.choice(6, n, p=[0.4, 0.3, 0.15, 0.1, 0.04, 0.01])] + draw.normal(size=(n, 3))


def one_by_one(X: np.ndarray, labeled: np.ndarray, n: int, value: coreset.Value, skip: int) -> list[int]:
    """The same greedy choice, with all distances measured anew each time."""
    chosen: list[int] = []
    for i in range(n):
        worth = value(distances(X, np.vstack([labeled, X[chosen]])) ** 2, np.arange(len(X)), i)
        worth[chosen] = -np.inf
        chosen.append(int(np.argsort(-worth)[min(skip, len(X) - i - 1)]))
    return chosen


@pytest.mark.parametrize("skip", [0, 20])
@pytest.mark.parametrize("ahead", [1, 2, 30])
@pytest.mark.parametrize("n", [25, 120])  # a few, and all
@pytest.mark.parametrize("falling", [False, True])
def test_the_choice_is_that_of_measuring_all_each_time(
    skip: int, ahead: int, n: int, falling: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coreset, "AHEAD", 0)
    monkeypatch.setattr(coreset, "FEWEST", ahead)
    monkeypatch.setattr(coreset, "MOST", 2 * ahead)
    points, bonus = grouped(120), np.random.default_rng(1).random(120)

    def value(away: np.ndarray, positions: np.ndarray, chosen: int) -> np.ndarray:
        return (120 - chosen) / 120 * away + chosen / 120 * 50 * bonus[positions] if falling else away

    first = np.empty(0, dtype=np.intp)
    picks = coreset.greedily(points, points[:3] + 1, first, n, np.random.default_rng(0), value, skip)
    assert picks.tolist() == one_by_one(points, points[:3] + 1, n, value, skip)


def test_the_pool_is_read_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    measure = blocks.nearest_squared

    def counted(*arrays: np.ndarray) -> np.ndarray:
        passes.append(1)
        return measure(*arrays)

    monkeypatch.setattr(blocks, "nearest_squared", counted)
    draw = np.random.default_rng(0)
    k_center(draw.normal(size=(5_000, 20)), draw.normal(size=(10, 20)), 50)
    assert len(passes) <= 3


# ---------------------------------------------------------------- robust_k_center


def robust(embeddings: np.ndarray, labeled: np.ndarray, n: int) -> list[int]:
    c = Candidates(np.arange(len(embeddings)), None, None, embeddings, labeled, np.zeros(len(labeled), dtype=int))
    return get("robust_k_center").query(c, n, np.random.default_rng(0)).positions.tolist()


def test_an_outlier_is_what_k_center_takes_first_and_the_robust_one_last() -> None:
    points = line(*range(1, 20), 100)  # twenty items, of which one may be left out
    assert k_center(points, line(0), 2) == [19, 18]
    # 19 is the farthest from 0 but for 100; then 9 and 10, which lie 9 from what is nearest to them
    picks = robust(points, line(0), 20)
    assert picks[0] == 18
    assert picks[1] in (8, 9)
    assert picks[-1] == 19


def test_in_a_small_pool_nothing_is_an_outlier() -> None:
    points = line(1, 2, 5, 6, 10)
    assert robust(points, line(0), 3) == k_center(points, line(0), 3)


def test_all_but_the_share_that_is_left_out_are_covered_more_closely() -> None:
    draw = np.random.default_rng(0)
    crowd, far = draw.normal(size=(480, 3)), 100 * draw.normal(size=(20, 3))
    points, labeled = np.vstack([crowd, far]), np.zeros((1, 3))

    def radius(picks: list[int]) -> float:
        """The distance within which 95% of the items are."""
        return float(np.quantile(distances(points, np.vstack([labeled, points[picks]])), 0.95))

    assert radius(robust(points, labeled, 15)) < 0.7 * radius(k_center(points, labeled, 15))
