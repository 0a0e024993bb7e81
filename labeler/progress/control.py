"""What random sampling would have cost, measured from the items that were drawn at random: the control arm.

What is measured. R(s) is the accuracy on the population that is to be expected of a model taught by s labels drawn
uniformly at random; a(n) is the accuracy on the population of *this* project's model with its first n labels, smoothed
over n (`smoothing`), since a single round's model is luckier or unluckier than its neighbours. The gain at s labels is
a(s) − R(s). Labels saved are s − n*, where n* is where a first reaches R(s). Both are of the frozen heads, whatever
the project's own model is: nothing but the choice of the labels is to differ.

How. A share of every batch is drawn at random, and so was the holdout, where the import did not bring it. These labels
are the arm. Models taught by random subsamples of it are measured on the holdout items that were not among them, so
holdout labels teach such shadow models only, never the project's. a(n) comes from the heads refitted on the first n
labels, on the same holdout items, and the difference is taken item by item.

What is not known. D(n) = a(n) − R(s) is estimated with two errors: which items the holdout happens to have, seen from
how the difference varies between items; and which labels the arm happens to have. Models taught by s of N labels vary
by σ²(s)(1 − s/N), and the mean over all subsamples by about σ²(s)s/N, as a mean's does. The 95 %
interval of n* are all n where that of D(n) has 0 in it, as Fieller's; one without an end is left open.

The arm is uniform up to this: its labels from batches were drawn from what had not been asked for until then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from labeler.core.items import Progress
from labeler.core.rounds import Labels
from labeler.learner.task import LearningTask
from labeler.progress.shadows import Shadows, right_on, shadows, subsamples

STEPS = 24  # numbers of labels at most that the project's own curve is refitted for
SPAN = np.log(2)  # of the smoothing: from half to twice the labels
FALL, NEAR = 1.5, 3.0  # how σ² falls with s, and how far: between a mean's 1 and 2, that of a model near its best
GRID = 401  # numbers of labels that are tried for n*
WIDE = 1.959964  # standard errors to either side of a 95 % interval

# With less there is nothing to say.
FEWEST_HOLDOUT = 50
FEWEST_ROUNDS = 4

Missing = Literal["", "holdout", "testing", "arm", "rounds", "precision"]


@dataclass(frozen=True)
class Point:
    """A model's accuracy with so many labels; `low` and `high` bound its 95 % interval."""

    labels: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval. An end that is None is open; the figure is None beyond what was labeled."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Control:
    """What the choice of labels brought, compared with random ones; plain values.

    arm: random labels that there are. holdout: items measured on. random, own: the curves of random sampling and of
    the project, the same learner for both. size: s, the labels that the comparison is about. gain: in accuracy, at
    `size` labels. needed: n*, labels that the project took to what random sampling reaches with `size`; saved: `size`
    less that. missing: what there is too little of to say so: labels in the holdout (under active testing all of
    them), random labels, rounds, or precision (the interval would be wider than the project's curve is long); "":
    nothing.
    """

    arm: int
    holdout: int
    random: list[Point]
    own: list[Point]
    size: int | None = None
    gain: Estimate | None = None
    needed: Estimate | None = None
    saved: Estimate | None = None
    missing: Missing = ""

    @property
    def enough(self) -> bool:
        """Whether there is enough to say what was saved."""
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
    seed: int,
    on_progress: Progress | None = None,
) -> Control:
    """What a project's choice of labels brought, compared with random ones. About a hundred fits of the heads.

    Args: task: its labels are of the pool, in the order of labeling. arm: see `random_labels`.
          steps: labels at each round. on_progress: called between the fits; what it raises ends them.
    """
    sizes = thinned([n for n in steps if 0 < n <= len(task.labels)])
    total = len(sizes) + len(subsamples(len(arm)))

    def tell(done: int) -> None:
        if on_progress:
            on_progress(done, total)

    if len(holdout) < FEWEST_HOLDOUT or len(sizes) < FEWEST_ROUNDS:
        missing: Missing = "holdout" if len(holdout) < FEWEST_HOLDOUT else "rounds"
        return Control(len(arm), len(holdout), [], [], missing=missing)
    own = np.empty((len(sizes), len(holdout)), dtype=bool)
    for row, n in enumerate(sizes):
        tell(row)
        own[row] = right_on(task.subset(np.arange(n)), holdout)
    by_chance = shadows(task.relabeled(arm), holdout, seed, lambda done: tell(len(sizes) + done))
    return estimate(np.array(sizes), own, by_chance)


