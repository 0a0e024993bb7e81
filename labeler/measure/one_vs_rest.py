"""One class against the rest: how well its probability ranks the items, as ROC and precision-recall curves."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from labeler.measure import clusters
from labeler.measure.intervals import Estimate, effective, estimate

POINTS = 200  # of a curve; more would not be visible
MOST = 1_000_000  # numbers in the bootstrap's arrays


@dataclass(frozen=True)
class OneVsRest:
    """ROC and precision-recall curves as points, with the areas below them. share: prevalence of the class."""

    false_positives: tuple[float, ...]
    true_positives: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    area: Estimate
    average_precision: Estimate
    share: float


def yes_no(
    scores: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray | None = None,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> OneVsRest | None:
    """Both curves of a class; None if all items are of it, or none is.

    The variance of a bootstrap over items gives the effective number of items in Wilson's interval; of items in groups
    it is mixed with that of alike items, see `labeler.measure.clusters`.

    Args:   scores: (n,) the probability of the class. truth: (n,) bool. weights: (n,) of the items, where they were
            not drawn uniformly. groups: (n,) of the items, which the bootstrap then draws whole; None: it draws items.
    Source: Fawcett 2006 (ROC); Davis & Goadrich 2006 (precision and recall need steps, not straight lines).
    """
    truth = np.asarray(truth, dtype=bool)
    if truth.all() or not truth.any():
        return None
    false, true, _ = roc_curve(truth, scores, sample_weight=weights)
    precision, recall, _ = precision_recall_curve(truth, scores, sample_weight=weights)
    area = float(roc_auc_score(truth, scores, sample_weight=weights))
    average = float(average_precision_score(truth, scores, sample_weight=weights))
    n = len(truth)
    units = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    spread = np.var(_resampled(scores, truth, weights, seed, units), axis=1)

    parts = [np.bincount(units[which], minlength=units.max() + 1) / which.sum() for which in (truth, ~truth)]
    k = min(int(np.count_nonzero(part)) for part in parts)  # the class in few groups is known little

    def with_interval(value: float, variance: float, of_groups: np.ndarray) -> Estimate:
        if groups is None:
            return estimate(value, effective(value, variance, n))
        spread = value * (1 - value)
        between = variance * k / (k - 1 or 1) / spread if spread > 0 else 0.0
        return estimate(value, clusters.mixed(between, of_groups, k if between > 0 else 0, n, k))

    # Of the thresholds with the same recall the highest, at which it is reached: the area below these steps is the
    # average precision, and no step has spikes.
    reached = np.append(np.diff(recall) != 0, True)
    recall, precision = recall[reached], precision[reached]
    of_roc, of_recall = _thinned(len(false)), _thinned(len(recall))
    return OneVsRest(
        _points(false, of_roc),
        _points(true, of_roc),
        _points(recall, of_recall),
        _points(precision, of_recall),
        with_interval(area, float(spread[0]), (parts[0] + parts[1]) / 2),
        with_interval(average, float(spread[1]), parts[0]),
        float(np.average(truth, weights=weights)),
    )


def _points(values: np.ndarray, where: np.ndarray) -> tuple[float, ...]:
    return tuple(float(v) for v in values[where])


def _thinned(n: int) -> np.ndarray:
    """Positions of at most `POINTS` points, the first and the last among them."""
    return np.arange(n) if n <= POINTS else np.unique(np.linspace(0, n - 1, POINTS).astype(int))


def _resampled(
    scores: np.ndarray, truth: np.ndarray, weights: np.ndarray | None, seed: int, units: np.ndarray
) -> np.ndarray:
    """(2, B) area under ROC and average precision of samples drawn from the items with replacement.

    Args: units: (n,) int from 0 on, equal for items that are drawn together.
    """
    n, k = len(truth), int(units.max()) + 1
    draws = int(np.clip(MOST // n, 100, 500))
    times = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), draws).astype(float)[:, units]
    times = times if weights is None else times * weights
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.inf))  # equal scores are one threshold
    yes, no = (np.add.reduceat((times * which)[:, order], starts, axis=1) for which in (truth, ~truth))
    positives, negatives = yes.sum(axis=1), no.sum(axis=1)
    both = (positives > 0) & (negatives > 0)
    yes, no, positives, negatives = yes[both], no[both], positives[both], negatives[both]
    hits, wrong = yes.cumsum(axis=1), no.cumsum(axis=1)
    area = (yes * (negatives[:, None] - wrong + no / 2)).sum(axis=1) / (positives * negatives)
    taken = hits + wrong
    average = (yes * np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)).sum(axis=1) / positives
    return np.stack([area, average])
