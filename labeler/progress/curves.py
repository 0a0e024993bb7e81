"""Learning curves: the comparison of two curves, and the projection of one with its uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import stdtrit

from labeler.i18n.messages import mark
from labeler.measure.intervals import Estimate
from labeler.progress import power_law

FEWEST = 3  # rounds with different numbers of labels
HORIZON = 20.0  # times today's labels: nothing is projected further
MIDDLE_AND_ENDS = (0.5, 0.025, 0.975)

TOO_FEW = mark("It takes three measured rounds with different numbers of pool labels to say where the curve leads.")
FLAT = mark("How fast the curve still rises cannot be told from chance yet, so it has no forecast.")


@dataclass(frozen=True)
class Projection:
    """The number of labels at which a target is reached, with a 95% interval; None: beyond the horizon, perhaps never.

    why_not: why there is no projection; all numbers are None then.
    """

    expected: float | None
    low: float | None
    high: float | None
    why_not: str = ""


@dataclass(frozen=True)
class Curve:
    """A project's projected accuracy: the best inverse power law, and a sample of others that fit its rounds.

    a, b, c: of the best one, accuracy = a − b·labels^(−c). labels: at the last round. why_not: why there is no
    projection.
    """

    labels: float
    a: float
    b: float
    c: float
    drawn: power_law.DrawnCurves | None
    why_not: str = ""

    def band(self, labels: Sequence[float]) -> np.ndarray | None:
        """(3, k): expected accuracy at these labels, and the low and high end of its 95% interval.

        The interval is for the accuracy on the population, not for the accuracy measured on this holdout.
        """
        if self.drawn is None or self.why_not:
            return None
        return np.quantile(self.drawn.accuracy(np.asarray(labels, dtype=float)), MIDDLE_AND_ENDS, axis=0)

    def projection(self, target: float, most: float | None = None) -> Projection:
        """The number of labels at which the accuracy on the population is `target`; at most today's if it is reached.

        Args: most: the largest possible number of labels, e.g. the pool; by default `HORIZON` times today's.
        """
        if self.drawn is None or self.why_not:
            return Projection(None, None, None, self.why_not)
        crossed = self.drawn.crossing(np.array(target))
        near = np.clip(crossed, self.labels / HORIZON, self.labels * HORIZON)  # luck is only modelled in this range
        needed = self.drawn.crossing(target - self.drawn.luck_at(near[:, None])[:, 0])
        most = self.labels * HORIZON if most is None else most
        quantiles = np.quantile(needed, MIDDLE_AND_ENDS, method="inverted_cdf")
        expected, low, high = (float(n) if n <= most else None for n in quantiles)
        return Projection(expected, low, high)

    def gain(self, more: float) -> Estimate | None:
        """The gain in accuracy from `more` labels, without luck."""
        if self.drawn is None or self.why_not:
            return None
        gains = self.drawn.rise(np.array([self.labels + more]))[:, 0]
        low, high = np.quantile(gains, [0.025, 0.975])
        return Estimate(float(gains.mean()), float(low), float(high))


def fit_curve(
    labels: Sequence[int] | np.ndarray, accuracy: Sequence[float] | np.ndarray, holdout: int | None, seed: int = 0
) -> Curve:
    """A learning curve's projection: inverse power laws, weighted by how well they explain the rounds.

    All rounds are measured on the same holdout, so its sampling error shifts the whole curve and hardly varies between
    rounds. A model's luck with its labels varies between rounds; it partly lasts, since the next round trains on the
    same labels. Rounds without labels are left out: a power law has no value there.

    Args:    labels: (k,) of each round, increasing. accuracy: (k,) measured on the holdout.
             holdout: its number of items; None: there is no such error.
    Returns: a curve; its `why_not` is not empty where the rounds are too few or too flat for a projection.
    Source:  Figueroa et al. 2012, "Predicting sample size required for classification performance" (inverse power law,
             weighted least squares); Domhan, Springenberg and Hutter 2015, section 3 (curves weighted by how well they
             explain the points, instead of the best one).
    """
    learned = [(float(n), float(a)) for n, a in zip(labels, accuracy, strict=True) if n > 0]
    return _fit_curve(tuple(n for n, _ in learned), tuple(a for _, a in learned), holdout, seed)


@lru_cache(maxsize=512)  # back-tests fit the history up to every round
def _fit_curve(labels: tuple[float, ...], accuracy: tuple[float, ...], holdout: int | None, seed: int) -> Curve:
    if len(set(labels)) < FEWEST:
        return Curve(labels[-1] if labels else 0.0, accuracy[-1] if accuracy else 0.0, 0.0, 1.0, None, TOO_FEW)
    rounds = power_law.rounds_of(np.array(labels), np.array(accuracy), holdout)
    grid = power_law.weigh(rounds)
    m, u, c = grid.best()
    rest = u * (1 - m)
    drawn = power_law.draw(rounds, grid, np.random.default_rng(seed))
    flat = grid.constant >= grid.weights.sum()
    return Curve(rounds.last, m + rest, rest * rounds.last**c, c, drawn, FLAT if flat else "")


def area_under_curve(labels: Sequence[int], accuracy: Sequence[float]) -> float:
    """Area under accuracy versus labels, divided by the range of labels: the mean accuracy over that range.

    Args: labels: (k,) increasing, k ≥ 1. accuracy: (k,).
    """
    if len(labels) == 1:
        return float(accuracy[0])
    return float(np.trapezoid(accuracy, labels) / (labels[-1] - labels[0]))


def paired_gain(
    ours: Sequence[float], control: Sequence[float], *, certainty: float = 0.95
) -> tuple[float, float | None, float | None]:
    """The mean of the paired differences and its interval (Student's t); no interval for a single pair.

    Args:    ours, control: (k,) one value a seed, in the same order. certainty: of the interval.
    Returns: (mean, low, high).
    """
    differences = np.subtract(ours, control)
    mean, k = float(differences.mean()), len(differences)
    if k < 2:
        return mean, None, None
    half = float(stdtrit(k - 1, (1 + certainty) / 2) * differences.std(ddof=1) / np.sqrt(k))
    return mean, mean - half, mean + half


def labels_to_reach(labels: Sequence[int], accuracy: Sequence[float], target: float) -> float | None:
    """The labels at which a curve first reaches `target`, interpolated linearly; None if never."""
    for i, value in enumerate(accuracy):
        if value >= target:
            if i == 0 or value == accuracy[i - 1]:
                return float(labels[i])
            share = (target - accuracy[i - 1]) / (value - accuracy[i - 1])
            return float(labels[i - 1] + share * (labels[i] - labels[i - 1]))
    return None
