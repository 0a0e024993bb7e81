"""A model's probabilities beside the targets, for items with one class (multi-class) or several (multi-label).

With one class, an item is one decision among C classes: `proba` is (n, C) and its rows sum to 1, `targets` is (n,)
class indices. With several, an item is C decisions between yes and no: `proba` is (n, C) of yes, `targets` is (n, C) of
0 and 1. The number of the targets' dimensions tells which it is.
"""

import numpy as np


def predicted(proba: np.ndarray, several: bool) -> np.ndarray:
    """The most probable class of each item (…, n); with several classes (…, n, C) bool, each class above 0.5."""
    return proba > 0.5 if several else proba.argmax(axis=-1)


def correct(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n,) bool: whether each prediction is correct; with several classes, whether the whole set is."""
    matches = predicted(proba, targets.ndim == 2) == targets
    return matches.all(axis=1) if targets.ndim == 2 else matches


def proba_of_targets(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The probability of the target in each decision.

    Args:    proba: (…, n, C).
    Returns: (…, n), or (…, n, C) with several classes.
    """
    if targets.ndim == 2:
        return np.where(targets, proba, 1 - proba)
    return proba[..., np.arange(len(targets)), targets]


def proba_of_items(proba: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(n,) the probability of each item's class; with several, of its whole set as if classes were independent."""
    target_proba = proba_of_targets(proba, targets)
    return target_proba.prod(axis=-1) if targets.ndim == 2 else target_proba


def as_single_decisions(proba: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each decision as an item of its own: several classes become n · C items with the classes "no" and "yes"."""
    if targets.ndim == 1:
        return proba, targets
    yes = proba.reshape(-1)
    return np.stack([1 - yes, yes], axis=1), targets.reshape(-1).astype(np.intp)


def strata(targets: np.ndarray) -> np.ndarray:
    """(n,) int: the stratum of each item: its class, or of several classes the rarest; C without a class."""
    if targets.ndim == 1:
        return targets
    frequencies = np.where(targets, targets.sum(axis=0), len(targets) + 1)
    return np.where(targets.any(axis=1), frequencies.argmin(axis=1), targets.shape[1])


# ---------------------------------------------------------------- inputs of query strategies


def label_set_ids(targets: np.ndarray) -> np.ndarray:
    """(n,) int: the class; with several, the index of the item's set among the sets that occur (label powerset)."""
    if targets.ndim == 1:
        return targets
    return np.unique(targets, axis=0, return_inverse=True)[1].reshape(-1)


def least_certain_class(proba: np.ndarray) -> np.ndarray:
    """(n,) int: of several classes, the class whose probability is nearest 0.5.

    Query strategies expect items with one class. An item with several is reduced to this class, so that it is as
    uncertain as its least certain decision.

    Source: Esuli & Sebastiani 2009, section 3.2 (the confidence in an item is that in its least certain class, "min").
    """
    return np.abs(proba - 0.5).argmin(axis=1)


def proba_of_class(proba: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The probabilities of "no" and "yes" for one class of each item.

    Args:    proba: (…, n, C) of yes. classes: (n,) int, the class of each item.
    Returns: (…, n, 2), rows sum to 1.
    """
    yes = proba[..., np.arange(len(classes)), classes]
    return np.stack([1 - yes, yes], axis=-1)


def padded(proba: np.ndarray | None, targets: np.ndarray | None) -> np.ndarray | None:
    """Probabilities with zero columns appended up to the highest target: label sets outnumber "no" and "yes".

    Args: proba: (…, n, c). targets: (m,) int. If either is None, `proba` is returned unchanged.
    """
    if proba is None or targets is None or (missing := int(targets.max(initial=0)) + 1 - proba.shape[-1]) <= 0:
        return proba
    return np.concatenate([proba, np.zeros((*proba.shape[:-1], missing), dtype=proba.dtype)], axis=-1)
