"""Learning curves: how two compare, and where one leads, with what is not known about it.

The projection is an inverse power law, accuracy = a − b·labels^(−c). It is written by what is known best, the accuracy
m at the last round, and by the share u of the errors left there that labels can ever remove: a = m + u (1 − m). Given u
and c, m follows from weighted linear least squares, so all of them are gone through on a grid, each weighed by how well
it explains the rounds. What comes back is spread over every curve that does, not the best one alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import t

from labeler.words import mark

FEWEST = 3  # rounds with different numbers of labels
POINTS = 40  # more rounds than these are averaged with their neighbours: the curve is smoother than that
DRAWS = 2000
HORIZON = 20.0  # times today's labels: what is further away is out of sight

SHARES = (np.arange(40) + 0.5) / 40  # u
EXPONENTS = np.geomspace(0.1, 3.0, 30)  # c
TYPICAL, SPREAD = 0.6, 0.7  # of exponents: the middle, and the standard deviation of their logarithm

# Noise of a round: how much of it lasts (a model's luck with its labels, which the next round trains on as well), over
# which range of the labels' logarithm, and with which power of the labels it falls.
NOISES = [(0.0, 1.0, fall) for fall in (0.0, 0.25, 0.5)] + [
    (lasting, span, fall) for lasting in (0.5, 0.9) for span in (0.3, 1.0) for fall in (0.0, 0.25, 0.5)
]
BELIEVED = 4.0  # rounds that the noise expected beforehand counts as
ROUGHNESS = 0.005  # of a curve without any error of measurement

TOO_FEW = mark("It takes three rounds with different numbers of labels to say where the curve leads.")
FLAT = mark("The curve has not risen beyond chance, so where it leads cannot be said.")


@dataclass(frozen=True)
class Projection:
    """Labels at which a target is reached, with a 95 % interval; None: not within sight, perhaps never.

    `why_not` says why nothing is known at all; all numbers are None then.
    """

    expected: float | None
    low: float | None
    high: float | None
    why_not: str = ""


@dataclass(frozen=True)
class Gain:
    """What further labels bring, in accuracy, with a 95 % interval."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """An inverse power law through the rounds, as the best one and as many that explain them about as well.

    a, b, c: of the best one, accuracy = a − b·labels^(−c). labels: at the last round.
    levels, shares, exponents: (DRAWS,) m, u and c of curves drawn by how well they explain the rounds; the levels
    carry the error of measuring all rounds on the same few items.
    """

    labels: float
    a: float
    b: float
    c: float
    levels: np.ndarray
    shares: np.ndarray
    exponents: np.ndarray
    why_not: str = ""

    def drawn(self, labels: Sequence[float]) -> np.ndarray:
        """(DRAWS, k): accuracy at these labels on every curve drawn."""
        fall = (np.asarray(labels, dtype=float)[None, :] / self.labels) ** -self.exponents[:, None]
        return self.levels[:, None] + (self.shares * (1 - self.levels))[:, None] * (1 - fall)

    def band(self, labels: Sequence[float]) -> np.ndarray:
        """(3, k): expected accuracy at these labels and its 95 % interval: expected, low, high."""
        return np.quantile(self.drawn(labels), [0.5, 0.025, 0.975], axis=0)

    def projection(self, target: float, most: float | None = None) -> Projection:
        """Labels at which the accuracy is `target`; at most today's if it is there already.

        Args: most: labels that there can be at all, e.g. the pool; by default `HORIZON` times today's.
        """
        if self.why_not:
            return Projection(None, None, None, self.why_not)
        rest = self.shares * (1 - self.levels)  # errors that labels can remove
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            left = np.clip((self.levels + rest - target) / rest, 0, None)
            needed = np.where(left > 0, self.labels * left ** (-1 / self.exponents), np.inf)
        found = np.quantile(needed, [0.5, 0.025, 0.975], method="inverted_cdf")
        most = self.labels * HORIZON if most is None else most
        expected, low, high = (float(n) if n <= most else None for n in found)
        return Projection(expected, low, high)

    def gain(self, more: float) -> Gain:
        """What `more` labels bring."""
        before, after = self.drawn([self.labels, self.labels + more]).T
        low, high = np.quantile(after - before, [0.025, 0.975])
        return Gain(float((after - before).mean()), float(low), float(high))


def fit_curve(labels: Sequence[int], accuracy: Sequence[float], holdout: int | None, seed: int = 0) -> Curve:
    """Where a learning curve leads: an inverse power law, with what the rounds leave open about it.

    All rounds are measured on the same holdout. What its choice of items does to one round it does to nearly all: that
    error shifts the whole curve, does not show between rounds, and is added to the levels in full. What does show
    between rounds is noise, partly lasting from one round to the next, and becomes the uncertainty of the shape.

    Args:    labels: (k,) of each round, increasing. accuracy: (k,) measured on the holdout.
             holdout: its number of items; None: without its error, so what this very holdout will show.
    Returns: a curve; its `why_not` is not empty where too little is known to project it.
    Source:  Figueroa et al. 2012, "Predicting sample size required for classification performance" (the curve and
             weighted least squares); Golub and Pereyra 1973 (what is linear is solved for); Domhan, Springenberg and
             Hutter 2015, section 3 (curves weighed by how well they explain the points, instead of the best one).
    """
    return _fit_curve(tuple(map(float, labels)), tuple(map(float, accuracy)), holdout, seed)


@lru_cache(maxsize=512)  # a back-test looks at every round's past anew
def _fit_curve(labels: tuple[float, ...], accuracy: tuple[float, ...], holdout: int | None, seed: int) -> Curve:
    last = labels[-1] if labels else 1.0
    if len(set(labels)) < FEWEST:
        nothing = np.empty(0)
        return Curve(last, accuracy[-1] if accuracy else 0.0, 0.0, 1.0, nothing, nothing, nothing, TOO_FEW)
    n, y, counts = _thinned(np.array(labels), np.array(accuracy))
    usual = float(np.clip(y.mean(), 0.01, 0.99))
    sampling = usual * (1 - usual) / holdout if holdout else 0.0
    expected = BELIEVED * (sampling / 2 + ROUGHNESS**2)  # sum of squares
    falls = np.exp(-np.outer(EXPONENTS, np.log(n / last)))  # (C, k)
    evidence, best, flat = [], [], []
    for noise in NOISES:
        weights, half_log_determinant = _whitening(n / last, counts, *noise)
        one, seen, fall = weights @ np.ones(len(n)), weights @ y, falls @ weights.T
        # y = m (1 − u(1 − x)) + u(1 − x), x the fall: m by least squares for every (c, u)
        bend = one - fall  # (C, k)
        oo, os, ss = one @ one, one @ seen, seen @ seen
        ob, sb, bb = bend @ one, bend @ seen, (bend**2).sum(axis=1)
        u = SHARES[None, :]
        gg = oo - 2 * u * ob[:, None] + u**2 * bb[:, None]
        gz = os - u * (sb + ob)[:, None] + u**2 * bb[:, None]
        zz = ss - 2 * u * sb[:, None] + u**2 * bb[:, None]
        left = np.maximum(zz - gz**2 / gg, 0) + expected
        freedom = BELIEVED + len(n) - 1
        evidence.append(-half_log_determinant - 0.5 * np.log(gg) - 0.5 * freedom * np.log(left))
        best.append((gz / gg, gg, left))
        none_left = max(ss - os**2 / oo, 0) + expected
        flat.append(-half_log_determinant - 0.5 * np.log(oo) - 0.5 * freedom * np.log(none_left))
    log_weight = np.array(evidence)  # (noises, C, U)
    prior = -0.5 * (np.log(EXPONENTS / TYPICAL) / SPREAD) ** 2
    prior = prior - np.log(np.exp(prior).sum()) - np.log(len(SHARES))
    log_weight += prior[None, :, None]
    top = log_weight.max()
    weight = np.exp(log_weight - top)
    risen = weight.sum() > np.exp(np.array(flat) - top).sum()
    levels, precision, left = (np.array(part) for part in zip(*best, strict=True))

    rng = np.random.default_rng(seed)
    cells = rng.choice(weight.size, DRAWS, p=(weight / weight.sum()).ravel())
    variance = left.ravel()[cells] / rng.chisquare(BELIEVED + len(n) - 1, DRAWS)
    m = levels.ravel()[cells] + np.sqrt(variance / precision.ravel()[cells]) * rng.standard_normal(DRAWS)
    m = np.clip(m, 0, 1)
    shared = np.sqrt(m * (1 - m) / holdout) if holdout else np.zeros(DRAWS)
    m = np.clip(m + shared * rng.standard_normal(DRAWS), 0, 0.9999)
    _noise, i, j = np.unravel_index(cells, weight.shape)
    of_noise, at_c, at_u = np.unravel_index(weight.argmax(), weight.shape)
    level, c = levels[of_noise, at_c, at_u], EXPONENTS[at_c]
    rest = SHARES[at_u] * (1 - level)
    return Curve(
        last, float(level + rest), float(rest * last**c), float(c), m, SHARES[j], EXPONENTS[i], "" if risen else FLAT
    )


def _thinned(labels: np.ndarray, accuracy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Neighbouring rounds averaged where there are more than `POINTS`: labels, accuracy, rounds in each."""
    if len(labels) <= POINTS:
        return labels, accuracy, np.ones(len(labels))
    place = np.log(np.maximum(labels, 1))
    parts = np.floor((place - place[0]) / (place[-1] - place[0]) * POINTS * (1 - 1e-9)).astype(int)
    counts = np.bincount(parts, minlength=POINTS)
    there = counts > 0
    mean = (np.bincount(parts, values, POINTS)[there] / counts[there] for values in (labels, accuracy))
    return (*mean, counts[there].astype(float))  # type: ignore[return-value]


