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
EXPONENTS = np.geomspace(0.1, 3.0, 24)  # c
HEAD_STARTS = (0.0, 0.3, 1.0)  # labels that the model behaves as if it had before the first, as a share of today's
TYPICAL, SPREAD = 0.6, 0.7  # of exponents: the middle, and the standard deviation of their logarithm

# Rounds err alike: of the items that one round's model gets wrong, the next one's gets nearly all wrong as well. The
# correlation falls with the labels' logarithm: 0.96 between rounds, 0.75 where labels double.
ALIKE, REACH = 0.5, 1.0
# A model's luck with its labels and seed: its size in accuracy at today's labels, the share of it that lasts (the next
# round trains on the same labels), over which range of the labels' logarithm, with which power of the labels it falls.
NOISES = [
    (size, lasting, 0.5, fall)
    for size in (0.002, 0.004, 0.008, 0.016, 0.032)
    for lasting in (0.2, 0.8)
    for fall in (0.25, 0.75)
]

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
class Drawn:
    """Curves drawn by how well they explain the rounds; all arrays are (DRAWS,).

    levels: m. shares: u. exponents: c. starts: the head start, in labels. luck: by how much today's model is better
    than the power law has it. new_luck: by how much a model with many more labels will be. spans: over which range
    of the labels' logarithm the one turns into the other.
    """

    levels: np.ndarray
    shares: np.ndarray
    exponents: np.ndarray
    starts: np.ndarray
    luck: np.ndarray
    new_luck: np.ndarray
    spans: np.ndarray
    falls: np.ndarray


@dataclass(frozen=True)
class Curve:
    """An inverse power law through the rounds: the best one, and as many that explain them about as well.

    a, b, c, start: of the best one, accuracy = a − b·(labels + start)^(−c). labels: at the last round.
    """

    labels: float
    a: float
    b: float
    c: float
    start: float
    drawn: Drawn | None
    why_not: str = ""

    def curves(self, labels: Sequence[float]) -> np.ndarray:
        """(DRAWS, k): accuracy at these labels on every curve drawn."""
        d = self.drawn
        assert d is not None
        n = np.asarray(labels, dtype=float)[None, :]
        starts, exponents = d.starts[:, None], d.exponents[:, None]
        fall = ((n + starts) / (self.labels + starts)) ** -exponents
        rising = d.levels[:, None] + (d.shares * (1 - d.levels))[:, None] * (1 - fall)
        return np.clip(rising + self._luck(n), 0, 1)

    def _luck(self, labels: np.ndarray) -> np.ndarray:
        d = self.drawn
        assert d is not None
        kept = np.exp(-np.abs(np.log(labels / self.labels)) / d.spans[:, None])
        size = (labels / self.labels) ** -d.falls[:, None]
        return size * (kept * d.luck[:, None] + np.sqrt(1 - kept**2) * d.new_luck[:, None])

    def band(self, labels: Sequence[float]) -> np.ndarray:
        """(3, k): expected accuracy at these labels and its 95 % interval: expected, low, high."""
        return np.quantile(self.curves(labels), [0.5, 0.025, 0.975], axis=0)

    def projection(self, target: float, most: float | None = None) -> Projection:
        """Labels at which the accuracy is `target`; at most today's if it is there already.

        Args: most: labels that there can be at all, e.g. the pool; by default `HORIZON` times today's.
        """
        if self.drawn is None:
            return Projection(None, None, None, self.why_not)
        most = self.labels * HORIZON if most is None else most
        needed = self._crossing(np.full(DRAWS, target))
        near = np.clip(needed, self.labels / HORIZON, self.labels * HORIZON)
        needed = self._crossing(target - self._luck(near[:, None])[:, 0])
        found = np.quantile(needed, [0.5, 0.025, 0.975], method="inverted_cdf")
        expected, low, high = (float(n) if n <= most else None for n in found)
        return Projection(expected, low, high)

    def _crossing(self, targets: np.ndarray) -> np.ndarray:
        d = self.drawn
        assert d is not None
        rest = d.shares * (1 - d.levels)  # errors that labels can remove
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            left = np.clip((d.levels + rest - targets) / rest, 0, None)
            needed = (self.labels + d.starts) * left ** (-1 / d.exponents) - d.starts
        return np.where(left > 0, np.maximum(needed, 0), np.inf)

    def gain(self, more: float) -> Gain:
        """What `more` labels bring."""
        d = self.drawn
        assert d is not None
        fall = ((self.labels + more + d.starts) / (self.labels + d.starts)) ** -d.exponents
        gains = d.shares * (1 - d.levels) * (1 - fall)
        low, high = np.quantile(gains, [0.025, 0.975])
        return Gain(float(gains.mean()), float(low), float(high))