def thinned(steps: Sequence[int]) -> list[int]:
    """The numbers of labels, at most `STEPS` of them, evenly spread over their logarithm from the first to the last."""
    every = sorted(set(steps))
    if len(every) <= STEPS:
        return every
    wanted = np.geomspace(every[0], every[-1], STEPS)
    return sorted({min(every, key=lambda n: abs(n - w)) for w in wanted})


# ---------------------------------------------------------------- the estimate


@dataclass(frozen=True)
class Measured:
    """What random sampling gets right with `size` labels.

    right: (H,) share of the models that had not seen the item which get it right; NaN where all had seen it.
    luck: variance of the mean over items that comes from the labels that the arm happens to have.
    """

    size: int
    right: np.ndarray
    luck: float

    @classmethod
    def of(cls, taught: Shadows, size: int, spread: float) -> "Measured":
        """
        Args: spread: σ²(size), see `spreads`.
        """
        right, unseen = taught.of(size)
        with np.errstate(invalid="ignore"):
            share = (right * unseen).sum(axis=0) / unseen.sum(axis=0)
        used = size / taught.arm
        return cls(size, share, spread * (used + (1 - used) / len(right)))

    def point(self) -> Point:
        """The accuracy and its interval."""
        return _point(self.size, self.right, self.luck)

    def behind(self, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """By how much models do better, item by item on the same items: the means (k,) and their standard errors.

        Args: right: (k, H) of the models.
        """
        there = ~np.isnan(self.right)
        ahead = right[:, there] - self.right[there]
        return ahead.mean(axis=1), np.sqrt(ahead.var(axis=1, ddof=1) / there.sum() + self.luck)


def estimate(steps: np.ndarray, own: np.ndarray, taught: Shadows) -> Control:
    """What is to be said from what the models get right.

    Args: steps: (r,) increasing, labels at each of the project's models. own: (r, H) bool, what each gets right.
    """
    arms = [Measured.of(taught, size, spread) for size, spread in spreads(taught).items()]
    curve = smoothing(steps, steps) @ own
    known = Control(
        taught.arm,
        own.shape[1],
        [one.point() for one in arms],
        [_point(int(n), line, 0.0) for n, line in zip(steps, curve, strict=True)],
    )
    within = [one for one in arms if steps[0] <= one.size <= steps[-1]]
    if not within:
        return replace(known, missing="arm")
    fine = [one for one in within if _is_precise(one, steps, own)]
    at = (fine or within)[-1]
    (gain,), (error,) = at.behind(smoothing(steps, np.array([at.size])) @ own)
    half = WIDE * float(error)
    known = replace(known, size=at.size, gain=Estimate(float(gain), float(gain) - half, float(gain) + half))
    if not fine:
        return replace(known, missing="precision")
    needed = labels_needed(at, steps, own)
    return replace(known, needed=needed, saved=_less(at.size, needed))


def spreads(taught: Shadows) -> dict[int, float]:
    """σ²(s) for each size: by how much the accuracy of models varies that are taught by other random labels.

    Two models of a size differ on items that neither has seen. The products of their differences on two items are, in
    the mean, twice the variance of accuracy; those of an item with itself would be chance in that item alone. A size
    alone tells little, so those up to three times larger or smaller count as well, as if σ² fell like s^(−1.5).
    """
    sizes = np.unique(taught.sizes)
    totals, weights = np.zeros((2, len(sizes)))
    for row, size in enumerate(sizes.tolist()):
        right, unseen = taught.of(size)
        for one in range(1, len(right)):
            both = unseen[one] & unseen[:one]
            differences = np.where(both, right[one] - right[:one], 0.0)
            products = differences.sum(axis=1) ** 2 - (differences**2).sum(axis=1)
            totals[row] += products.sum() / 2 / (1 - size / taught.arm)
            weights[row] += (both.sum(axis=1) * (both.sum(axis=1) - 1)).sum()
    found = {}
    for size in sizes.tolist():
        near = (sizes <= NEAR * size) & (sizes >= size / NEAR)
        scaled = totals[near] @ (sizes[near] / size) ** FALL
        found[size] = max(float(scaled / max(weights[near].sum(), 1.0)), 0.0)
    return found


def smoothing(steps: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(k, r) weights that make a smooth curve of values at `steps`: straight lines through what is near.

    Near is from half to twice the labels, and three steps at least; the nearer a step, the more it weighs.

    Args:   steps: (r,) increasing, r ≥ 3. at: (k,) labels.
    Source: Cleveland 1979 (locally weighted regression); Epanechnikov's weights.
    """
    away = np.log(steps)[None, :] - np.log(at)[:, None]
    third = np.sort(np.abs(away), axis=1)[:, 2:3]
    weights = np.maximum(1 - (away / np.maximum(SPAN, 1.01 * third)) ** 2, 0.0)
    mean, square, total = (weights * away).sum(axis=1), (weights * away**2).sum(axis=1), weights.sum(axis=1)
    lines = weights * (square[:, None] - mean[:, None] * away)
    return lines / (total * square - mean**2)[:, None]


def labels_needed(at: Measured, steps: np.ndarray, own: np.ndarray) -> Estimate:
    """n*: labels with which the project's curve first reaches what random sampling reaches with `at.size`."""
    grid = np.geomspace(steps[0], steps[-1], GRID)
    ahead, errors = at.behind(smoothing(steps, grid) @ own)
    below, above = ahead < -WIDE * errors, ahead > WIDE * errors
    open_to = np.flatnonzero(~below & ~above)
    first, last = (open_to[0], open_to[-1]) if len(open_to) else (GRID, GRID - 1) if below[-1] else (0, -1)
    value, early = first_reached(grid, ahead), ahead[0] >= 0
    never = value is None and not early
    return Estimate(
        value,
        None if first == 0 or early else float(grid[first - 1]),
        None if last == GRID - 1 or never else float(grid[last + 1]),
    )


def first_reached(grid: np.ndarray, ahead: np.ndarray) -> float | None:
    """Where on the grid `ahead` first is no longer negative; None if that is at its beginning, or never."""
    there = np.flatnonzero(ahead >= 0)
    return float(grid[there[0]]) if len(there) and there[0] else None


def _is_precise(at: Measured, steps: np.ndarray, own: np.ndarray) -> bool:
    """Whether the interval of n* would have two ends if nothing was saved or lost: the project's curve rises enough.

    The largest such size is what the comparison is about. The gain has no part in the choice, which would otherwise
    favour what looks good by chance.
    """
    curve = smoothing(steps, np.array([steps[0], at.size, steps[-1]])) @ own
    _, errors = at.behind(curve)
    first, here, last = curve.mean(axis=1)
    return bool(here - first > WIDE * errors[0] and last - here > WIDE * errors[2])


def _less(size: int, needed: Estimate) -> Estimate:
    """`size` less what was needed: the ends change places."""
    value, low, high = (None if n is None else size - n for n in (needed.value, needed.high, needed.low))
    return Estimate(value, low, high)


def _point(labels: int, right: np.ndarray, luck: float) -> Point:
    right = right[~np.isnan(right)]
    mean = float(right.mean())
    half = WIDE * float(np.sqrt(right.var(ddof=1) / len(right) + luck))
    return Point(labels, mean, max(mean - half, 0.0), min(mean + half, 1.0))
