"""How sure a measured share is: 95 % intervals, what would halve them, and two models on the same items."""

from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054  # 97.5 % of the normal distribution lies below it


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


@dataclass(frozen=True)
class OpenEstimate:
    """A figure and its 95 % interval, which may be open: an end is None where nothing bounds the figure there."""

    value: float
    low: float | None = None
    high: float | None = None


def wilson(share: np.ndarray | float, n: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """The ends of Wilson's score interval. It is honest also where everything was right, and never leaves 0 to 1.

    Args:    share, n: of any equal shapes; n need not be whole (an effective number), and where it is 0 nothing is
             known: the interval is all of 0 to 1.
    Source:  Wilson 1927; recommended for small n by Brown, Cai & DasGupta 2001, section 3.
    """
    share, n = np.asarray(share, dtype=float), np.asarray(n, dtype=float)
    n = np.maximum(n, 1e-12)
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    # what is exact but for rounding is exact: 0 of n begins at 0, n of n ends at 1
    low, high = np.where(share <= 0, 0.0, centre - half), np.where(share >= 1, 1.0, centre + half)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def estimate(share: float, n: float) -> Estimate:
    """A share of `n` items with Wilson's interval."""
    low, high = wilson(share, n)
    return Estimate(float(share), float(low), float(high))


def effective(share: float, variance: float, most: float) -> float:
    """How many items of a plain sample would tell a share as well as an estimate of this variance does.

    Wilson's interval for so many items is the estimate's: unlike bootstrap percentiles it does not shrink to a point
    where hardly anything was wrong. A variance of 0 says nothing, then it is `most`.

    Source: Korn & Graubard 1998, section 2 (the effective sample size in an interval for a proportion).
    """
    spread = share * (1 - share)
    if spread <= 0 or variance <= 0:
        return most
    return float(min(most, spread / variance))


def width(share: float, n: float) -> float:
    """How wide Wilson's interval is."""
    low, high = wilson(share, n)
    return float(high - low)


def items_for(share: float, wide: float) -> int:
    """How many items it takes for the interval around this share to be no wider than `wide`, which is more than 0."""
    few, many = 0, 1
    while width(share, many) > wide:
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if width(share, middle) <= wide else (middle, many)
    return many


def labels_to_halve(share: float, n: float) -> int:
    """How many more labeled items would make the interval around this share half as wide.

    About 3 n: the width falls with the root of n.
    """
    return items_for(share, width(share, n) / 2) - int(n)


# ---------------------------------------------------------------- two models on the same items


def paired_difference(right_now: np.ndarray, right_before: np.ndarray, weights: np.ndarray | None = None) -> Estimate:
    """The difference, from -1 to 1, in how often two models are right on the same items.

    Only the items on which they differ tell them apart, so that a small gain shows that two intervals side by side
    would hide.

    Args:    right_now, right_before: (n,) bool, of the same items in the same order; n ≥ 1.
             weights: (n,) of the items, where they were not drawn alike.
    Source:  Bonett & Price 2012 (the adjusted Wald interval); recommended for few items by Fagerland, Lydersen & Laake
             2014, section 5.
    """
    now, before = np.asarray(right_now, dtype=bool), np.asarray(right_before, dtype=bool)
    each = np.ones(len(now)) if weights is None else weights
    n = float(each.sum() ** 2 / (each**2).sum())  # items of equal weight that tell as much (Kish 1965, section 8.2)
    gained, lost = (n * float(np.average(items, weights=each)) for items in (now & ~before, before & ~now))
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = Z * np.sqrt((up + down - (up - down) ** 2) / (n + 2))
    low, high = max(-1.0, up - down - half), min(1.0, up - down + half)
    return Estimate((gained - lost) / n, float(low), float(high))
