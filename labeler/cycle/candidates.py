"""Which items of a pool a strategy sees: all of a small one; of a large one random items and neighbours of minorities.

Source: Coleman et al. 2022, "Similarity Search for Efficient Active Learning and Search of Rare Concepts" (SEALS).
"""

from itertools import chain, islice, zip_longest

import numpy as np

from labeler.core.rounds import Labels
from labeler.core.settings import QueryConfig
from labeler.cycle.state import State

SEARCHED_FROM = 256  # labeled items of minorities whose neighbours are searched in a round, at most


def sampled(
    state: State, pool: np.ndarray, config: QueryConfig, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """`size` items of the pool, and those of them that are neighbours of minorities; both are sorted.

    Neighbours have at most `config.neighbour_share` of the candidates; the others are random.

    Args: pool: (n,) positions that may be asked about, n ≥ size.
    """
    near = np.sort(near_minorities(state, pool, config, round(config.neighbour_share * size), rng))
    rest = pool if not len(near) else pool[~np.isin(pool, near)]
    return np.sort(np.concatenate([near, rng.choice(rest, size - len(near), replace=False)])), near


def near_minorities(
    state: State, pool: np.ndarray, config: QueryConfig, most: int, rng: np.random.Generator
) -> np.ndarray:
    """(k,) the items of the pool that are most similar to the labeled items of minority classes, `most` at most.

    Each of these has `config.neighbours`; where all are too many, the nearest ones of each come first.
    """
    if state.neighbours is None or not most:
        return pool[:0]
    minorities = minority_items(state.task.labels, state.task.n_classes, config.minority_share, rng)
    if not len(minorities):
        return pool[:0]
    among = np.zeros(len(state.task.dataset), dtype=bool)
    among[pool] = True
    nearest = state.neighbours.nearest(minorities, config.neighbours, among)
    positions = nearest.positions.T[np.isfinite(nearest.similarity.T)]  # the nearest ones of all, then the second ...
    _, first = np.unique(positions, return_index=True)
    return positions[np.sort(first)[:most]]


def minority_items(labels: Labels, n_classes: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """(m,) positions of labeled items of minority classes, as many of one class as of another, at most `SEARCHED_FROM`.

    A class is a minority that has labels, but fewer than `share` of the mean over the classes.
    """
    members = labels.targets.astype(bool) if labels.several else labels.targets[:, None] == np.arange(n_classes)
    counts = members.sum(axis=0)
    minorities = np.flatnonzero((counts > 0) & (counts < share * counts.mean()))
    items = [rng.permutation(labels.positions[members[:, c]]).tolist() for c in minorities]
    in_turn = (item for item in chain.from_iterable(zip_longest(*items)) if item is not None)
    return np.fromiter(islice(dict.fromkeys(in_turn), SEARCHED_FROM), dtype=np.intp)
