"""Uncertainty sampling: ask about the items whose class the model is least sure of."""

import numpy as np

from strategies.base import Candidates, scores
from strategies.blocks import by_rows

FAMILY = "uncertainty sampling"


def shannon(proba: np.ndarray) -> np.ndarray:
    """Shannon entropy of each distribution along the last axis, in nats.

    Args:    proba: (…, C) float, rows sum to 1; 0 counts as 0 · log 0 = 0.
    Returns: (…,) nats, from 0 (certain) to log C (uniform).
    Source:  Shannon 1948, section 6.
    """
    tiny = np.finfo(proba.dtype).tiny  # log stays finite where proba is 0
    return -(proba * np.log(np.maximum(proba, tiny))).sum(axis=-1)


def gap(proba: np.ndarray) -> np.ndarray:
    """How far the most likely class is ahead of the second.

    Args:    proba: (n, C) float, rows sum to 1.
    Returns: (n,) from 0 (a tie) to 1 (certain); 1 where there is only one class.
    Source:  Scheffer, Decomain & Wrobel 2001; Settles 2010, section 3.1.
    """
    if proba.shape[1] == 1:
        return proba[:, 0]
    return by_rows(_gap, proba)


def highest(proba: np.ndarray) -> np.ndarray:
    """The highest probability of each item (n,), from proba (n, C)."""
    return by_rows(lambda block: np.ascontiguousarray(block.T).max(axis=0), proba)


def _gap(proba: np.ndarray) -> np.ndarray:
    # class by class over many items at once, which is several times as fast as to sort each item's few classes
    columns = np.ascontiguousarray(proba.T)
    first, second = columns[0], np.full(len(proba), -np.inf, dtype=proba.dtype)
    for column in columns[1:]:
        second = np.maximum(second, np.minimum(first, column))
        first = np.maximum(first, column)
    return first - second


@scores(needs="proba", alone=True)
def least_confidence(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """How improbable the predicted class is. It looks at the best class alone.

    Args:    c: with proba.
    Returns: (n,) 1 − the highest probability, from 0 to 1 − 1/C; higher is asked first.
    Source:  Lewis & Gale 1994; Settles 2010, section 3.1.
    """
    assert c.proba is not None
    return 1 - highest(c.proba)


@scores(needs="proba", alone=True)
def margin(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """How close the two most likely classes are to a tie. A safe default with more than two classes.

    Args:    c: with proba.
    Returns: (n,) 1 − (best − second best), from 0 to 1; higher is asked first.
    Source:  Scheffer, Decomain & Wrobel 2001; Settles 2010, section 3.1.
    """
    assert c.proba is not None
    return 1 - gap(c.proba)


@scores(needs="proba", alone=True)
def entropy(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """Shannon entropy of the predicted class. It weighs all classes, so unlikely ones count as well.

    Args:    c: with proba.
    Returns: (n,) nats, from 0 to log C; higher is asked first.
    Source:  Settles 2010, section 3.1.
    """
    assert c.proba is not None
    return by_rows(shannon, c.proba)
