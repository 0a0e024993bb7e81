"""Core-set: ask about the items that leave no region of the pool far from a label."""

from collections.abc import Callable

import numpy as np

from strategies import blocks
from strategies.base import Candidates, selects, top

FAMILY = "core-set"

OUTLIERS = 0.05  # share of the pool that robust_k_center may leave uncovered
AHEAD = 20  # candidates for the next choices, times the choices that are left …
FEWEST, MOST = 1_000, 50_000  # … but so many at least, and at most

# (k,) squared distances to the nearest labeled or chosen item, (k,) positions, how many are chosen → (k,) values
Value = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


@selects(needs=("embeddings", "labeled"))
def k_center(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Time after time the item farthest from everything labeled or chosen so far. It covers the pool, outliers first.

    With nothing labeled it starts at the item nearest to the pool's mean. Equal distances are decided by rng.
    The work is O(n_candidates · d) for each label, and far less for each choice; the choice is exact.

    Args:    c: with embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Sener & Savarese 2018, algorithm 1 (k-Center-Greedy); Gonzalez 1985.
    """
    return _farthest_first(c, n, 0, rng)


@selects(needs=("embeddings", "labeled"))
def robust_k_center(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """Time after time the farthest item but for the farthest 5%, which may be outliers. It covers all the others.

    Which items are passed over is decided anew for each choice. In a pool of fewer than 20 there are none, and it is
    k_center; all else is as there.

    Args:    c: with embeddings and labeled.
    Returns: (n,) positions in the order of choice.
    Source:  Charikar et al. 2001 (k-center with outliers; Sener & Savarese 2018, section 4.2); the greedy choice that
             passes over the farthest is that of Ding, Yu & Wang 2019, who draw among these and the next.
    """
    return _farthest_first(c, n, int(OUTLIERS * len(c)), rng)


def _farthest_first(c: Candidates, n: int, skip: int, rng: np.random.Generator) -> np.ndarray:
    assert c.embeddings is not None
    assert c.labeled_embeddings is not None
    if len(c.labeled_embeddings):
        return greedily(c.embeddings, c.labeled_embeddings, np.empty(0, dtype=np.intp), n, rng, skip=skip)
    mean = blocks.mean(c.embeddings)
    central = blocks.nearest_squared(c.embeddings, mean[None], mean)
    first = rng.choice(np.flatnonzero(central == central.min()), 1)
    return greedily(c.embeddings, c.labeled_embeddings, first, n, rng, skip=skip)


# wide: the loop that several strategies share; the last two are for the few that differ
def greedily(
    X: np.ndarray,
    labeled: np.ndarray,
    first: np.ndarray,
    n: int,
    rng: np.random.Generator,
    value: Value = lambda away, positions, chosen: away,
    skip: int = 0,
) -> np.ndarray:
    """n rows of X, each the one that is worth most given how far it is from what is labeled or chosen before it.

    Exact, without a pass through X for each choice: distances only shrink, so that a value can only fall. The choice is
    made among the rows that were worth most at the last pass for as long as the best of them is worth more than all
    others were then; only after that all rows are measured again, to all that was chosen in the meantime.

    Args:    labeled: (m, d) embeddings of the labeled items. first: positions of the rows that are chosen already; of
             both together there is at least one. value: never falls as a distance grows, and changes by the same
             amount (or not at all) with each choice. skip: so many rows of the highest value are passed over each
             time, as far as others are left.
    Returns: (n,) positions, `first` included.
    """
    N, mean = len(X), blocks.mean(X)
    every, taken = np.arange(N), np.zeros(N, dtype=bool)
    chosen = list(first[:n])
    taken[chosen] = True
    away = blocks.nearest_squared(X, np.concatenate([labeled, X[chosen]]) if chosen else labeled, mean)
    ahead, until = min(max(AHEAD * n, FEWEST), MOST), n
    while len(chosen) < n:
        # what a row is worth changes evenly with the number of choices: it is highest at the first or at the last one
        worth = np.maximum(value(away, every, len(chosen)), value(away, every, until - 1))
        worth[taken] = -np.inf
        kept = top(worth, min(N, skip + ahead), rng)
        bar = worth[kept[-1]] if len(kept) < N else -np.inf
        near, Y, start = away[kept], blocks.take(X, kept, mean), len(chosen)
        squares = np.einsum("ij,ij->i", Y, Y)
        while len(chosen) < until:
            now = np.where(taken[kept], -np.inf, value(near, kept, len(chosen)))
            rank = len(now) - 1 - min(skip, N - len(chosen) - 1)
            best = np.partition(now, rank)[rank] if skip else now.max()
            if best < bar:
                break
            pick = rng.choice(np.flatnonzero(now == best))
            chosen.append(kept[pick])
            taken[kept[pick]] = True
            np.minimum(near, np.maximum(squares + squares[pick] - 2 * (Y @ Y[pick]), 0), out=near)
        if start < len(chosen) < n:
            np.minimum(away, blocks.nearest_squared(X, X[chosen[start:]], mean), out=away)
        ahead = min(2 * ahead, MOST)
        until = n if len(chosen) > start else start + 1  # for one choice the best now is the best of all
    return np.array(chosen, dtype=np.intp)
