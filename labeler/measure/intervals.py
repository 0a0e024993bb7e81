"""95% intervals of measured shares, and the labels that would halve them."""

from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054  # 97.5% of the normal distribution lies below it


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


@dataclass(frozen=True)
class OpenEstimate:
    """A figure and its 95% interval; an end is None where the interval is open."""

    value: float
    low: float | None = None
    high: float | None = None


def wilson(share: np.ndarray | float, n: np.ndarray | float, z: float = Z) -> tuple[np.ndarray, np.ndarray]:
    """The ends of Wilson's score interval. It has a width even where all are right, and stays within 0 to 1.

    Args:    share, n: of any equal shapes; n need not be whole (an effective number); where it is 0 the interval
             is 0 to 1. z: half the width in standard errors; by default that of 95%.
    Source:  Wilson 1927; recommended for small n by Brown, Cai & DasGupta 2001, section 3.
    """
    share, n = np.asarray(share, dtype=float), np.asarray(n, dtype=float)
    n = np.maximum(n, 1e-12)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # rounding errors removed: 0 of n begins at 0, n of n ends at 1
    low, high = np.where(share <= 0, 0.0, centre - half), np.where(share >= 1, 1.0, centre + half)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def estimate(share: float, n: float) -> Estimate:
    """A share of `n` items with Wilson's interval."""
    low, high = wilson(share, n)
    return Estimate(float(share), float(low), float(high))


def effective(share: float, variance: float, most: float) -> float:
    """The effective sample size: the items of a simple random sample that would estimate a share with this variance.

    Wilson's interval for this size is the estimate's interval. Unlike bootstrap percentiles it does not shrink to a
    point where there are hardly any errors. A variance of 0 gives `most`.

    Source: Korn & Graubard 1998, section 2 (the effective sample size in an interval for a proportion).
    """
    spread = share * (1 - share)
    if spread <= 0 or variance <= 0:
        return most
    return float(min(most, spread / variance))


def width(share: float, n: float) -> float:
    """The width of Wilson's interval."""
    low, high = wilson(share, n)
    return float(high - low)


def items_for(share: float, wide: float) -> int:
    """The items that it takes for the interval around this share to be at most `wide`, which is more than 0."""
    few, many = 0, 1
    while width(share, many) > wide:
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if width(share, middle) <= wide else (middle, many)
    return many


def labels_to_halve(share: float, n: float) -> int:
    """The number of further labeled items that would halve the interval around this share.

    About 3 n: the width falls with the root of n.
    """
    return items_for(share, width(share, n) / 2) - int(n)
