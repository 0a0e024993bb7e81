"""Densities computed by hand and pair by pair, and what information density prefers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, blocks, get
from strategies.density import density

LN2 = np.log(2)
# two in one direction, whatever their lengths; one at right angles to them; one opposite
FOUR = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
# mean cosines: (1 + 1 + 0 − 1) / 4, the same, (0 + 0 + 1 + 0) / 4, (−1 − 1 + 0 + 1) / 4
DENSITIES = [0.625, 0.625, 0.625, 0.375]


def score(proba: np.ndarray, embeddings: np.ndarray) -> np.ndarray:
    c = Candidates(ids=np.arange(len(proba)), proba=proba, embeddings=embeddings)
    return get("information_density").function(c, np.random.default_rng(0))


def pair_by_pair(X: np.ndarray) -> np.ndarray:
    X = X / np.linalg.norm(X, axis=1, keepdims=True)
    return (1 + X @ X.T).mean(axis=1) / 2


def test_four_items_by_hand() -> None:
    np.testing.assert_allclose(density(FOUR), DENSITIES)
    np.testing.assert_allclose(density(FOUR.astype(np.float32)), DENSITIES, rtol=1e-6)
    proba = np.array([[0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_allclose(score(proba, FOUR), np.array([0.625, 0, 0.625, 0.375]) * LN2)


@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 999))
def test_it_is_the_mean_over_all_pairs(n: int, d: int, seed: int) -> None:
    X = np.random.default_rng(seed).normal(size=(n, d))
    np.testing.assert_allclose(density(X), pair_by_pair(X), atol=1e-12)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(0).normal(1, 1, (50, 6)).astype(np.float32)
    monkeypatch.setattr(blocks, "ENTRIES", 7 * 6)
    monkeypatch.setattr(blocks, "FEW", 9 * 6)
    np.testing.assert_allclose(density(X), pair_by_pair(X), rtol=1e-5)


def test_a_row_of_zeros_is_like_nothing_and_breaks_nothing() -> None:
    np.testing.assert_allclose(density(np.array([[0.0, 0.0], [1.0, 0.0]])), [0.5, 0.75])
    assert density(np.zeros((3, 2))).tolist() == [0.5, 0.5, 0.5]


def test_of_two_equally_doubtful_items_the_outlier_comes_last() -> None:
    draw = np.random.default_rng(0)
    X = np.vstack([draw.normal([5, 0], 0.1, (20, 2)), [[0, 5]]])  # a crowd and one elsewhere
    assert score(np.full((21, 2), 0.5), X).argmin() == 20


def test_equal_items_are_exactly_equal_wherever_they_stand() -> None:
    draw = np.random.default_rng(0)
    X, proba = draw.normal(size=(3, 37)).astype(np.float32), draw.dirichlet(np.ones(4), 3)
    scores = score(np.tile(proba, (11, 1)), np.tile(X, (11, 1)))
    assert len(set(scores.tolist())) == 3  # exactly: base.top draws among equals
