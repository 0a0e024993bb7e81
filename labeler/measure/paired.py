"""The difference in accuracy of two models on the same items, with its 95% interval."""

import numpy as np

from labeler.measure import clusters
from labeler.measure.intervals import Estimate, Z


def paired_difference(
    right_now: np.ndarray,
    right_before: np.ndarray,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Estimate:
    """The difference, from -1 to 1, in how often two models are right on the same items.

    Only the items on which the models differ matter, so a paired interval shows gains that two separate intervals hide.

    Args:    right_now, right_before: (n,) bool, of the same items in the same order; n ≥ 1.
             weights: (n,) of the items, where they were not drawn uniformly. groups: (n,) of the items, between which
             the interval is, see `labeler.measure.clusters`; None: the items are independent.
    Source:  Bonett & Price 2012 (the adjusted Wald interval); recommended for few items by Fagerland, Lydersen & Laake
             2014, section 5.
    """
    now, before = np.asarray(right_now, dtype=bool), np.asarray(right_before, dtype=bool)
    each = np.ones(len(now)) if weights is None else weights
    n = float(each.sum() ** 2 / (each**2).sum())  # effective number of items (Kish 1965, section 8.2)
    better, worse = (float(np.average(items, weights=each)) for items in (now & ~before, before & ~now))
    if groups is not None:
        n = _effective(now.astype(float) - before, each, groups, n)
    gained, lost = n * better, n * worse
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = Z * np.sqrt((up + down - (up - down) ** 2) / (n + 2))
    low, high = max(-1.0, up - down - half), min(1.0, up - down + half)
    return Estimate(better - worse, float(low), float(high))


def _effective(differences: np.ndarray, each: np.ndarray, groups: np.ndarray, n: float) -> float:
    """The effective number of items of which the groups' differences are."""
    mean = float(np.average(differences, weights=each))
    parts = clusters.indicator(groups, each) @ (differences - mean)
    spread = float(np.average(differences**2, weights=each)) - mean**2
    return clusters.effective(spread, clusters.variance(parts) / float(each.sum()) ** 2, n, len(parts))
