"""Query by committee: ask about the items on which several models disagree."""

import numpy as np

from strategies.base import Candidates, scores
from strategies.blocks import by_rows
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


@scores(needs="member_proba", alone=True)
def vote_entropy(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Entropy of the members' votes. How sure each of them is does not count.

    Args:    c: with member_proba.
    Returns: (n,) nats, from 0 (all agree) to log min(M, C); higher is asked first.
    Source:  Dagan & Engelson 1995; Settles 2010, section 3.2.
    """
    assert c.member_proba is not None
    # sorted: the same split gives the same float whichever classes it is between, so that ties are ties
    return by_rows(lambda proba: shannon(np.sort(vote_shares(proba), axis=1)), c.member_proba)


@scores(needs="member_proba", alone=True)
def consensus_entropy(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Entropy of the members' mean probabilities. High where they disagree or are all unsure.

    Args:    c: with member_proba.
    Returns: (n,) nats, from 0 to log C; higher is asked first.
    Source:  Settles 2010, section 3.2 (the consensus distribution); modAL.disagreement.consensus_entropy.
    """
    assert c.member_proba is not None
    return by_rows(lambda proba: shannon(proba.mean(axis=0)), c.member_proba)


@scores(needs="member_proba", alone=True)
def max_kl(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Kullback-Leibler divergence of the member farthest from the consensus. One dissenter is enough.

    Args:    c: with member_proba.
    Returns: (n,) nats, from 0 (all equal) to log M; higher is asked first.
    Source:  McCallum & Nigam 1998 (who take the mean over the members); modAL.disagreement.KL_max_disagreement.
    """
    assert c.member_proba is not None
    return by_rows(_max_kl, c.member_proba)


def _max_kl(member_proba: np.ndarray) -> np.ndarray:
    tiny = np.finfo(member_proba.dtype).tiny  # log stays finite where a probability is 0
    consensus = np.log(np.maximum(member_proba.mean(axis=0), tiny))
    divergence = [(p * (np.log(np.maximum(p, tiny)) - consensus)).sum(axis=1) for p in member_proba]
    return np.maximum(np.max(divergence, axis=0), 0)  # never below 0 but by rounding


@scores(needs="member_proba", alone=True)
def variation_ratio(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """The share of the members that do not vote for the most voted class. How the others are split does not count.

    Args:    c: with member_proba.
    Returns: (n,) from 0 (all agree) to 1 − 1/min(M, C); higher is asked first.
    Source:  Freeman 1965; Gal 2016, section 3.3.1.
    """
    assert c.member_proba is not None
    return 1 - by_rows(lambda proba: vote_shares(proba).max(axis=1), c.member_proba)


@scores(needs="member_proba", alone=True)
def bald(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Mutual information of class and model: entropy of the mean less mean of entropies. Zero where all doubt alike.

    Args:    c: with member_proba.
    Returns: (n,) nats, from 0 (all equal) to log min(M, C); higher is asked first.
    Source:  Houlsby et al. 2011, equation 2.
    """
    assert c.member_proba is not None
    return by_rows(_bald, c.member_proba)


def _bald(member_proba: np.ndarray) -> np.ndarray:
    doubt = sum(map(shannon, member_proba)) / len(member_proba)
    return np.maximum(shannon(member_proba.mean(axis=0)) - doubt, 0)  # never below 0 but by rounding
