"""Hybrid: ask about items that the model is unsure of and that differ from each other."""

import numpy as np

from strategies.base import Candidates, selects, top
from strategies.low_budget import clusters, middles, squared_distances
from strategies.uncertainty import gap

FAMILY = "hybrid"

MANY = 10  # the unsurest items that are looked at, times the batch
LINKED = 5_000  # items that are clustered by linkage at most: their distances take 300 MB
PROPOSALS = 16  # items that badge draws at once: one pass through the embeddings for all of them


@selects(needs=("proba", "embeddings"))
def cluster_margin(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """The smallest margins, taken in turn from each of n clusters of the unsurest items, small clusters first.

    The 10 · n items with the smallest margins (5,000 at most, but never fewer than n) are clustered bottom-up. The
    turn goes from the smallest cluster to the largest, and begins anew where copies leave fewer than n clusters; what
    one turn takes is put in the order of the margins. Ward's linkage in place of the paper's average linkage makes
    clusters of like size, where the other splits off outliers; in a cluster the smallest margin comes first, where
    the paper draws at random.

    Args:    c: with proba and embeddings.
    Returns: (n,) positions in the order of choice.
    Source:  Citovsky et al. 2021 (Cluster-Margin), algorithm 2; it clusters the whole pool, once.
    """
    assert c.proba is not None
    assert c.embeddings is not None
    unsure = 1 - gap(c.proba)
    unsurest = top(unsure, min(len(c), max(n, min(MANY * n, LINKED))), rng)
    if len(unsurest) == n:
        return unsurest
    labels = _linked(c.embeddings[unsurest], n)
    # turn of each item: how many of its cluster come before it. The set is made with small clusters first in a turn; it
    # is given with small margins first, as often only the first of a ranking are answered before the next one comes
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    turns = np.empty(len(labels), dtype=np.intp)
    turns[order] = np.arange(len(labels)) - (np.cumsum(sizes) - sizes)[labels[order]]
    chosen = np.lexsort((np.arange(len(labels)), sizes[labels], turns))[:n]
    return unsurest[chosen[np.lexsort((chosen, turns[chosen]))]]


def _linked(X: np.ndarray, k: int) -> np.ndarray:
    """The cluster of each row (n,), from 0, by Ward's linkage cut at k clusters."""
    from scipy.cluster.hierarchy import fcluster, linkage

    away = np.sqrt(squared_distances((X - X.mean(axis=0)).astype(np.float32, copy=False)))
    tree = linkage(away[np.triu_indices(len(X), 1)], method="ward")
    return fcluster(tree, k, criterion="maxclust") - 1


@selects(needs=("proba", "embeddings"))
def badge(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Items that would move the last layer far and in different directions, drawn by k-means++ over their gradients.

    The gradient of an item, if its predicted class were right, is g = (p − e_ŷ) ⊗ x. It is never formed: norms and
    products of such g are products of those of their factors. The largest g comes first; every other is drawn with a
    probability proportional to its squared distance to the nearest g chosen so far.

    Args:    c: with proba and embeddings.
    Returns: (n,) positions in the order of choice.
    Source:  Ash et al. 2020 (BADGE), algorithm 1.
    """
    assert c.proba is not None
    assert c.embeddings is not None
    A = c.proba.astype(np.float32)
    A[np.arange(len(A)), A.argmax(axis=1)] -= 1
    X = c.embeddings.astype(np.float32, copy=False)
    norms = np.einsum("ij,ij->i", A, A) * np.einsum("ij,ij->i", X, X)
    chosen = [int(rng.choice(np.flatnonzero(norms == norms.max())))]
    away = _gradient_distances(A, X, norms, np.array(chosen))[:, 0]
    while len(chosen) < n and away.max() > 0:
        # Distances only shrink. An item drawn for an old distance and kept with probability new/old is therefore
        # drawn for the new one: several draws, and one pass through the pool for all that are kept.
        chance = away.astype(np.float64)
        drawn = rng.choice(len(away), min(PROPOSALS, n - len(chosen)), p=chance / chance.sum())
        between = _gradient_distances(A[drawn], X[drawn], norms[drawn], np.arange(len(drawn)))
        now, kept = away[drawn], []
        for i, item in enumerate(drawn):
            if rng.random() * away[item] < now[i]:
                kept.append(int(item))
                now = np.minimum(now, between[:, i])
                now[drawn == item] = 0
        np.minimum(away, _gradient_distances(A, X, norms, np.array(kept)).min(axis=1), out=away)
        chosen += kept
    others = rng.permutation(np.setdiff1d(np.arange(len(c)), chosen))  # copies of what is chosen
    return np.concatenate([chosen, others])[:n].astype(np.intp)


def _gradient_distances(A: np.ndarray, X: np.ndarray, norms: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """(n, picks) squared distances between the gradients A_i ⊗ X_i and those of the picks; what is rounding is 0."""
    both = norms[:, None] + norms[picks]
    away = both - 2 * (A @ A[picks].T) * (X @ X[picks].T)
    away[away < 1e-5 * both] = 0
    away[picks, np.arange(len(picks))] = 0
    return away


@selects(needs=("proba", "embeddings"))
def weighted_k_means(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """The item nearest to each of n centres of the unsurest items, which pull a centre the more the unsurer they are.

    The 10 · n items with the smallest margins are clustered by k-means, weighted by 1 − margin. The heaviest
    cluster comes first. Where there are fewer than n distinct clusters, the smallest margins follow.

    Args:    c: with proba and embeddings.
    Returns: (n,) positions, one a cluster.
    Source:  Zhdanov 2019 (Diverse mini-batch Active Learning).
    """
    assert c.proba is not None
    assert c.embeddings is not None
    unsure = 1 - gap(c.proba)
    unsurest = top(unsure, min(len(c), MANY * n), rng)
    X, weights = c.embeddings[unsurest], np.maximum(unsure[unsurest], 1e-6)  # an item of no weight has a place as well
    labels, centres = clusters(X, n, int(rng.integers(2**31)), weights)
    nearest = middles(X, labels, centres, weights, rng)
    others = np.setdiff1d(np.arange(len(X)), nearest, assume_unique=True)  # sorted: unsurest first
    return unsurest[np.concatenate([nearest, others])[:n]]
