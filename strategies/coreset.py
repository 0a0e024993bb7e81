"""Core-set: ask about the items that leave no region of the pool far from a label."""

import numpy as np

from strategies.base import Candidates, selects

FAMILY = "core-set"

BLOCK = 2**24  # entries of a block of distances to the labeled items: 64 MB


@selects(needs=("embeddings", "labeled"))
def k_center(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Time after time the item farthest from everything labeled or chosen so far. It covers the pool, outliers first.

    With nothing labeled it starts at the item nearest to the pool's mean. Equal distances are decided by rng.
    The work is O(n_candidates · d) for each label and each choice; no n × n matrix is ever made.

    Args:    c: with embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Sener & Savarese 2018, algorithm 1 (k-Center-Greedy); Gonzalez 1985.
    """
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    # centred, so that ‖x‖² + ‖y‖² − 2 x·y does not cancel in float32 when the pool lies far from 0
    mean = c.embeddings.mean(axis=0)
    X = (c.embeddings - mean).astype(np.float32, copy=False)
    labeled = (c.labeled_embeddings - mean).astype(np.float32, copy=False)
    norms = np.einsum("ij,ij->i", X, X)
    # squared distance to the nearest labeled or chosen item, carried along; before there is one, to prefer the mean
    away = _nearest(X, norms, labeled) if len(labeled) else -norms
    chosen = np.empty(n, dtype=np.intp)
    for i in range(n):
        chosen[i] = pick = rng.choice(np.flatnonzero(away == away.max()))
        if i == 0 and len(labeled) == 0:
            away = np.full(len(X), np.inf, dtype=np.float32)
        np.minimum(away, norms + norms[pick] - 2 * (X @ X[pick]), out=away)
        away[pick] = -np.inf  # never twice, even when only copies of chosen items are left
    return chosen


def _nearest(X: np.ndarray, norms: np.ndarray, labeled: np.ndarray) -> np.ndarray:
    """Squared distance from each row of X to the nearest labeled row."""
    labeled_norms = np.einsum("ij,ij->i", labeled, labeled)
    block = max(1, BLOCK // len(labeled))
    nearest = [
        (labeled_norms - 2 * (X[start : start + block] @ labeled.T)).min(axis=1) for start in range(0, len(X), block)
    ]
    return np.concatenate(nearest) + norms
