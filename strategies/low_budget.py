"""Low budget: the first labels, before there is a model whose doubts mean anything."""

import warnings
from collections.abc import Callable

import numpy as np

from strategies import blocks
from strategies.base import Candidates, selects
from strategies.blocks import nearest_squared

# Imports of sklearn are deferred: it is slow to load.

FAMILY = "low budget"

DRAWN = 25_000  # rows that k-means looks at, at most; the others are given to the nearest centre
COMPARISONS = 30_000_000  # of a row with a centre, after which k-means ends: few centres settle, many nearly do
FEWEST, MOST = 5, 300  # its steps
CLUSTERS = 500  # at most so many in typiclust
NEIGHBOURS = 20  # a typical item is near to so many others
SMALL = 5  # a cluster of fewer items is noise, and its turn comes last
CROWD = 1_000  # items of one cluster that are compared with each other
COVER = 5_000  # items that prob_cover draws: their distances take 100 MB


@selects(needs="embeddings")
def k_means(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """The item nearest to each of n cluster centres, from the largest cluster to the smallest. For the first labels.

    What is labeled already is not looked at. Where the pool has fewer than n distinct clusters, random items follow.

    Args:    c: with embeddings.
    Returns: (n,) positions, one a cluster.
    Source:  Kang, Ryu & Kwon 2004 (the example closest to each cluster's centroid).
    """
    assert c.embeddings is not None
    X = c.embeddings
    labels, centres = clusters(X, n, int(rng.integers(2**31)))
    nearest = middles(X, labels, centres, np.ones(len(X)), rng)
    others = rng.permutation(np.setdiff1d(np.arange(len(X)), nearest, assume_unique=True))
    return np.concatenate([nearest, others])[:n]


@selects(needs=("embeddings", "labeled"))
def typiclust(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """The most typical item of each large cluster that has no label yet. For tens of labels, and safe from outliers.

    Pool and labeled items are put into min(labeled + n, 500) clusters by k-means. Time after time comes the cluster
    with the fewest labels, of these the largest; clusters of fewer than five items come last. Typical is what has
    the smallest mean distance to its 20 nearest neighbours in the cluster (to half the cluster, where that is
    less); of a cluster of more than 1,000 items, a random 1,000 are looked at.

    Args:    c: with embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Hacohen, Dekel & Weinshall 2022 (TypiClust).
    """
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    N, labeled = len(c), c.labeled_embeddings
    k = min(len(labeled) + n, CLUSTERS)
    labels, _ = clusters(c.embeddings, k, int(rng.integers(2**31)), also=labeled)
    order = np.argsort(labels[:N].astype(np.int16), kind="stable")  # sixteen bits are sorted in linear time
    members = np.split(order, np.searchsorted(labels[order], np.arange(1, k)))
    sizes = np.bincount(labels, minlength=k)
    asked, left = np.bincount(labels[N:], minlength=k), np.bincount(labels[:N], minlength=k)
    queues: dict[int, np.ndarray] = {}
    chosen = np.empty(n, dtype=np.intp)
    lots = rng.permutation(k)  # which of two equal clusters comes first
    for i in range(n):
        turn = int(np.lexsort((lots, -sizes, asked, sizes < SMALL, left == 0))[0])
        if turn not in queues:
            queues[turn] = _typical_first(c.embeddings, rng.permutation(members[turn]))
        chosen[i] = queues[turn][-left[turn]]
        left[turn] -= 1
        asked[turn] += 1
    return chosen


def _typical_first(X: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The members, most typical first; those beyond `CROWD` follow as they stand."""
    crowd, others = members[:CROWD], members[CROWD:]
    near = min(NEIGHBOURS, max(1, len(crowd) // 2))
    if len(crowd) > 1:
        rows = blocks.take(X, crowd)
        away = squared_distances((rows - rows.mean(axis=0)).astype(np.float32, copy=False))
        np.fill_diagonal(away, np.inf)  # nobody is a neighbour of himself
        distances = np.sqrt(np.partition(away, near - 1, axis=1)[:, :near]).mean(axis=1)
        crowd = crowd[np.argsort(distances, kind="stable")]
    return np.concatenate([crowd, others])


@selects(needs=("embeddings", "labeled"))
def prob_cover(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Time after time the item whose ball holds most items that no labeled or chosen item's ball holds yet.

    The radius needs no labels: of all pairs of items, one in (labeled + n) is nearer, so that as many disjoint balls
    would just hold the pool; it shrinks as labels are added. At most 5,000 random items are looked at, and equal
    balls are decided by rng.

    Args:    c: with embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Yehuda, Dekel, Hacohen & Weinshall 2022 (ProbCover), algorithm 1; its radius comes from k-means instead.
    """
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    X, labeled = c.embeddings, c.labeled_embeddings
    share = 1 / max(2, len(labeled) + n)

    def choose(rows: np.ndarray, answered: np.ndarray, k: int) -> np.ndarray:
        sample = blocks.take(X, rows)
        mean = sample.mean(axis=0)
        sample = (sample - mean).astype(np.float32, copy=False)
        away = squared_distances(sample)
        if len(rows) > 1:
            pairs = np.concatenate([away[i, :i] for i in range(1, len(rows))])
            rank = int(share * len(pairs))
            pairs.partition(rank)
            radius = pairs[rank] * (1 + 1e-5)  # a little more, for distances that are equal
            del pairs
        else:
            radius = np.float32(0)
        held = away <= radius
        open_ = nearest_squared(sample, (answered - mean).astype(np.float32, copy=False)) > radius
        counts = held[open_].sum(axis=0)
        picks = np.empty(k, dtype=np.intp)
        for i in range(k):
            picks[i] = pick = counts.argmax()  # the first of equals: the rows stand in random order
            new = held[pick] & open_
            counts -= held[new].sum(axis=0)
            counts[picks[: i + 1]] = -1  # never twice
            open_ &= ~new
        return picks

    return by_samples(X, labeled, n, COVER, rng, choose)


# ---------------------------------------------------------------- parts that other files use as well


def by_samples(
    X: np.ndarray,
    labeled: np.ndarray,
    n: int,
    size: int,
    rng: np.random.Generator,
    choose: Callable[[np.ndarray, np.ndarray, int], np.ndarray],
) -> np.ndarray:
    """n rows of X, chosen from random samples of `size` rows, so that no n × n matrix of the whole pool is needed.

    `choose(rows, answered, k)` gives k places in rows, best first; answered is what is labeled (`labeled`) or was
    chosen from an earlier sample. A sample that is not all there is gives at most a quarter of itself.
    """
    left = rng.permutation(len(X))
    chosen = np.empty(0, dtype=np.intp)
    while len(chosen) < n:
        rows = left[:size]
        k = min(n - len(chosen), len(rows) if len(left) <= size else max(1, size // 4))
        answered = np.concatenate([labeled, X[chosen]]) if len(chosen) else labeled
        chosen = np.concatenate([chosen, rows[choose(rows, answered, k)]])
        if len(chosen) < n:
            left = rng.permutation(np.setdiff1d(left, chosen, assume_unique=True))
    return chosen


def squared_distances(X: np.ndarray) -> np.ndarray:
    """Squared distance between each two rows of X; for few rows, near 0 in float32."""
    norms = np.einsum("ij,ij->i", X, X)
    away = -2 * (X @ X.T)
    away += norms
    away += norms[:, None]
    np.maximum(away, 0, out=away)
    np.fill_diagonal(away, 0)
    return away


def middles(
    X: np.ndarray, labels: np.ndarray, centres: np.ndarray, weights: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The item of each cluster that is nearest to its centre, from the heaviest cluster to the lightest."""
    distances = np.empty(len(X), dtype=centres.dtype)
    for rows, block in blocks.rows(X):
        off = block - centres[labels[rows]]
        distances[rows] = np.einsum("ij,ij->i", off, off)
    shuffled = rng.permutation(len(X))  # the stable sort below then leaves ties in random order
    order = shuffled[np.lexsort((distances[shuffled], labels[shuffled]))]
    present, first = np.unique(labels[order], return_index=True)
    heavy = np.bincount(labels, weights=weights)[present]
    return order[first][np.argsort(-heavy, kind="stable")]


def clusters(
    X: np.ndarray, k: int, seed: int, weights: np.ndarray | None = None, also: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The k-means cluster of each row (n,) and the centres (k, d); the same for the same seed.

    Args:    weights: (n,) how much each row of X counts. also: (m, d) rows that follow those of X.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    parts = [X] if also is None else [X, also]
    n, rng = sum(map(len, parts)), np.random.default_rng(seed)
    drawn = np.arange(n)
    if n > DRAWN:
        drawn = np.sort(rng.choice(n, DRAWN, replace=False))
        first = int(np.searchsorted(drawn, len(X)))
        sample = np.concatenate([blocks.take(X, drawn[:first]), *(part[drawn[first:] - len(X)] for part in parts[1:])])
    else:
        sample = blocks.widened(X if also is None else np.concatenate(parts))
    counts = None if weights is None else weights[drawn]
    steps = min(max(COMPARISONS // (len(sample) * k), FEWEST), MOST)
    model = KMeans(k, init=sample[spread(sample, k, rng, counts)], n_init=1, max_iter=steps)
    # several threads would add up in the order in which they finish: not the same for the same seed
    with threadpool_limits(1, user_api="openmp"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it may go on; or there are fewer distinct rows than k
        labels = model.fit_predict(sample, sample_weight=counts)
    centres = model.cluster_centers_
    if len(drawn) < n:
        labels = np.concatenate([blocks.nearest(part, centres, centres.mean(axis=0))[1] for part in parts])
    return labels, centres


def spread(X: np.ndarray, k: int, rng: np.random.Generator, weights: np.ndarray | None = None) -> np.ndarray:
    """k rows of X far from each other, each drawn in proportion to its squared distance from those before it.

    scikit-learn's takes seconds for 500 of 10,000 rows, and this one a tenth of a second.

    Args:    weights: (n,) how much each row counts.
    Returns: (k,) positions; with fewer distinct rows than k, some twice.
    Source:  Arthur & Vassilvitskii 2007 (k-means++), section 2.2.
    """
    X = X - X.mean(axis=0)
    squares = np.einsum("ij,ij->i", X, X)
    away = np.ones(len(X)) if weights is None else weights.astype(float)
    chance, nearest = away.copy(), np.full(len(X), np.inf)
    picks = np.empty(k, dtype=np.intp)
    for i in range(k):
        heap = np.cumsum(chance)
        picks[i] = pick = np.searchsorted(heap, rng.random() * heap[-1], side="right") if heap[-1] > 0 else picks[0]
        np.minimum(nearest, squares + squares[pick] - 2 * (X @ X[pick]), out=nearest)
        nearest[nearest < 1e-6 * squares] = 0  # rounding: a copy
        nearest[pick] = 0
        chance = away * nearest
    return picks
