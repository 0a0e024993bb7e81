"""Labels in folds, each held back in turn; the labels of a group, such as a patient, are in the same fold."""

from collections.abc import Iterator

import numpy as np

from labeler.core import decisions


def stratified(targets: np.ndarray, folds: int, seed: int, groups: np.ndarray | None = None) -> list[np.ndarray]:
    """The rows of each fold; every class is spread over all folds as evenly as possible.

    Args: targets: (n,) int, or (n, C) of 0 and 1; a class may have fewer items than there are folds.
          groups: (n,) int, whose rows are in one fold; None: rows are dealt one by one. There are no more folds than
          groups; a single group is dealt row by row.
    """
    rng, strata = np.random.default_rng(seed), decisions.strata(targets)
    if groups is not None and (most := len(np.unique(groups))) > 1:
        return _by_group(strata, min(folds, most), groups, rng)
    order = rng.permutation(len(targets))
    order = order[np.argsort(strata[order], kind="stable")]
    return [np.sort(order[fold::folds]) for fold in range(folds)]


def _by_group(strata: np.ndarray, folds: int, groups: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """The rows of each fold. The largest group goes first, each to the fold that it makes least uneven.

    Source: scikit-learn's `StratifiedGroupKFold`; there the unevenness is the spread of each class over the folds.
    """
    places, members = (np.unique(values, return_inverse=True)[1] for values in (strata, groups))
    counts = np.zeros((members.max() + 1, places.max() + 1))
    np.add.at(counts, (members, places), 1)
    share = counts / counts.sum(axis=0)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order].max(axis=1), kind="stable")]
    filled, fold_of = np.zeros((folds, counts.shape[1])), np.zeros(len(counts), dtype=np.intp)
    for group in order:
        # the sum of squares grows least where the group's classes are rarest; of equal folds the emptiest is taken
        growth = ((filled + share[group]) ** 2 - filled**2).sum(axis=1)
        fold_of[group] = np.lexsort((filled.sum(axis=1), growth.round(12)))[0]
        filled[fold_of[group]] += share[group]
    return [np.flatnonzero(fold_of[members] == fold) for fold in range(folds)]


def held_back(
    targets: np.ndarray, folds: int, part: float, seed: int, groups: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """The rows held back for each fold: a share of every class, which keeps at least one row to train on.

    Args: part: the share. groups: (n,) int, which are held back whole; None: rows are.
    """
    if groups is not None and len(np.unique(groups)) > 1:
        yield from _groups_held_back(targets, folds, part, seed, groups)
        return
    rng, classes = np.random.default_rng(seed), decisions.strata(targets)
    order = [rng.permutation(np.flatnonzero(classes == c)) for c in np.unique(classes)]
    for fold in range(folds):
        bounds = [(part * len(rows) * np.array([fold, fold + 1]) + 0.5).astype(int) for rows in order]
        yield np.sort(np.concatenate([rows[:-1][low:high] for rows, (low, high) in zip(order, bounds, strict=True)]))


def _groups_held_back(
    targets: np.ndarray, folds: int, part: float, seed: int, groups: np.ndarray
) -> Iterator[np.ndarray]:
    """The same by group; a group that has all rows of a class is not held back."""
    classes = decisions.strata(targets)
    parts = stratified(targets, max(round(1 / part), 2), seed, groups)
    usable = []
    for rows in parts:
        held = np.isin(np.arange(len(targets)), rows)
        for lost in np.setdiff1d(classes[held], classes[~held]):
            held &= ~np.isin(groups, groups[held & (classes == lost)])
        if held.any():
            usable.append(np.flatnonzero(held))
    if not usable:
        yield from held_back(targets, folds, part, seed)
    yield from usable[:folds]
