"""Disagreement measures on hand-computed votes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import Candidates, get
from strategies.committee import vote_shares
from strategies.uncertainty import shannon

LN2 = np.log(2)
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
    ],
)
def test_three_candidates_by_hand(name: str, expected: list[float]) -> None:
    np.testing.assert_allclose(score(name, MEMBERS), expected, atol=1e-12)


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
