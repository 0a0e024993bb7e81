"""Uncertainty measures on three rows computed by hand, and what must hold for any distribution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from strategies import Candidates, get
from strategies.uncertainty import gap, highest, shannon

LN2 = np.log(2)
# certain, a tie of two, a quarter and a half
ROWS = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.25, 0.5, 0.25]])

DISTRIBUTIONS = (
    st.integers(2, 8)
    .flatmap(lambda C: arrays(float, (5, C), elements=st.floats(0, 1)))
    .filter(lambda X: bool((X.sum(axis=1) > 1e-3).all()))
    .map(lambda X: X / X.sum(axis=1, keepdims=True))
)


def score(name: str, proba: np.ndarray) -> np.ndarray:
    return get(name).function(Candidates(ids=np.arange(len(proba)), proba=proba), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("least_confidence", [0, 0.5, 0.5]),
        ("margin", [0, 1, 0.75]),  # 1 − (1 − 0), 1 − (½ − ½), 1 − (½ − ¼)
        ("entropy", [0, LN2, 1.5 * LN2]),  # 2 · ½ ln 2; ½ ln 2 + 2 · ¼ ln 4
    ],
)
def test_three_rows_by_hand(name: str, expected: list[float]) -> None:
    np.testing.assert_allclose(score(name, ROWS), expected, atol=1e-12)
    np.testing.assert_allclose(score(name, ROWS.astype(np.float32)), expected, rtol=1e-6, atol=1e-6)


def test_pure_measures_by_hand() -> None:
    np.testing.assert_allclose(shannon(ROWS), [0, LN2, 1.5 * LN2], atol=1e-12)
    np.testing.assert_allclose(shannon(ROWS[None]), [[0, LN2, 1.5 * LN2]], atol=1e-12)
    np.testing.assert_allclose(gap(ROWS), [1, 0, 0.25])


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
def test_with_one_class_nothing_is_uncertain(name: str) -> None:
    assert score(name, np.ones((2, 1))).tolist() == [0, 0]


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
@given(proba=DISTRIBUTIONS)
def test_the_uniform_distribution_is_the_most_uncertain(name: str, proba: np.ndarray) -> None:
    uniform = np.full((1, proba.shape[1]), 1 / proba.shape[1])
    values = score(name, proba)
    assert (values <= score(name, uniform) + 1e-9).all()
    assert (values >= -1e-9).all()


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
@given(proba=DISTRIBUTIONS, seed=st.integers(0, 99))
def test_the_names_of_the_classes_do_not_matter(name: str, proba: np.ndarray, seed: int) -> None:
    shuffled = proba[:, np.random.default_rng(seed).permutation(proba.shape[1])]
    np.testing.assert_allclose(score(name, shuffled), score(name, proba), atol=1e-12)


@given(proba=DISTRIBUTIONS)
def test_the_margin_is_the_difference_of_the_two_largest(proba: np.ndarray) -> None:
    ordered = np.sort(proba, axis=1)
    np.testing.assert_array_equal(gap(proba), ordered[:, -1] - ordered[:, -2])


@given(n=st.integers(1, 30), classes=st.integers(1, 8), seed=st.integers(0, 999))
def test_class_by_class_is_the_same_as_sorting_each_row(n: int, classes: int, seed: int) -> None:
    proba = np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), n).astype(np.float32)
    ordered = np.sort(proba, axis=1)
    second = ordered[:, -2] if classes > 1 else 0
    np.testing.assert_array_equal(gap(proba), ordered[:, -1] - second)
    np.testing.assert_array_equal(highest(proba), ordered[:, -1])
