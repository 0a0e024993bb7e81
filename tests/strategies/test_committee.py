"""Disagreement measures on hand-computed votes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, get
from strategies.committee import vote_shares
from strategies.uncertainty import shannon

LN2, LN3 = np.log(2), np.log(3)
# two members, three candidates, two classes: both sure of the same; sure of opposites; both torn
MEMBERS = np.array([[[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]], [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]])


def score(name: str, member_proba: np.ndarray) -> np.ndarray:
    c = Candidates(ids=np.arange(member_proba.shape[1]), member_proba=member_proba)
    return get(name).function(c, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vote_entropy", [0, LN2, 0]),  # members torn alike vote alike: that is no disagreement
        ("consensus_entropy", [0, LN2, LN2]),
        ("max_kl", [0, LN2, 0]),  # (1, 0) from (½, ½): 1 · ln 2
        ("variation_ratio", [0, 0.5, 0]),
        ("bald", [0, LN2, 0]),  # ln 2 − 0; ln 2 − ln 2
    ],
)
def test_three_candidates_by_hand(name: str, expected: list[float]) -> None:
    np.testing.assert_allclose(score(name, MEMBERS), expected, atol=1e-12)
    np.testing.assert_allclose(score(name, MEMBERS.astype(np.float32)), expected, atol=1e-6)


def test_one_dissenter_among_three_by_hand() -> None:
    members = np.array([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 1.0]]])  # consensus (⅔, ⅓)
    np.testing.assert_allclose(score("max_kl", members), [LN3])  # 1 · ln(1 / ⅓), the others ln 3/2
    np.testing.assert_allclose(score("variation_ratio", members), [1 / 3])
    np.testing.assert_allclose(score("bald", members), [LN3 - 2 / 3 * LN2])  # ⅔ ln 3/2 + ⅓ ln 3, less nothing


def test_shares_of_votes_by_hand() -> None:
    assert vote_shares(MEMBERS).tolist() == [[1, 0], [0.5, 0.5], [1, 0]]


@given(st.permutations(range(6)))
def test_the_same_split_is_exactly_the_same_score_between_whichever_classes(classes: list[int]) -> None:
    votes = np.repeat([0, 1, 2], [3, 2, 1])  # 3 : 2 : 1
    renamed = np.array(classes)[votes]
    members = np.stack([np.eye(6)[votes], np.eye(6)[renamed]], axis=1)
    first, second = score("vote_entropy", members)
    assert first == second  # exactly: base.top draws among equals


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 999))
def test_entropies_stay_in_their_bounds(members: int, classes: int, seed: int) -> None:
    proba = np.random.default_rng(seed).dirichlet(np.ones(classes), (members, 4))
    votes, consensus = score("vote_entropy", proba), score("consensus_entropy", proba)
    assert ((votes >= -1e-9) & (votes <= np.log(min(members, classes)) + 1e-9)).all()
    # entropy is concave: the mean's is never below the mean of the members'
    assert (consensus >= shannon(proba).mean(axis=0) - 1e-9).all()
    assert (consensus <= np.log(classes) + 1e-9).all()


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 999))
def test_disagreements_stay_in_their_bounds(members: int, classes: int, seed: int) -> None:
    # sharp: most members are all but sure
    proba = np.random.default_rng(seed).dirichlet(np.full(classes, 0.05), (members, 4))
    bounds = {
        "max_kl": np.log(members),
        "variation_ratio": 1 - 1 / min(members, classes),
        "bald": np.log(min(members, classes)),
    }
    for name, bound in bounds.items():
        values = score(name, proba)
        assert ((values >= 0) & (values <= bound + 1e-9)).all()
    # the mean over the members of the divergence from the consensus is the mutual information
    assert (score("bald", proba) <= score("max_kl", proba) + 1e-9).all()


@pytest.mark.parametrize("name", ["max_kl", "variation_ratio", "bald"])
def test_those_who_agree_do_not_disagree_however_they_doubt(name: str) -> None:
    doubts = np.array([[1.0, 0.0], [0.5, 0.5], [0.75, 0.25]])
    assert score(name, np.stack([doubts] * 4)).tolist() == [0, 0, 0]


def test_a_probability_too_small_to_be_halved_breaks_nothing() -> None:
    smallest = np.finfo(np.float32).smallest_subnormal
    members = np.array([[[1, smallest]], [[1, 0]], [[1, 0]]], dtype=np.float32)
    for name in ("max_kl", "bald", "consensus_entropy"):
        np.testing.assert_allclose(score(name, members), [0], atol=1e-30)
