"""Answers that came too fast for the annotator to have looked at the item."""

import numpy as np

FAST = 3.0  # robust standard deviations below the median
LEAST_SPREAD = 0.25  # of log seconds: a very even annotator who once hurries by a fifth is not suspicious
FEWEST = 20  # answers of an annotator: with fewer the usual speed is unknown


def outliers(annotators: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """A mask of the answers that were much faster than is usual both for the annotator and for everybody.

    An annotator who is always quick is not suspicious, nor is an answer that is fast only for a slow annotator.

    Args:    annotators: (v,) names. seconds: (v,) float; NaN, or 0 and less, where it is not known.
    Returns: (v,) bool.
    Source:  Iglewicz and Hoaglin 1993 (modified z-score: median and median absolute deviation), on log seconds.
    """
    timed = np.isfinite(seconds) & (seconds > 0)
    fast = np.zeros(len(seconds), dtype=bool)
    if not timed.any():
        return fast
    logs = np.log(seconds[timed])
    _, who = np.unique(annotators[timed].astype(str), return_inverse=True)
    own = np.zeros(len(logs))
    for person in range(who.max() + 1):
        rows = who == person
        if rows.sum() >= FEWEST:
            own[rows] = _score(logs[rows])
    fast[timed] = (own < -FAST) & (_score(logs) < -FAST)
    return fast


def _score(logs: np.ndarray) -> np.ndarray:
    """Robust z-scores: 1.4826 times the median absolute deviation estimates a standard deviation."""
    middle = np.median(logs)
    spread = 1.4826 * np.median(np.abs(logs - middle))
    return (logs - middle) / max(float(spread), LEAST_SPREAD)
