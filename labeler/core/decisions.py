"""What a model decides and what is true, for one class an item and for several.

One class an item is one decision among C: `proba` is (n, C), rows sum to 1, `targets` (n,) class indices. Several
classes are C decisions, each yes or no: `proba` is (n, C) of yes, `targets` (n, C) of 0 and 1. The targets' dimensions
tell which it is.
"""

import numpy as np


def predicted(proba: np.ndarray, several: bool) -> np.ndarray:
    """The likeliest class of each item (…, n), or (…, n, C) bool: each class that is likelier than not."""
    return proba > 0.5 if several else proba.argmax(axis=-1)


def right(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n,) bool: whether the prediction is the truth, of several classes the whole set."""
    same = predicted(proba, targets.ndim == 2) == targets
    return same.all(axis=1) if targets.ndim == 2 else same


def of_truth(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The probability of what is true, in each decision.

    Args:    proba: (…, n, C).
    Returns: (…, n), or (…, n, C) of several classes.
    """
    if targets.ndim == 2:
        return np.where(targets, proba, 1 - proba)
    return proba[..., np.arange(len(targets)), targets]


def of_whole(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n,) the probability of each item's class, or of its whole set of classes as if they were independent."""
    each = of_truth(proba, targets)
    return each.prod(axis=-1) if targets.ndim == 2 else each


def one_by_one(proba: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All decisions as if each were an item of one class: several classes become n · C items of "no" or "yes"."""
    if targets.ndim == 1:
        return proba, targets
    yes = proba.reshape(-1)
    return np.stack([1 - yes, yes], axis=1), targets.reshape(-1).astype(np.intp)


def strata(targets: np.ndarray) -> np.ndarray:
    """(n,) int: what a fair split spreads evenly: the class, or of several the one that the fewest items have."""
    if targets.ndim == 1:
        return targets
    each = np.where(targets, targets.sum(axis=0), len(targets) + 1)
    return np.where(targets.any(axis=1), each.argmin(axis=1), targets.shape[1])


# ---------------------------------------------------------------- what strategies see


def sets(targets: np.ndarray) -> np.ndarray:
    """(n,) int: the class, or the index of the item's set of classes among all sets that occur (the label powerset)."""
    if targets.ndim == 1:
        return targets
    return np.unique(targets, axis=0, return_inverse=True)[1].reshape(-1)


def doubted(proba: np.ndarray) -> np.ndarray:
    """(n,) int: of several classes the one that the model doubts most, whose probability is nearest 0.5.

    Query strategies know items of one class. They see an item of several through this class: the item is as doubtful
    as its most doubtful decision.

    Source: Esuli & Sebastiani 2009, section 3.2 (the confidence in an item is that in its least certain class, "min").
    """
    return np.abs(proba - 0.5).argmin(axis=1)


def seen_through(proba: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The "no" and "yes" of one class of each item, as if these were all the classes that there are.

    Args:    proba: (…, n, C) of yes. classes: (n,) int, one for each item.
    Returns: (…, n, 2), rows sum to 1.
    """
    yes = proba[..., np.arange(len(classes)), classes]
    return np.stack([1 - yes, yes], axis=-1)


def widened(proba: np.ndarray | None, targets: np.ndarray | None) -> np.ndarray | None:
    """Probabilities with a column for each target: sets of classes are more than "no" and "yes"; they get 0.

    Args: proba: (…, n, c). targets: (m,) int; without either nothing changes.
    """
    if proba is None or targets is None or (missing := int(targets.max(initial=0)) + 1 - proba.shape[-1]) <= 0:
        return proba
    return np.concatenate([proba, np.zeros((*proba.shape[:-1], missing), dtype=proba.dtype)], axis=-1)
