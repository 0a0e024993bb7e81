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


@scores(needs="member_proba")
def max_kl(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Kullback-Leibler divergence of the member farthest from the consensus. One dissenter is enough.

    Args:    c: with member_proba.
    Returns: (n,) nats, from 0 (all equal) to log M; higher is asked first.
    Source:  McCallum & Nigam 1998 (who take the mean over the members); modAL.disagreement.KL_max_disagreement.
    """
    from scipy.special import rel_entr

    assert c.member_proba is not None
    consensus = c.member_proba.mean(axis=0)
    consensus = np.maximum(consensus, np.finfo(consensus.dtype).tiny)  # the mean of denormals can be 0
    farthest = np.zeros(len(c), dtype=consensus.dtype)
    for proba in c.member_proba:  # one at a time: nothing larger than (n, C) is made
        np.maximum(farthest, rel_entr(proba, consensus).sum(axis=1), out=farthest)
    return farthest


@scores(needs="member_proba")
def variation_ratio(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """The share of the members that do not vote for the most voted class. How the others are split does not count.

    Args:    c: with member_proba.
    Returns: (n,) from 0 (all agree) to 1 − 1/min(M, C); higher is asked first.
    Source:  Freeman 1965; Gal 2016, section 3.3.1.
    """
    assert c.member_proba is not None
    return 1 - vote_shares(c.member_proba).max(axis=1)


@scores(needs="member_proba")
def bald(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Mutual information of class and model: entropy of the mean less mean of entropies. Zero where all doubt alike.

    Args:    c: with member_proba.
    Returns: (n,) nats, from 0 (all equal) to log min(M, C); higher is asked first.
    Source:  Houlsby et al. 2011, equation 2.
    """
    assert c.member_proba is not None
    doubt = np.zeros(len(c), dtype=c.member_proba.dtype)
    for proba in c.member_proba:  # one at a time: nothing larger than (n, C) is made
        doubt += shannon(proba)
    # never below 0 but by rounding
    return np.maximum(shannon(c.member_proba.mean(axis=0)) - doubt / len(c.member_proba), 0)
