"""How many labels random sampling would have needed, estimated from the items drawn at random (the control arm).

What is measured. R(s) is the expected accuracy on the population of a model trained on s labels drawn uniformly at
random; a(n) is the accuracy on the population of *this* project's model with its first n labels, smoothed over n
(`smoothing_weights`), as the accuracy of a single round's model varies by chance. The gain at s labels is a(s) − R(s).
Labels saved are s − n*, where n* is the number of labels at which a first reaches R(s). Both are of the
project's head on the frozen features, whether it is fine-tuned or not, so that only the choice of the labels differs.

How. A share of every batch is drawn at random, and so was the holdout, unless the import brought it. These labels
are the arm. Shadow models, trained on random subsamples of the arm, are measured on the holdout items outside the
subsample; only shadow models are trained on holdout labels, never the project's. a(n) comes from the head refitted on
the first n labels, on the same holdout items, and the difference is taken item by item.

Uncertainty. D(n) = a(n) − R(s) is estimated with two errors: from the sample of holdout items, estimated by how the
difference varies between items; and from the sample of labels in the arm. The variance of models trained on s of N
labels is σ²(s)(1 − s/N), that of the mean over all subsamples about σ²(s)s/N. The 95% interval of n* holds all n
where the interval of D(n) contains 0, as Fieller's; an interval without an end is left open.

The arm is uniform with one exception: labels from batches were drawn from the items that had not been asked until then.

Groups, such as patients. Accuracy is then that for items of new groups. A holdout label shares its group with others
that its models would be measured on, so that the arm has the random labels of the pool alone, and takes longer to be
large enough. A subsample is measured on the holdout items whose groups it does not hold, and errors are between groups.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from labeler.core.items import Progress
from labeler.core.rounds import Labels
from labeler.core.setting_rules import LINEAR
from labeler.learner.frozen import FrozenHead
from labeler.learner.task import LearningTask
from labeler.measure import clusters
from labeler.measure.intervals import Estimate
from labeler.progress.shadows import Shadows, right_on, shadows, subsamples

STEPS = 24  # points of the project's own curve, at most; each costs a fit
SPAN = np.log(2)  # half the window of the smoothing, in log labels: from half to twice the labels
FALL = 1.5  # σ² falls as s^(−FALL): 1 holds for a mean, 2 for a model near its best
NEAR = 3.0  # σ² is pooled over sizes up to this many times larger or smaller
GRID = 401  # candidates for n*
WIDE = 1.959964  # half the width of a 95% interval, in standard errors

# With fewer there is no comparison.
FEWEST_HOLDOUT = 50
FEWEST_ROUNDS = 4

FEWEST_GROUPS = 5  # that holdout items are of, where items come in groups
PATIENCE = 1800.0  # seconds: an audit whose comparison would take longer has none

Missing = Literal["", "holdout", "testing", "groups", "arm", "rounds", "precision", "slow", "head"]


@dataclass(frozen=True)
class Point:
    """The accuracy of a model trained on `labels` labels; `low` and `high` bound its 95% interval."""

    labels: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class NumberOfLabels:
    """An estimated number of labels and its 95% interval; each is None where it lies outside the labeled range."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Control:
    """The gain of the chosen labels over random ones, as plain values.

    arm: number of random labels. holdout: number of items measured on. random, own: the curves of random sampling and
    of the project, with the same learner. size: s, the number of labels at which both are compared. gain: in accuracy,
    at `size` labels. needed: n*, the labels with which the project reached the accuracy of random sampling with
    `size`. saved: `size` less `needed`. missing: why there is no comparison: too few labels in the holdout (under
    active testing all must be labeled), too few random labels or rounds, or too little precision (the interval would
    be longer than the project's curve), too few groups, or a head that takes too long or cannot be fitted; "":
    there is one. groups: that the holdout items are of; None: there are no groups. head: of both curves, as
    `learner.head`.
    """

    arm: int
    holdout: int
    random: list[Point]
    own: list[Point]
    size: int | None = None
    gain: Estimate | None = None
    needed: NumberOfLabels | None = None
    saved: NumberOfLabels | None = None
    missing: Missing = ""
    groups: int | None = None
    head: str = LINEAR

    @property
    def enough(self) -> bool:
        """Whether `saved` could be estimated."""
        return not self.missing


