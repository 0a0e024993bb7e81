"""Metrics of a model on the holdout. They are only valid for items that no strategy chose."""

import numpy as np

from labeler.core import decisions
from labeler.core.rounds import Forecast, Metrics
from labeler.core.settings import Config
from labeler.measure import clusters
from labeler.measure.intervals import Estimate, estimate

# Imports of sklearn are deferred: it is slow to load.

BINS = 15  # of confidence, as in Guo et al.


def metrics(proba: np.ndarray, targets: np.ndarray, groups: np.ndarray | None = None) -> Metrics:
    """Accuracy with its 95% interval, F1 and calibration error, on randomly drawn items.

    Where an item has several classes, accuracy is that of whole sets (subset accuracy), the calibration error is over
    all decisions, and micro F1, which weights classes by how often they occur, is computed as well.

    Args:    proba: (n, C) float. targets: (n,) int class indices, or (n, C) of 0 and 1; n is 1 or more.
             groups: (n,) of the items, see `labeler.measure.clusters`; None: the items are independent.
    Returns: Wilson's score interval around accuracy; macro F1 over the classes that are present or predicted.
    Source:  Wilson 1927; recommended for small n by Brown, Cai & DasGupta 2001, section 3. Tsoumakas, Katakis and
             Vlahavas 2010, section 7 (subset accuracy, averages).
    """
    several, right = targets.ndim == 2, decisions.correct(proba, targets)
    share, size = (float(right.mean()), float(len(right))) if groups is None else clusters.effective_mean(right, groups)
    accuracy = estimate(share, size)
    macro, micro = f1(decisions.predicted(proba, several), targets, proba.shape[1])
    error = calibration_error(*decisions.as_single_decisions(proba, targets))
    shown = accuracy.value, accuracy.low, accuracy.high
    return Metrics(len(targets), *shown, macro, error, micro if several else None, clusters.count(groups))


def weighted_metrics(
    accuracy: Estimate, proba: np.ndarray, targets: np.ndarray, weights: np.ndarray, groups: np.ndarray | None = None
) -> Metrics:
    """As `metrics`, with the accuracy that is given; the other figures are weighted.

    Args: weights: (n,) of the items.
    """
    several = targets.ndim == 2
    macro, micro = f1(decisions.predicted(proba, several), targets, proba.shape[1], weights)
    confidence, truth = decisions.as_single_decisions(proba, targets)
    error = calibration_error(confidence, truth, np.repeat(weights, proba.shape[1]) if several else weights)
    shown = accuracy.value, accuracy.low, accuracy.high
    return Metrics(len(targets), *shown, macro, error, micro if several else None, clusters.count(groups))


def stability(now: Forecast, before: Forecast | None, config: Config) -> tuple[float | None, float | None]:
    """The agreement of a round's model with the model before it, and its uncertainty, on items that both predicted.

    Returns: Cohen's kappa of their predictions (1 if all are equal), None without common items; the mean of 1 − the
             highest probability, over all decisions where an item has several classes.
    Source:  Bloodgood & Vijay-Shanker 2009, section 3; Zhu, Wang & Hovy 2008, section 3.2 (overall uncertainty).
    """
    from sklearn.metrics import cohen_kappa_score

    several = config.several
    proba = np.stack([1 - now.proba, now.proba], axis=-1) if several else now.proba
    uncertainty = float((1 - proba.max(axis=-1)).mean()) if len(proba) else None
    if before is None or before.proba.shape[1:] != now.proba.shape[1:]:
        return None, uncertainty
    _, ours, theirs = np.intersect1d(now.items, before.items, return_indices=True)
    if not len(ours):
        return None, uncertainty
    classes_now, classes_before = (
        decisions.predicted(f.proba[places], several).reshape(-1) for f, places in ((now, ours), (before, theirs))
    )
    if (classes_now == classes_before).all():
        return 1.0, uncertainty
    return float(cohen_kappa_score(classes_now, classes_before)), uncertainty


def f1(
    predicted: np.ndarray, targets: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> tuple[float, float]:
    """Macro and micro F1; 1 where no class occurs and none is predicted.

    Args: predicted, targets: (n,) int class indices, or (n, C) of 0 and 1. weights: (n,) of the items; None: all alike.
    """
    if targets.ndim == 1:
        predicted, targets = (np.eye(classes, dtype=bool)[indices] for indices in (predicted, targets))
    times = np.ones(len(targets), dtype=int) if weights is None else weights
    both = times @ (predicted & (targets > 0))
    either = times @ predicted + times @ targets
    defined = either > 0
    if not defined.any():
        return 1.0, 1.0
    return float((2 * both[defined] / either[defined]).mean()), float(2 * both.sum() / either.sum())


def calibration_error(proba: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The expected calibration error: mean difference of confidence and accuracy over bins, weighted by their items.

    Uncertainty sampling relies on probabilities: if 0.8 is not right 8 times in 10, it ranks items by wrong numbers.
    With few items in a bin, chance alone gives even a calibrated model some error.

    Args:    proba: (n, C) float, rows sum to 1. targets: (n,) int class indices; n ≥ 1.
             weights: (n,) of the items; None: all alike.
    Returns: from 0 to 1.
    Source:  Guo et al. 2017, section 2, equation 3 (expected calibration error, 15 bins of equal width).
    """
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == targets
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    times = np.ones(len(targets)) if weights is None else weights
    gaps = np.bincount(bins, weights=times * (confidence - right), minlength=BINS)
    return float(np.abs(gaps).sum() / times.sum())
