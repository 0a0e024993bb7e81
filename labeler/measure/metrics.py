"""How good a model is on the holdout, with its uncertainty. Never fed with items that a strategy chose."""

import numpy as np

from labeler.core import decisions
from labeler.core.rounds import Forecast, Metrics
from labeler.core.settings import Config
from labeler.measure.intervals import estimate

# Imports of sklearn are deferred: it is slow to load.

BINS = 15  # of confidence, as Guo et al. have them


def metrics(proba: np.ndarray, targets: np.ndarray) -> Metrics:
    """Accuracy with its 95 % interval, F1 and calibration error, on randomly drawn items.

    Where an item has several classes, accuracy is that of whole sets (subset accuracy), the calibration error is over
    all decisions, and there is a micro F1 as well, which weighs classes by how often they occur.

    Args:    proba: (n, C) float. targets: (n,) int class indices, or (n, C) of 0 and 1; n is 1 or more.
    Returns: Wilson's score interval around accuracy; macro F1 over the classes that are present or predicted.
    Source:  Wilson 1927; recommended for small n by Brown, Cai & DasGupta 2001, section 3. Tsoumakas, Katakis and
             Vlahavas 2010, section 7 (subset accuracy, averages).
    """
    several, right = targets.ndim == 2, int(decisions.correct(proba, targets).sum())
    accuracy = estimate(right / len(targets), len(targets))
    macro, micro = f1(decisions.predicted(proba, several), targets, proba.shape[1])
    error = calibration_error(*decisions.as_single_decisions(proba, targets))
    shown = accuracy.value, accuracy.low, accuracy.high
    return Metrics(len(targets), *shown, macro, error, micro if several else None)


def stability(now: Forecast, before: Forecast | None, config: Config) -> tuple[float | None, float | None]:
    """How much a round's model agrees with the one before it, and how uncertain it is, on items that both have seen.

    Returns: Cohen's kappa of their predictions (1 where both say the same of all), None without common items; the mean
             of 1 − the highest probability, of several classes over all decisions.
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
    """Macro and micro F1; 1 where there was nothing to find and nothing was found.

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
    """How far the model's confidence is from its accuracy: the mean over bins of confidence, weighted by their items.

    Uncertainty sampling lives on probabilities: where 0.8 is not right 8 times in 10, it asks by wrong numbers. With
    few items in a bin chance alone makes some error, also of a calibrated model.

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