def random_labels(labeled: Labels, random: np.ndarray, holdout: Labels, drawn: np.ndarray) -> Labels:
    """The control arm: the labels of items that were drawn uniformly at random.

    Args: labeled: of the pool. random: (m,) bool, which of them were drawn as a batch's random share.
          drawn: (H,) bool, which holdout items were drawn uniformly rather than given by the import.
    """
    return Labels(
        np.concatenate([labeled.positions[random], holdout.positions[drawn]]),
        np.concatenate([labeled.targets[random], holdout.targets[drawn]]),
    )


def control_arm(
    task: LearningTask,
    arm: Labels,
    holdout: Labels,
    steps: Sequence[int],
    head: FrozenHead,
    on_progress: Progress | None = None,
) -> Control:
    """The gain of a project's chosen labels over random ones. It costs about a hundred fits of the head.

    Args: task: its labels are of the pool, in the order of labeling. arm: see `random_labels`.
          steps: labels at each round. head: what is fitted, and the seed of the subsamples.
          on_progress: called between the fits; what it raises ends them.
    Raises: TrainingError: the head cannot be fitted.
    """
    sizes = thinned([n for n in steps if 0 < n <= len(task.labels)])
    total = len(sizes) + len(subsamples(len(arm)))

    def tell(done: int) -> None:
        if on_progress:
            on_progress(done, total)

    def no_comparison(missing: Missing, groups: int | None = None) -> Control:
        return Control(len(arm), len(holdout), [], [], missing=missing, groups=groups, head=head.name)

    if len(holdout) < FEWEST_HOLDOUT or len(sizes) < FEWEST_ROUNDS:
        return no_comparison("holdout" if len(holdout) < FEWEST_HOLDOUT else "rounds")
    groups = clusters.count(task.dataset.groups_of(holdout.positions))
    if groups is not None and groups < FEWEST_GROUPS:
        return no_comparison("groups", groups)
    own = np.empty((len(sizes), len(holdout)), dtype=bool)
    began = time.perf_counter()
    for done, row in enumerate(reversed(range(len(sizes)))):  # the most labels first: no other fit takes longer
        tell(done)
        own[row] = right_on(task.subset(np.arange(sizes[row])), holdout, head)
        if not done and (time.perf_counter() - began) * total > PATIENCE:
            return no_comparison("slow", groups)
    by_chance = shadows(task.relabeled(arm), holdout, head, lambda done: tell(len(sizes) + done))
    return replace(estimate(np.array(sizes), own, by_chance), head=head.name)


def thinned(steps: Sequence[int]) -> list[int]:
    """At most `STEPS` of the numbers of labels, evenly spread over their logarithm from the first to the last."""
    every = sorted(set(steps))
    if len(every) <= STEPS:
        return every
    wanted = np.geomspace(every[0], every[-1], STEPS)
    return sorted({min(every, key=lambda n: abs(n - w)) for w in wanted})


# ---------------------------------------------------------------- the estimate


