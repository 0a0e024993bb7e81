"""Query by committee: ask about the items on which several models disagree."""

import numpy as np

from strategies.base import Candidates, scores
from strategies.uncertainty import shannon

FAMILY = "query by committee"


def vote_shares(member_proba: np.ndarray) -> np.ndarray:
    """The share of the members that vote for each class. A member torn between classes votes for the first.

    Args:    member_proba: (M, n, C) float, rows sum to 1.
    Returns: (n, C) float, rows sum to 1.
    """
    members, n, classes = member_proba.shape
    votes = member_proba.argmax(axis=2) + classes * np.arange(n)  # one bin for each item and class
    return np.bincount(votes.ravel(), minlength=n * classes).reshape(n, classes) / members


@scores(needs="member_proba")
def vote_entropy(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Entropy of the members' votes. How sure each of them is does not count.

    Args:    c: with member_proba.
    Returns: (n,) nats, from 0 (all agree) to log min(M, C); higher is asked first.
    Source:  Dagan & Engelson 1995; Settles 2010, section 3.2.
    """
    assert c.member_proba is not None
    # sorted: the same split gives the same float whichever classes it is between, so that ties are ties
    return shannon(np.sort(vote_shares(c.member_proba), axis=1))


@scores(needs="member_proba")
def consensus_entropy(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Entropy of the members' mean probabilities. High where they disagree or are all unsure.

    Args:    c: with member_proba.
    Returns: (n,) nats, from 0 to log C; higher is asked first.
    Source:  Settles 2010, section 3.2 (the consensus distribution); modAL.disagreement.consensus_entropy.
    """
    assert c.member_proba is not None
    return shannon(c.member_proba.mean(axis=0))