def fit_curve(labels: Sequence[int], accuracy: Sequence[float], holdout: int | None, seed: int = 0) -> Curve:
    """Where a learning curve leads: an inverse power law, with what the rounds leave open about it.

    All rounds are measured on the same holdout. What its choice of items does to one round it does to nearly all: that
    error shifts the whole curve and hardly shows between rounds. What does show between rounds is a model's luck with
    its labels, which partly lasts, since the next round trains on the same ones.

    Args:    labels: (k,) of each round, increasing. accuracy: (k,) measured on the holdout.
             holdout: its number of items; None: there is no such error.
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
        return Curve(last, accuracy[-1] if accuracy else 0.0, 0.0, 1.0, 0.0, None, TOO_FEW)
    n, y, counts = _thinned(np.array(labels), np.array(accuracy))
    shapes = [(start * last, c) for start in HEAD_STARTS for c in EXPONENTS]
    falls = np.array([((n + start) / (last + start)) ** -c for start, c in shapes])  # (shapes, k)
    prior = np.array([-0.5 * (np.log(c / TYPICAL) / SPREAD) ** 2 for _start, c in shapes])
    prior -= np.log(np.exp(prior).sum() * len(SHARES))
    sampling = _sampling(n, y, holdout)
    evidence, fits, flat, covariances, inverses = [], [], [], [], []
    u = SHARES[None, :]
    for noise in NOISES:
        luck = _luck(n / last, counts, *noise)
        factor = np.linalg.cholesky(sampling + luck)
        whiten = np.linalg.inv(factor)
        half_log_determinant = np.log(np.diag(factor)).sum()
        one, seen, fall = whiten.sum(axis=1), whiten @ y, falls @ whiten.T
        # y = m (1 − u (1 − fall)) + u (1 − fall): m by least squares for every shape and u, from six products
        bend = one - fall
        oo, os, ss = one @ one, one @ seen, seen @ seen
        ob, sb, bb = (bend @ one)[:, None], (bend @ seen)[:, None], (bend**2).sum(axis=1)[:, None]
        gg = oo - 2 * u * ob + u**2 * bb
        gz = os - u * (sb + ob) + u**2 * bb
        zz = ss - 2 * u * sb + u**2 * bb
        evidence.append(prior[:, None] - half_log_determinant - 0.5 * np.log(gg) - 0.5 * (zz - gz**2 / gg))
        flat.append(-half_log_determinant - 0.5 * np.log(oo) - 0.5 * (ss - os**2 / oo))
        fits.append((gz / gg, gg))
        covariances.append(luck)
        inverses.append(whiten.T @ whiten)
    logs = np.array(evidence)  # (noises, shapes, U)
    top = logs.max()
    weights = np.exp(logs - top)
    risen = weights.sum() > np.exp(np.array(flat) - top).sum()
    levels, precisions = (np.array(part) for part in zip(*fits, strict=True))

    rng = np.random.default_rng(seed)
    cells = rng.choice(weights.size, DRAWS, p=(weights / weights.sum()).ravel())
    of_noise, of_shape, of_share = np.unravel_index(cells, weights.shape)
    m = levels.ravel()[cells] + rng.standard_normal(DRAWS) / np.sqrt(precisions.ravel()[cells])
    share = SHARES[of_share][:, None]
    residuals = y - m[:, None] * (1 - share * (1 - falls[of_shape])) - share * (1 - falls[of_shape])
    luck, new_luck, z = np.zeros(DRAWS), np.zeros(DRAWS), rng.standard_normal((2, DRAWS))
    for i, (size, lasting, _span, _fall) in enumerate(NOISES):
        mine = of_noise == i
        if not mine.any():
            continue
        lasts = covariances[i][-1].copy()
        lasts[-1] = size**2 * lasting
        known = inverses[i] @ lasts
        variance = max(size**2 * lasting - lasts @ known, 0)
        luck[mine] = residuals[mine] @ known + np.sqrt(variance) * z[0, mine]
        new_luck[mine] = size * np.sqrt(lasting) * z[1, mine]
    spans, noise_falls = np.array([noise[2:] for noise in NOISES]).T[:, of_noise]
    if holdout:
        clipped = np.clip(m, 1 / (holdout + 2), 1 - 1 / (holdout + 2))
        m = m + np.sqrt(ALIKE * clipped * (1 - clipped) / holdout) * rng.standard_normal(DRAWS)
    m = np.clip(m, 0, 0.9999)
    starts, exponents = np.array(shapes).T[:, of_shape]
    drawn = Drawn(m, SHARES[of_share], exponents, starts, luck, new_luck, spans, noise_falls)
    i, j, k = np.unravel_index(weights.argmax(), weights.shape)
    level, (start, c) = levels[i, j, k], shapes[j]
    rest = SHARES[k] * (1 - level)
    b = rest * (last + start) ** c
    return Curve(last, float(level + rest), float(b), float(c), start, drawn, "" if risen else FLAT)


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


def _sampling(labels: np.ndarray, accuracy: np.ndarray, holdout: int | None) -> np.ndarray:
    """The covariance of what the choice of the holdout's items does to each round."""
    if holdout is None:
        return np.zeros((len(labels), len(labels)))
    p = (accuracy * holdout + 1) / (holdout + 2)
    deviation = np.sqrt(p * (1 - p) / holdout)
    place = np.log(labels)
    alike = (1 - ALIKE) * np.exp(-np.abs(place[:, None] - place[None, :]) / REACH)
    return alike * np.outer(deviation, deviation)


def _luck(labels: np.ndarray, counts: np.ndarray, size: float, lasting: float, span: float, fall: float) -> np.ndarray:
    """The covariance of the models' luck; labels are relative to today's."""
    place, scale = np.log(labels), size * labels**-fall
    covariance = lasting * np.exp(-np.abs(place[:, None] - place[None, :]) / span)
    return (covariance + np.diag((1 - lasting) / counts)) * np.outer(scale, scale)


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
