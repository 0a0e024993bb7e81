"""Figures on a holdout whose items were drawn at different rates: by the first draw, and with a share of later imports.

Each item is weighed as the items of the project that it stands for, so that a figure is that of all items that a draw
stands for. Within the first draw, and within later imports, the labeled items are a random part of the drawn ones; how
many of each part are labeled makes no difference to what a figure is of, only to how certain it is.

Source: Särndal, Swensson & Wretman 1992, section 3.7 (stratified sampling) and equation 5.7.4 (the weighted mean);
        Korn & Graubard 1998 (the interval from an effective number of items).
"""

from dataclasses import dataclass, replace

import numpy as np

from labeler.core import decisions
from labeler.core.arrivals import FEWEST_LATER, Arrivals
from labeler.core.rounds import Metrics
from labeler.measure import clusters, intervals
from labeler.measure.holdout import Evaluation
from labeler.measure.intervals import Estimate
from labeler.measure.metrics import weighted_metrics


@dataclass(frozen=True)
class Mixture:
    """What labeled holdout items stand for. weights: (n,), in items of the project. later: (n,) bool, whether an item
    came with a later import.
    """

    weights: np.ndarray
    later: np.ndarray

    @property
    def effective(self) -> float:
        """The number of equally weighted items that are as informative (Kish 1965, section 8.2)."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())


def stands_for(items: np.ndarray, arrivals: Arrivals) -> tuple[np.ndarray, np.ndarray]:
    """(n,) how many items of the project each holdout item stands for, and (n,) bool whether it came later.

    Items of the first draw share the items that it was drawn from, to which later ones of the same groups belong. An
    item that came later stands for as many as the inverse of the probability with which it was drawn, so that those
    of imports after a round change nothing of its figures.

    Args: items: (n,) ids of all holdout items that a model has predicted, labeled or not.
    """
    inverse = np.array([1 / arrivals.chances.get(item, np.inf) for item in items.tolist()])
    later = inverse > 0
    return np.where(later, inverse, arrivals.first / max(int((~later).sum()), 1)), later


def is_in(labeled: np.ndarray, later: np.ndarray) -> np.ndarray:
    """(n,) bool: the labeled items that figures are of. The items that came later, and those of the first draw, are
    among them once `FEWEST_LATER` of them have a label, or all of them if they are fewer.

    Args: labeled: (n,) bool, of the holdout. later: (n,) bool.
    """
    enough = [int((labeled & part).sum()) >= max(1, min(FEWEST_LATER, int(part.sum()))) for part in (~later, later)]
    if not any(enough):
        enough = [bool((labeled & ~later).any()), not (labeled & ~later).any()]
    return labeled & np.where(later, enough[1], enough[0])


def mixture(stand_for: np.ndarray, later: np.ndarray, labeled: np.ndarray) -> Mixture:
    """What the labeled items stand for: those of each part share what all items of the part stand for.

    Args: stand_for, later: as `stands_for` gives them. labeled: (m,) positions.
    """
    weights, of_part = stand_for[labeled].astype(float), later[labeled]
    for part in (False, True):
        if (of_part == part).any():
            weights[of_part == part] *= stand_for[later == part].sum() / weights[of_part == part].sum()
    return Mixture(weights, of_part)


def accuracy(right: np.ndarray, parts: Mixture, groups: np.ndarray | None = None) -> tuple[Estimate, float]:
    """The weighted share of right items with its 95% interval, and how many uniformly drawn items would tell as much.

    The variance is the sum of those of the two parts. In each, the share of right items is drawn a little towards one
    half, as if one more item had been right and one wrong, since few items may all be right by chance. Items in groups
    have the variance between groups.

    Args: right: (n,) bool. groups: (n,) of the items; None: the items are independent.
    """
    if groups is not None:
        share, n = clusters.effective_mean(right, groups, parts.weights)
        return intervals.estimate(share, n), n
    total = float(parts.weights.sum())
    share, variance = float(parts.weights @ right) / total, 0.0
    for part in (parts.later, ~parts.later):
        if part.any():
            weights = parts.weights[part]
            size = float(weights.sum() ** 2 / (weights**2).sum())
            smoothed = (size * float(weights @ right[part]) / float(weights.sum()) + 1) / (size + 2)
            variance += (float(weights.sum()) / total) ** 2 * smoothed * (1 - smoothed) / size
    n = intervals.effective(share, variance, parts.effective)
    return intervals.estimate(share, n), n


def evaluated(evaluation: Evaluation, right: np.ndarray, parts: Mixture, groups: np.ndarray | None) -> Evaluation:
    """An evaluation by these weights, with the accuracy of `accuracy`."""
    estimate, n = accuracy(right, parts, groups)
    halving = intervals.labels_to_halve(estimate.value, n) if groups is None else evaluation.to_halve
    return replace(evaluation, accuracy=estimate, to_halve=halving)


def metrics_mixed(proba: np.ndarray, targets: np.ndarray, parts: Mixture, groups: np.ndarray | None = None) -> Metrics:
    """The metrics of a round on labeled items, each weighed as the items that it stands for; n is 1 or more.

    Args: proba: (n, C). targets: (n,) or (n, C). groups: (n,) of the items; None: the items are independent.
    """
    estimate, _n = accuracy(decisions.correct(proba, targets), parts, groups)
    figures = weighted_metrics(estimate, proba, targets, parts.weights, groups)
    return replace(figures, later=int(parts.later.sum()) or None)
