"""Herding on a line, where the kernel can be worked out by hand, and against a plain greedy search."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, get, herding


def pool(embeddings: np.ndarray, labeled: np.ndarray, unsure: np.ndarray | None = None) -> Candidates:
    """Candidates of two classes whose margin is 1 − unsure."""
    unsure = np.ones(len(embeddings)) if unsure is None else unsure
    return Candidates(
        ids=np.arange(len(embeddings)),
        proba=np.stack([1 - unsure / 2, unsure / 2], axis=1),
        embeddings=embeddings,
        labeled_embeddings=labeled,
        labeled_targets=np.zeros(len(labeled), dtype=int),
    )


def herd(name: str, c: Candidates, n: int, seed: int = 0) -> list[int]:
    return get(name).query(c, n, np.random.default_rng(seed)).positions.tolist()


def line(*points: float) -> np.ndarray:
    return np.array(points, dtype=float)[:, None]


FAR = line(100, 101)  # two labels, 1 apart, that cover nothing near 0: σ = 1, k = exp(−d²)


@pytest.mark.parametrize("seed", range(3))
def test_max_herding_by_hand(seed: int) -> None:
    # k(0, 1) = .368, k(1, 3) = .018, k(0, 3) = .000; item 1 covers .368 + 1 + .018, more than 0 (1.368) and 3 (1.018)
    # then 3 adds .982 and 0 adds .632
    assert herd("max_herding", pool(line(0, 1, 3), FAR), 3, seed) == [1, 2, 0]


@pytest.mark.parametrize("seed", range(3))
def test_uncertainty_herding_by_hand(seed: int) -> None:
    # 0 covers .9 + .1 · .368 = .937; 1 covers .9 · .368 + .1 + .5 · .018 = .440; 3 covers .5 + .1 · .018 = .502
    # then 1 adds .1 · .632 + .5 · .018 = .072, and 3 adds .502
    c = pool(line(0, 1, 3), FAR, np.array([0.9, 0.1, 0.5]))
    assert herd("uncertainty_herding", c, 3, seed) == [0, 2, 1]


def test_items_near_a_label_add_no_coverage() -> None:
    c = pool(line(0, 1, 5), line(0, 1), np.array([0.9, 0.9, 0.2]))
    assert herd("uncertainty_herding", c, 1) == [2]
    assert herd("max_herding", c, 1) == [2]


def test_with_equal_uncertainty_both_are_the_same() -> None:
    draw = np.random.default_rng(0)
    c = pool(draw.normal(size=(50, 4)), draw.normal(size=(5, 4)))
    assert herd("uncertainty_herding", c, 10) == herd("max_herding", c, 10)


def test_a_certain_model_still_gives_a_full_batch() -> None:
    c = pool(np.random.default_rng(0).normal(size=(20, 4)), np.empty((0, 4)), np.zeros(20))
    assert len(set(herd("uncertainty_herding", c, 20))) == 20


@given(n=st.integers(2, 25), m=st.integers(0, 6), d=st.integers(1, 9), seed=st.integers(0, 10_000))
def test_each_choice_adds_the_most(n: int, m: int, d: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    embeddings, labeled, unsure = draw.normal(size=(n, d)), draw.normal(size=(m, d)), draw.random(n)
    sample = (embeddings - embeddings.mean(axis=0)).astype(np.float32)
    labeled_rows = (labeled - embeddings.mean(axis=0)).astype(np.float32)
    width = herding._width(sample, labeled_rows, herding.squared_distances(sample))

    def value(centres: np.ndarray) -> float:
        away = np.linalg.norm(embeddings[:, None] - centres[None], axis=2)
        return float(unsure @ np.exp(-((away / width) ** 2)).max(axis=1, initial=0))

    have = labeled
    for pick in herd("uncertainty_herding", pool(embeddings, labeled, unsure), n):
        best = max(value(np.vstack([have, x])) for x in embeddings)
        have = np.vstack([have, embeddings[pick]])
        assert value(have) == pytest.approx(best, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("factor", [1e-3, 1, 1e3])
@pytest.mark.parametrize("offset", [0, 100])
def test_neither_scale_nor_place_matters(factor: float, offset: float) -> None:
    draw = np.random.default_rng(0)
    X, labeled, unsure = draw.normal(size=(60, 4)), draw.normal(size=(8, 4)), draw.random(60)
    expected = herd("uncertainty_herding", pool(X, labeled, unsure), 10)
    moved = pool((X + offset) * factor, (labeled + offset) * factor, unsure)
    assert herd("uncertainty_herding", moved, 10) == expected


def width(sample: np.ndarray, labeled_rows: np.ndarray) -> float:
    sample, labeled_rows = sample.astype(np.float32), labeled_rows.astype(np.float32)
    return float(herding._width(sample, labeled_rows, herding.squared_distances(sample)))


def test_width_is_the_smallest_distance_between_labels() -> None:
    assert width(line(-1, 1), line(0, 5, 7)) == pytest.approx(2)
    assert width(line(-1, 1), line(*range(0, 3 * 600, 3), 700.5)) == pytest.approx(1.5)  # several blocks
    close = line(*range(0, 3 * 256, 3), 499.25, 499.75)  # the pair stands in the last block
    assert width(line(-1, 1), close) == pytest.approx(0.5)


def test_of_many_labels_some_from_end_to_end_decide_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herding, "PAIRED", 4)
    assert width(line(-1, 1), line(0, 10, 20, 20.5)) == pytest.approx(0.5)
    assert width(line(-1, 1), line(0, 0.5, 10, 20, 30, 36)) == pytest.approx(10)  # of 0, 10 and 30


def test_width_has_a_floor_in_units_of_the_pool() -> None:
    assert width(line(-1, 1), line(3, 3)) == pytest.approx(0.05)
    assert width(line(-20, 20), line(3, 3)) == pytest.approx(1)


def test_width_before_there_are_two_labels_is_the_median_distance_to_a_neighbour() -> None:
    # neighbours of 0, 1, 3, 7, 15 are 1, 1, 2, 4 and 8 away
    assert width(line(0, 1, 3, 7, 15), np.empty((0, 1))) == pytest.approx(2)
    assert width(line(0, 1, 3, 7, 15), line(4)) == pytest.approx(2)
    assert width(line(0), line()) == 1
    assert width(line(0, 0), line()) == 1


@pytest.mark.parametrize("name", ["max_herding", "uncertainty_herding"])
def test_more_than_a_sample_can_be_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herding, "SAMPLE", 8)
    draw = np.random.default_rng(0)
    c = pool(draw.normal(size=(40, 3)), draw.normal(size=(3, 3)), draw.random(40))
    for n in (1, 7, 40):
        assert len(set(herd(name, c, n))) == n


@pytest.mark.parametrize("name", ["max_herding", "uncertainty_herding"])
def test_a_sample_knows_what_was_chosen_from_the_one_before(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(herding, "SAMPLE", 12)
    points = np.repeat(line(0, 10, 20, 30), 10, axis=0)
    for seed in range(10):
        picks = herd(name, pool(points, FAR), 4, seed)
        # three from the first sample of 12, the fourth from another: four places, if each was drawn
        assert len(set(points[picks].ravel().tolist())) >= 3
