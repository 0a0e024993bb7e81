"""Calibration: the share of right answers in bins of a model's confidence."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from labeler.measure import clusters
from labeler.measure.intervals import Estimate, estimate
from labeler.measure.metrics import BINS

DRAWS = 400  # resamples of a calibrated model; fewer where there are many items
MOST = 2_000_000  # random numbers drawn in all


@dataclass(frozen=True)
class Bin:
    """The decisions with a confidence from `low` to below `high`: their mean confidence and the share that is right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: Estimate


@dataclass(frozen=True)
class Calibration:
    """error: expected calibration error. by_chance: its 95th percentile for a calibrated model."""

    bins: tuple[Bin, ...]  # only bins with decisions
    error: float
    by_chance: float


def calibration(
    proba: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray | None = None,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> Calibration:
    """The reliability diagram's bins, the expected calibration error, and the error that chance alone may cause.

    Args:    proba: (n, C) float, rows sum to 1. targets: (n,) int class indices; n ≥ 1; several classes an item
             go through `decisions.as_single_decisions` first. weights: (n,) of the items, where the draw was not
             uniform. groups: (n,) of the items, see `labeler.measure.clusters`; None: the items are independent.
    Source:  Guo et al. 2017, section 2, equation 3 (15 bins of equal width); Bröcker & Smith 2007, section 3
             (consistency resampling: outcomes drawn with the probabilities that were forecast); Cameron, Gelbach &
             Miller 2008, section 3 (the wild bootstrap: the residuals of a whole group change their sign together).
    """
    return calibration_of(proba.max(axis=1).astype(float), proba.argmax(axis=1) == targets, weights, seed, groups)


def calibration_of(
    confidence: np.ndarray,
    right: np.ndarray,
    weights: np.ndarray | None = None,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> Calibration:
    """The same of predictions, of which only the confidence is known.

    Args: confidence: (n,) float, the probability of each prediction; n ≥ 1. right: (n,) bool. Others: as there.
    """
    weight = np.ones(len(right)) if weights is None else weights
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    mass, squares = (np.bincount(place, weights=w, minlength=BINS) for w in (weight, weight**2))
    sure, hit = (np.bincount(place, weights=weight * v, minlength=BINS) for v in (confidence, right))
    counts, total = np.bincount(place, minlength=BINS), weight.sum()

    def accuracy(i: int) -> Estimate:
        if groups is not None:
            inside = place == i
            return estimate(*clusters.effective_mean(right[inside], groups[inside], weight[inside]))
        return estimate(float(hit[i] / mass[i]), mass[i] ** 2 / squares[i])

    bins = tuple(
        Bin(i / BINS, (i + 1) / BINS, int(counts[i]), float(sure[i] / mass[i]), accuracy(i))
        for i in np.flatnonzero(mass > 0).tolist()
    )
    rng = np.random.default_rng(seed)
    if groups is None:
        gaps = _gaps_of_items(confidence, weight, place, rng)
    else:
        gaps = _gaps_of_groups(weight * (right - confidence), groups, place, rng)
    by_chance = float(np.quantile(gaps / total, 0.95))
    return Calibration(bins, float(np.abs(sure - hit).sum() / total), by_chance)


def _gaps_of_items(
    confidence: np.ndarray, weight: np.ndarray, place: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(B,) sums over bins of the absolute gap, where outcomes are drawn with the probabilities that were forecast."""
    # sorted by bin, so that one pass sums all draws
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    draws = int(np.clip(MOST // len(order), 20, DRAWS))
    drawn = rng.random((draws, len(order)), dtype=np.float32) < confidence[order]
    return np.abs(np.add.reduceat((drawn - confidence[order]) * weight[order], starts, axis=1)).sum(axis=1)


def _gaps_of_groups(
    residuals: np.ndarray, groups: np.ndarray, place: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """(B,) the same, where the residuals of each group change their sign together with a probability of one half."""
    in_bins = csr_array((residuals, (np.arange(len(place)), place)), shape=(len(place), BINS))
    of_groups = (clusters.indicator(groups) @ in_bins).toarray()
    signs = rng.choice([-1.0, 1.0], (DRAWS, len(of_groups)))
    return np.abs(signs @ of_groups).sum(axis=1)