@dataclass(frozen=True)
class RandomArm:
    """The accuracy of random sampling with `size` labels, item by item.

    right: (H,) share of the models not trained on an item that get it right; NaN if all were trained on it.
    luck: variance of the mean over items that is due to the sample of labels in the arm. groups: (H,) int; None: the
    items are independent.
    """

    size: int
    right: np.ndarray
    luck: float
    groups: np.ndarray | None = None

    @classmethod
    def of(cls, models: Shadows, size: int, spread: float) -> "RandomArm":
        """The accuracy of the shadow models of one size.

        Args: spread: σ²(size), see `spreads`.
        """
        right, unseen = models.of(size)
        with np.errstate(invalid="ignore"):
            share = (right * unseen).sum(axis=0) / unseen.sum(axis=0)
        used = size / models.arm
        return cls(size, share, spread * (used + (1 - used) / len(right)), models.groups)

    @property
    def measured(self) -> np.ndarray:
        """(H,) bool: the items that some model was not trained on."""
        return ~np.isnan(self.right)

    @property
    def wide(self) -> float:
        """Half the width of a 95% interval, in standard errors."""
        return _wide(self.groups, self.measured)

    def point(self) -> Point:
        """The accuracy and its interval."""
        return _point(self.size, self.right, self.luck, self.groups)

    def differences(self, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How much more accurate models are than random sampling, on the same items: mean (k,) and standard error.

        Args: right: (k, H) of the models.
        """
        ahead = right[:, self.measured] - self.right[self.measured]
        return ahead.mean(axis=1), np.sqrt(_variances(ahead, self.groups, self.measured) + self.luck)


def estimate(steps: np.ndarray, own: np.ndarray, models: Shadows) -> Control:
    """The comparison of the project's models with random sampling, from the items that each model gets right.

    Args: steps: (r,) increasing, labels of each of the project's models. own: (r, H) bool, the items that each gets
          right. models: the shadow models.
    """
    arms = [RandomArm.of(models, size, spread) for size, spread in spreads(models).items()]
    curve = smoothing_weights(steps, steps) @ own
    control = Control(
        models.arm,
        own.shape[1],
        [arm.point() for arm in arms],
        [_point(int(n), line, 0.0, models.groups) for n, line in zip(steps, curve, strict=True)],
        groups=clusters.count(models.groups),
    )
    within = [arm for arm in arms if steps[0] <= arm.size <= steps[-1]]
    if not within:
        return replace(control, missing="arm")
    precise = [arm for arm in within if _is_precise(arm, steps, own)]
    at = (precise or within)[-1]
    (gain,), (error,) = at.differences(smoothing_weights(steps, np.array([at.size])) @ own)
    half = at.wide * float(error)
    control = replace(control, size=at.size, gain=Estimate(float(gain), float(gain) - half, float(gain) + half))
    if not precise:
        return replace(control, missing="precision")
    needed = labels_needed(at, steps, own)
    return replace(control, needed=needed, saved=_labels_saved(at.size, needed))


def spreads(models: Shadows) -> dict[int, float]:
    """σ²(s) for each size: the variance of accuracy between models trained on different random labels.

    It is estimated from the differences of two models of a size on items that neither was trained on. The product of
    their differences on two distinct items has an expectation of twice the variance; an item is not paired with itself,
    which would add the noise of that single item, nor with one of its group. The estimate of one size is imprecise, so
    sizes up to three times larger or smaller are pooled, as if σ² fell like s^(−1.5).
    """
    groups = np.arange(models.right.shape[1]) if models.groups is None else models.groups
    together = clusters.indicator(groups).T
    sizes = np.unique(models.sizes)
    totals, weights = np.zeros((2, len(sizes)))
    for row, size in enumerate(sizes.tolist()):
        right, unseen = models.of(size)
        for model in range(1, len(right)):
            both = unseen[model] & unseen[:model]
            differences = np.where(both, right[model] - right[:model], 0.0)
            products = differences.sum(axis=1) ** 2 - ((differences @ together) ** 2).sum(axis=1)
            totals[row] += products.sum() / 2 / (1 - size / models.arm)
            weights[row] += (both.sum(axis=1) ** 2 - ((both @ together) ** 2).sum(axis=1)).sum()
    variances = {}
    for size in sizes.tolist():
        near = (sizes <= NEAR * size) & (sizes >= size / NEAR)
        scaled = totals[near] @ (sizes[near] / size) ** FALL
        variances[size] = max(float(scaled / max(weights[near].sum(), 1.0)), 0.0)
    return variances


def smoothing_weights(steps: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(k, r) weights of a local linear regression on values at `steps`.

    The window reaches from half to twice the labels and holds at least three steps; nearer steps have more weight.

    Args:   steps: (r,) increasing, r ≥ 3. at: (k,) labels.
    Source: Cleveland 1979 (locally weighted regression); Epanechnikov's weights.
    """
    away = np.log(steps)[None, :] - np.log(at)[:, None]
    third = np.sort(np.abs(away), axis=1)[:, 2:3]
    weights = np.maximum(1 - (away / np.maximum(SPAN, 1.01 * third)) ** 2, 0.0)
    mean, square, total = (weights * away).sum(axis=1), (weights * away**2).sum(axis=1), weights.sum(axis=1)
    lines = weights * (square[:, None] - mean[:, None] * away)
    return lines / (total * square - mean**2)[:, None]


def labels_needed(at: RandomArm, steps: np.ndarray, own: np.ndarray) -> NumberOfLabels:
    """n*: the labels at which the project's curve first reaches the accuracy of random sampling with `at.size`."""
    grid = np.geomspace(steps[0], steps[-1], GRID)
    ahead, errors = at.differences(smoothing_weights(steps, grid) @ own)
    below, above = ahead < -at.wide * errors, ahead > at.wide * errors
    open_to = np.flatnonzero(~below & ~above)
    first, last = (open_to[0], open_to[-1]) if len(open_to) else (GRID, GRID - 1) if below[-1] else (0, -1)
    value, early = first_reached(grid, ahead), ahead[0] >= 0
    never = value is None and not early
    return NumberOfLabels(
        value,
        None if first == 0 or early else float(grid[first - 1]),
        None if last == GRID - 1 or never else float(grid[last + 1]),
    )


def first_reached(grid: np.ndarray, ahead: np.ndarray) -> float | None:
    """The first value of the grid where `ahead` is not negative; None if it is the first of all, or never."""
    reached = np.flatnonzero(ahead >= 0)
    return float(grid[reached[0]]) if len(reached) and reached[0] else None


def _is_precise(at: RandomArm, steps: np.ndarray, own: np.ndarray) -> bool:
    """Whether the project's curve is steep enough around the size for n* to have a closed interval if the gain is 0.

    The comparison is made at the largest such size. The choice does not depend on the gain, since it would then favour
    sizes where the gain is large by chance.
    """
    curve = smoothing_weights(steps, np.array([steps[0], at.size, steps[-1]])) @ own
    _, errors = at.differences(curve)
    first, here, last = curve.mean(axis=1)
    return bool(here - first > at.wide * errors[0] and last - here > at.wide * errors[2])


def _labels_saved(size: int, needed: NumberOfLabels) -> NumberOfLabels:
    """`size` − `needed`; the ends of the interval swap."""
    value, low, high = (None if n is None else size - n for n in (needed.value, needed.high, needed.low))
    return NumberOfLabels(value, low, high)


def _point(labels: int, right: np.ndarray, luck: float, groups: np.ndarray | None) -> Point:
    measured = ~np.isnan(right)
    right = right[measured]
    mean = float(right.mean())
    half = _wide(groups, measured) * float(np.sqrt(_variances(right[None], groups, measured)[0] + luck))
    return Point(labels, mean, max(mean - half, 0.0), min(mean + half, 1.0))


def _variances(values: np.ndarray, groups: np.ndarray | None, measured: np.ndarray) -> np.ndarray:
    """(k,) the variance of the mean of each row. Args: values: (k, m) of the items that were measured."""
    if groups is None:
        return values.var(axis=1, ddof=1) / values.shape[1]
    return clusters.variances_of_means(values, groups[measured])


def _wide(groups: np.ndarray | None, measured: np.ndarray) -> float:
    """Half the width of a 95% interval, in standard errors; infinite if a single group was measured."""
    if groups is None:
        return WIDE
    n = clusters.count(groups[measured]) or 0
    return clusters.half_width(n) if n > 1 else np.inf
