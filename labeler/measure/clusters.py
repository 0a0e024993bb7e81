"""Figures of items that come in groups, such as the images of a patient: their items err together.

What the items of a group say is one piece of evidence in part, so that an interval rests on the number of groups more
than on the number of items. The variance of a share is estimated between groups (linearised ratio), it gives the
effective number of items, and Student's t with one degree of freedom fewer than there are groups takes the place of the
normal distribution. With few groups the interval is wide, as it has to be.

Where few groups have an error, that variance is estimated from these few, and is too small more often than too large.
The variance of a share is therefore mixed with the one that holds if all items of a group are alike (a design effect
for a correlation of 1): that counts as much as a single further group with an error would.

Source: Cochran 1977, section 9A.3 (ratio estimate over clusters); Korn & Graubard 1998, section 2 (effective size and
        degrees of freedom in an interval of a proportion); Dean & Pagano 2015 (Wilson's interval with both); Franco,
        Little, Louis & Slud 2019 (such intervals cover too seldom near 0 and 1, where the design effect is uncertain);
        Kish 1965, sections 5.4 and 8.2 (the design effect of alike items); Cameron & Miller 2015, sections 2 and 6
        (few clusters). The weight of a single group is a choice that `bench/groups` measures.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.special import stdtrit

from labeler.measure.intervals import Estimate, Z

ALIKE = 1  # groups that count for all items of a group being alike, beside those that have an error
FEW = 10  # groups, below which an interval is wide and its coverage less certain


def indicator(groups: np.ndarray, weights: np.ndarray | None = None) -> csr_array:
    """(g, n): the items of each group, each with its weight; a product with it sums over groups.

    Args: groups: (n,) int, equal for the items of one group.
    """
    names, places = np.unique(groups, return_inverse=True)
    values = np.ones(len(groups)) if weights is None else weights
    return csr_array((values, (places, np.arange(len(groups)))), shape=(len(names), len(groups)))


def count(groups: np.ndarray | None) -> int | None:
    """The number of groups; None where there are none."""
    return None if groups is None else len(np.unique(groups))


def variance(residuals: np.ndarray) -> float:
    """The variance of a total of which the groups are parts that sum to 0; 0 with fewer than two groups.

    Args: residuals: (g,) of the groups that can have a part in the total.
    """
    g = len(residuals)
    return float((residuals**2).sum()) * g / (g - 1) if g > 1 else 0.0


def variances_of_means(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(k,) the variance of the mean of each row, between groups; 0 with fewer than two groups.

    Args: values: (k, n). groups: (n,) int.
    """
    parts = (values - values.mean(axis=1, keepdims=True)) @ indicator(groups).T
    g = parts.shape[1]
    return (parts**2).sum(axis=1) * g / max(g - 1, 1) / values.shape[1] ** 2


def effective(spread: float, variance: float, n: float, groups: int) -> float:
    """The number of independently drawn items that would tell a mean as precisely, by which its interval is computed.

    Where all items agree, nothing tells how alike the items of a group are, and each group counts as one item. A single
    group says nothing about others: 0.

    Args: spread: variance of a single item, p (1 − p) of a share. variance: of the mean, between groups. n: items,
          which the result does not exceed.
    """
    if groups < 2:
        return 0.0
    if spread <= 0:
        return min(n, float(groups)) * student(groups)
    return float(min(n, spread / variance) if variance > 0 else n) * student(groups)


def student(groups: int) -> float:
    """The factor on an effective number of items that widens an interval from the normal distribution to Student's."""
    return float((Z / half_width(groups)) ** 2)


def half_width(groups: int) -> float:
    """Half the width of a 95% interval, in standard errors estimated between this number of groups, at least 2."""
    return float(stdtrit(groups - 1, 0.975))


def effective_mean(right: np.ndarray, groups: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """The share of right items, and its effective number of items.

    Args: right: (n,) bool; n ≥ 1. groups: (n,). weights: (n,) of the items, where they were not drawn uniformly.
    """
    weight = np.ones(len(right)) if weights is None else weights
    of_group = indicator(groups, weight)
    items = float(weight.sum()) ** 2 / float((weight**2).sum())
    return effective_share(of_group @ (right > 0), of_group @ (right <= 0), items)


def effective_share(
    right: np.ndarray, wrong: np.ndarray, items: float, groups: int | None = None
) -> tuple[float, float]:
    """The share of right items, and the number of independently drawn items that would tell it as precisely.

    A single group says nothing about others: 0.

    Args: right, wrong: (g,) the sums of the weights of each group's right and wrong items; no group has neither.
          items: effective number of items if they were independent, which the result does not exceed.
          groups: the number by which the variance is known; None: all.
    """
    sizes = right + wrong
    total = float(sizes.sum())
    share = float(right.sum()) / total
    with_both = min(int((right > 0).sum()), int((wrong > 0).sum()))
    between = variance(right - share * sizes) / total**2 / (share * (1 - share)) if with_both else 0.0
    return share, mixed(between, sizes / total, with_both, items, len(sizes) if groups is None else groups)


def mixed(between: float, parts: np.ndarray, informative: int, items: float, groups: int) -> float:
    """The effective number of items by a variance between groups and by that of items that are alike in each group.

    Args: between: the variance of the figure between groups, in units of a single item's. parts: (g,) of the groups in
          the figure; they sum to 1. informative: groups that the variance between groups rests on; 0: there is none.
          items: which the result does not exceed. groups: by which the variance is known; fewer than two say nothing.
    """
    if groups < 2:
        return 0.0
    alike = float((parts**2).sum())
    one_over_n = (informative * between + ALIKE * alike) / (informative + ALIKE)
    return min(items, 1 / one_over_n) * student(groups)


def mean_of_classes(figures: Sequence[Estimate], parts: np.ndarray) -> Estimate:
    """The mean of figures of classes, with an interval that follows from theirs.

    A class in few groups has a wide interval, and makes that of the mean wide. Two classes are as correlated as they
    are spread alike over the groups: fully if each group has its share of both, not at all if no group has both.

    Args:   figures: of C classes, at least one. parts: (g, C) of each group in each figure.
    Source: Zou & Donner 2008 (limits of a sum from those of its parts); Zou 2007, section 2 (with correlation).
    """
    value, low, high = (np.array([getattr(figure, end) for figure in figures]) for end in ("value", "low", "high"))
    lengths = np.sqrt((parts**2).sum(axis=0))
    correlation = parts.T @ parts / np.outer(lengths, lengths)
    below, above = (float(np.sqrt(d @ correlation @ d)) / len(figures) for d in (value - low, high - value))
    mean = float(value.mean())
    return Estimate(mean, max(0.0, mean - below), min(1.0, mean + above))
