"""Whether the newest items differ from earlier ones: in how often the model is right, in their classes and content.

The three questions share one level: where nothing has changed, one of them is answered with yes in `LEVEL` of the looks
at most (Bonferroni). Whoever looks again and again at new items sees a false answer more often than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from labeler.measure import clusters
from labeler.measure.intervals import Estimate, wilson

LEVEL = 0.05  # of all questions together
QUESTIONS = 3
FEWEST = 50  # items of each side, below which nothing is said
SAMPLED = 500  # items of each side whose content is compared, at most
REGULARISATION = 0.01  # of the classifier: C of a logistic regression on standardised features


@dataclass(frozen=True)
class Change:
    """A share among the newest and among earlier items, each with its 95% interval. difference: newest − earlier, with
    an interval at the level of its question.
    """

    newest: Estimate
    earlier: Estimate
    difference: Estimate

    @property
    def is_sure(self) -> bool:
        """Whether chance does not explain the difference."""
        return self.difference.low > 0 or self.difference.high < 0


@dataclass(frozen=True)
class Told:
    """How well a classifier tells the newest items from earlier ones: in which share of the pairs of one of each it
    gives the newest one the higher score (AUC, 0.5 by chance), with a 95% interval. p: of at least that by chance.
    """

    newest: int
    earlier: int
    pairs: Estimate
    p: float

    @property
    def is_sure(self) -> bool:
        """Whether chance does not explain it."""
        return self.p <= LEVEL / QUESTIONS


def since(imports: np.ndarray, fewest: int = FEWEST) -> int | None:
    """The number of the import with which the newest items begin: as few imports, counted from the latest, as have
    `fewest` of these items. None: these, or the earlier ones, would be fewer.

    Args: imports: (n,) int, of the labeled holdout items.
    """
    for number in np.unique(imports)[::-1]:
        newest = int((imports >= number).sum())
        if newest >= fewest:
            return int(number) if len(imports) - newest >= fewest else None
    return None


def change(
    has: np.ndarray,
    newest: np.ndarray,
    level: float,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> Change:
    """The change of the share of items that have something.

    Args:   has, newest: (n,) bool; both kinds of items occur. level: at which the difference has its interval.
            weights: (n,) of the items; None: all alike. groups: (n,), between which the variances are; a group on both
            sides makes the interval wider than it has to be.
    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.
    """
    z = -float(ndtri(level / 2))
    each = np.ones(len(has)) if weights is None else weights
    sides = [_share(has[side], each[side], None if groups is None else groups[side]) for side in (newest, ~newest)]
    shown = [Estimate(share, *(float(end) for end in wilson(share, n))) for share, n in sides]
    (p, n), (q, m) = sides
    (p_low, p_high), (q_low, q_high) = ((float(end) for end in wilson(share, size, z)) for share, size in sides)
    low, high = p - q - np.hypot(p - p_low, q_high - q), p - q + np.hypot(p_high - p, q - q_low)
    if not min(n, m):  # a single group tells nothing about others
        low, high = -1.0, 1.0
    return Change(shown[0], shown[1], Estimate(p - q, max(-1.0, float(low)), min(1.0, float(high))))


def _share(has: np.ndarray, weights: np.ndarray, groups: np.ndarray | None) -> tuple[float, float]:
    if groups is not None:
        return clusters.effective_mean(has, groups, weights)
    return float(np.average(has, weights=weights)), float(weights.sum() ** 2 / (weights**2).sum())


def accuracy_change(
    right: np.ndarray, newest: np.ndarray, weights: np.ndarray | None = None, groups: np.ndarray | None = None
) -> Change:
    """The change of how often the model is right, see `change`."""
    return change(right, newest, LEVEL / QUESTIONS, weights, groups)


def class_changes(
    targets: np.ndarray,
    classes: int,
    newest: np.ndarray,
    weights: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> list[Change]:
    """The change of the share of each class. The intervals hold for all classes together.

    Args: targets: (n,) class indices, or (n, C) of 0 and 1.
    """
    of_class = targets.T > 0 if targets.ndim == 2 else targets == np.arange(classes)[:, None]
    return [change(has, newest, LEVEL / QUESTIONS / classes, weights, groups) for has in of_class]


def told_apart(newest: np.ndarray, earlier: np.ndarray, seed: int = 0) -> Told | None:
    """How well the newest items can be told from earlier ones by their features; None where either are too few.

    A classifier learns on half of the items, and its scores of the other half are compared: as it has not seen these,
    the rank test holds whatever the classifier is.

    Args:   newest: (n, d); earlier: (m, d), of independent items.
    Source: Lopez-Paz & Oquab 2017 (classifier two-sample tests); Rabanser, Günnemann & Lipton 2019 ("Failing Loudly");
            Mann & Whitney 1947; DeLong, DeLong & Clarke-Pearson 1988 (the interval).
    """
    from scipy.stats import mannwhitneyu  # slow to load, as sklearn is
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if min(len(newest), len(earlier)) < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    sides = [rows[rng.permutation(len(rows))] for rows in (newest, earlier)]
    learned = [rows[: len(rows) // 2] for rows in sides]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=200))
    model.fit(np.concatenate(learned), np.repeat([1, 0], [len(rows) for rows in learned]))
    new, old = (model.decision_function(rows[len(rows) // 2 :]) for rows in sides)
    p = float(mannwhitneyu(new, old, alternative="greater", method="asymptotic").pvalue)
    return Told(len(newest), len(earlier), area(new, old), p)


def area(new: np.ndarray, old: np.ndarray) -> Estimate:
    """The share of pairs in which the new one has the higher score, ties by half, with DeLong's 95% interval."""
    above = (new[:, None] > old) + 0.5 * (new[:, None] == old)
    value = float(above.mean())
    spread = np.sqrt(above.mean(axis=1).var(ddof=1) / len(new) + above.mean(axis=0).var(ddof=1) / len(old))
    half = -float(ndtri(0.025) * spread)
    return Estimate(value, max(0.0, value - half), min(1.0, value + half))


def sure_ones(changes: Sequence[Change]) -> list[int]:
    """The places of the changes that chance does not explain, the largest first."""
    sure = [place for place, of in enumerate(changes) if of.is_sure]
    return sorted(sure, key=lambda place: -abs(changes[place].difference.value))
