"""Low budget: the first labels, before there is a model whose doubts mean anything."""

import warnings

import numpy as np

from strategies.base import Candidates, selects

FAMILY = "low budget"

LARGE = 10_000  # rows above which mini-batches find much the same centres in a fraction of the time


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
    labels, centres = _clusters(X, n, int(rng.integers(2**31)))
    distances = np.empty(len(X), dtype=centres.dtype)
    for start in range(0, len(X), 4096):  # in blocks: the differences of a whole pool would be a copy of it
        rows = slice(start, start + 4096)
        off = X[rows] - centres[labels[rows]]
        distances[rows] = np.einsum("ij,ij->i", off, off)
    shuffled = rng.permutation(len(X))  # the stable sort below then leaves ties in random order
    order = shuffled[np.lexsort((distances[shuffled], labels[shuffled]))]
    _, first, sizes = np.unique(labels[order], return_index=True, return_counts=True)
    nearest = order[first][np.argsort(-sizes, kind="stable")]
    others = rng.permutation(np.setdiff1d(np.arange(len(X)), nearest, assume_unique=True))
    return np.concatenate([nearest, others])[:n]


def _clusters(X: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The cluster of each row (n,) and the centres (k, d); the same for the same seed."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    kind = MiniBatchKMeans if len(X) > LARGE else KMeans
    model = kind(n_clusters=k, n_init=1, random_state=seed)
    # several threads would add up in the order in which they finish: not the same for the same seed
    with threadpool_limits(1, user_api="openmp"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than k
        labels = model.fit_predict(X)
    return labels, model.cluster_centers_
