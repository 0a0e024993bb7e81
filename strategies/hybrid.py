"""Hybrid: ask about items that the model is unsure of and that differ from each other."""

import numpy as np

from strategies import blocks
from strategies.base import Candidates, selects, top
from strategies.coreset import greedily
from strategies.low_budget import clusters, middles, squared_distances
from strategies.uncertainty import gap, highest

# Imports of scipy are deferred: it is slow to load.

FAMILY = "hybrid"

MANY = 10  # the unsurest items that are looked at, times the batch
LINKED = 5_000  # items that are clustered by linkage at most: their distances take 300 MB
CENTRAL = 1_000  # items that stand for the pool where ranked_batch looks for its centre
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
    labels = _linked(blocks.take(c.embeddings, unsurest), n)
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


@selects(needs=("proba", "embeddings"), linear=True)
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
    A, X = c.proba.astype(np.float32), c.embeddings
    A[np.arange(len(A)), A.argmax(axis=1)] -= 1
    norms = np.einsum("ij,ij->i", A, A)
    norms *= blocks.by_rows(lambda x: np.einsum("ij,ij->i", x, x), X)
    chosen = [int(rng.choice(np.flatnonzero(norms == norms.max())))]
    away = _nearest_gradient(A, X, norms, np.array(chosen))
    while len(chosen) < n and away.max() > 0:
        # Distances only shrink. An item drawn for an old distance and kept with probability new/old is therefore
        # drawn for the new one: several draws, and one pass through the pool for all that are kept.
        chance = away.astype(np.float64)
        drawn = rng.choice(len(away), min(PROPOSALS, n - len(chosen)), p=chance / chance.sum())
        between = _gradient_distances(A[drawn], blocks.take(X, drawn), norms[drawn], np.arange(len(drawn)))
        now, kept = away[drawn], []
        for i, item in enumerate(drawn):
            if rng.random() * away[item] < now[i]:
                kept.append(int(item))
                now = np.minimum(now, between[:, i])
                now[drawn == item] = 0
        np.minimum(away, _nearest_gradient(A, X, norms, np.array(kept)), out=away)
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


def _nearest_gradient(A: np.ndarray, X: np.ndarray, norms: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """(n,) squared distance from each gradient to the nearest of the picks', as above, a block at a time."""
    a, x, away = A[picks].T, blocks.take(X, picks).T, np.empty_like(norms)
    for rows, block in blocks.rows(X):
        both = norms[rows, None] + norms[picks]
        between = (A[rows] @ a) * (block @ x)
        away[rows] = np.where(2 * between > both * (1 - 1e-5), 0, both - 2 * between).min(axis=1)
    away[picks] = 0
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
    X = blocks.take(c.embeddings, unsurest)
    weights = np.maximum(unsure[unsurest], 1e-6)  # an item of no weight has a place as well
    labels, centres = clusters(X, n, int(rng.integers(2**31)), weights)
    nearest = middles(X, labels, centres, weights, rng)
    others = np.setdiff1d(np.arange(len(X)), nearest, assume_unique=True)  # sorted: unsurest first
    return unsurest[np.concatenate([nearest, others])[:n]]


@selects(needs=("proba", "embeddings", "labeled"))
def ranked_batch(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Time after time the item that is best in being unlike all that is labeled or chosen, and in being unsure.

    The score is α · (1 − similarity) + (1 − α) · (1 − highest probability), where similarity is 1 / (1 + distance) to
    the nearest labeled or chosen item and α the share of items without a label: with many labels, doubt decides. With
    nothing labeled it starts at the item with the smallest mean distance to all (to 1,000 drawn ones, where there are
    more). Distances are carried along and the choice is exact. As modAL.batch.uncertainty_batch_sampling.

    Args:    c: with proba, embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Cardoso et al. 2017, Ranked batch-mode active learning.
    """
    assert c.proba is not None
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    X, m = c.embeddings, len(c.labeled_embeddings)
    unsure = 1 - highest(c.proba)

    def score(away: np.ndarray, positions: np.ndarray, chosen: int) -> np.ndarray:
        alpha = (len(X) - chosen) / (len(X) + m)
        distances = np.sqrt(away)
        return alpha * distances / (1 + distances) + (1 - alpha) * unsure[positions]

    first = np.empty(0, dtype=np.intp) if m else _most_central(X, rng)
    return greedily(X, c.labeled_embeddings, first, n, rng, score)


def _most_central(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(1,) the position of the row with the smallest mean distance to all rows, or to `CENTRAL` drawn ones."""
    drawn = np.sort(rng.choice(len(X), min(len(X), CENTRAL), replace=False))
    mean = blocks.mean(X)
    others = blocks.take(X, drawn, mean)
    squares = np.einsum("ij,ij->i", others, others)

    def mean_distance(block: np.ndarray) -> np.ndarray:
        block = block - mean
        away = np.einsum("ij,ij->i", block, block)[:, None] + squares - 2 * (block @ others.T)
        return np.sqrt(np.maximum(away, 0)).mean(axis=1)

    distances = blocks.by_rows(mean_distance, X)
    return rng.choice(np.flatnonzero(distances == distances.min()), 1)