def _whitening(
    labels: np.ndarray, counts: np.ndarray, lasting: float, span: float, fall: float
) -> tuple[np.ndarray, float]:
    """The inverse of the noise covariance's Cholesky factor, and half the logarithm of the determinant."""
    place, scale = np.log(labels), labels**-fall
    covariance = np.diag((1 - lasting) / counts)
    if lasting:
        covariance += lasting * np.exp(-np.abs(place[:, None] - place[None, :]) / span)
    factor = np.linalg.cholesky(covariance * np.outer(scale, scale))
    return np.linalg.inv(factor), float(np.log(np.diag(factor)).sum())


def area_under_curve(labels: Sequence[int], accuracy: Sequence[float]) -> float:
    """Area under accuracy versus labels, divided by the range of labels: the mean accuracy along the way.

    Args: labels: (k,) increasing, k ≥ 1. accuracy: (k,).
    """
    if len(labels) == 1:
        return float(accuracy[0])
    return float(np.trapezoid(accuracy, labels) / (labels[-1] - labels[0]))


def paired_gain(ours: Sequence[float], control: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean of the paired differences and its 95 % interval (Student's t); no interval for a single pair.

    Args:    ours, control: (k,) one value a seed, in the same order.
    Returns: (mean, low, high).
    """
    differences = np.subtract(ours, control)
    mean, k = float(differences.mean()), len(differences)
    if k < 2:
        return mean, None, None
    half = float(t.ppf(0.975, k - 1) * differences.std(ddof=1) / np.sqrt(k))
    return mean, mean - half, mean + half


def labels_to_reach(labels: Sequence[int], accuracy: Sequence[float], target: float) -> float | None:
    """Labels at which a curve first reaches `target`, between two points by a straight line; None if never."""
    for i, value in enumerate(accuracy):
        if value >= target:
            if i == 0 or value == accuracy[i - 1]:
                return float(labels[i])
            share = (target - accuracy[i - 1]) / (value - accuracy[i - 1])
            return float(labels[i - 1] + share * (labels[i] - labels[i - 1]))
    return None
