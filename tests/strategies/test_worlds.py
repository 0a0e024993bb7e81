"""The made-up candidates are what the checks of the contract take them for."""

import numpy as np
import pytest

from strategies import Strategy, get, worlds


def test_a_pool_is_of_the_sizes_that_are_asked_for_and_the_same_each_time() -> None:
    c = worlds.pool(n=9, classes=3, members=2, labeled=4, features=5)
    shapes = {name: array.shape for name, array in vars(c).items()}
    assert shapes == {
        "ids": (9,),
        "proba": (9, 3),
        "member_proba": (2, 9, 3),
        "embeddings": (9, 5),
        "labeled_embeddings": (4, 5),
        "labeled_targets": (4,),
    }
    for name, array in vars(worlds.pool(n=9, classes=3, members=2, labeled=4, features=5)).items():
        np.testing.assert_array_equal(array, getattr(c, name))


def test_ids_are_no_positions() -> None:
    assert worlds.pool().ids.min() > len(worlds.pool())


@pytest.mark.parametrize("measure", ["least_confidence", "margin", "entropy", "vote_entropy", "bald", "max_kl"])
def test_no_measure_calls_two_of_the_six_equal(measure: str) -> None:
    scores = get(measure).query(worlds.without_ties(), 6, worlds.generator()).scores
    assert scores is not None
    assert np.diff(scores).max() < -1e-3


@pytest.mark.parametrize(
    ("needs", "names"),
    [(set(), []), ({"proba", "labeled"}, ["labeled_embeddings", "labeled_targets", "proba"])],
)
def test_nothing_but_what_is_needed_is_given(needs: set[str], names: list[str]) -> None:
    strategy = Strategy("any", "test", frozenset(needs), "scores", lambda c, rng: np.zeros(len(c)))  # type: ignore[arg-type]
    assert worlds.arrays(strategy) == names
    given = worlds.only_needed(strategy, worlds.pool())
    assert sorted(name for name, array in vars(given).items() if array is not None) == sorted(["ids", *names])
