"""Inverse power laws through the rounds of a project, each weighted by how well it explains them.

accuracy = a − b·labels^(−c) is parametrised by the accuracy m at the last round, which is known best, and by the share
u of the remaining errors that labels can ever remove: a = m + u (1 − m). Given u and c, m follows from weighted linear
least squares, so a grid over u and c covers all curves. `labeler.progress.curves` makes projections from them.
"""

from dataclasses import dataclass

import numpy as np

POINTS = 25  # of more rounds, neighbours are averaged: the curve is smooth at that scale
DRAWS = 2000

SHARES = (np.arange(20) + 0.5) / 20  # u
EXPONENTS = np.geomspace(0.1, 3.0, 20)  # c
TYPICAL, SPREAD = 0.6, 0.7  # prior of c: median, and standard deviation of its logarithm

# The share of the holdout's sampling error that all rounds have in common; the rest is correlated over a range of the
# labels' logarithm. (The right items of two rounds correlate by 0.96 if the rounds are successive, and by 0.75 where
# labels double. A share below 0.9 mistakes a bend of the curve for an error of the holdout.)
ALIKE, REACH = 0.9, 0.5

# A model's luck with its labels and seed: its standard deviation in accuracy at today's labels; the share that lasts,
# since the next round trains on the same labels; the range of the labels' logarithm over which it lasts; the power of
# the labels with which it falls.
LUCKS = [(size, lasting) for size in (0.002, 0.004, 0.008, 0.016, 0.032) for lasting in (0.2, 0.8)]
SPAN, FALL = 0.5, 0.5


@dataclass(frozen=True)
class Rounds:
    """The points to fit: labels, accuracy, and the number of rounds averaged in each, all (k,); the holdout's items."""

    labels: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray
    holdout: int | None

    @property
    def last(self) -> float:
        return float(self.labels[-1])


@dataclass(frozen=True)
class Grid:
    """The grid over luck, c and u, as (lucks, C, U) arrays: posterior weights, m, and the inverse variance of m.

    constant: weight of the hypothesis that accuracy has not changed at all, on the scale of `weights`.
    luck, inverse: (lucks, k, k) covariance of luck, and inverse of the total covariance.
    """

    weights: np.ndarray
    levels: np.ndarray
    precisions: np.ndarray
    constant: float
    luck: np.ndarray
    inverse: np.ndarray

    def best(self) -> tuple[float, float, float]:
        """(m, u, c) of the curve that explains the rounds best."""
        at = np.unravel_index(self.weights.argmax(), self.weights.shape)
        return float(self.levels[at]), float(SHARES[at[2]]), float(EXPONENTS[at[1]])


@dataclass(frozen=True)
class DrawnCurves:
    """Curves drawn from the posterior; all arrays are (DRAWS,).

    labels: at the last round. levels: m. shares: u. exponents: c. luck: today's model minus the power
    law. new_luck: the same for a model with many more labels, on the scale of today's luck.
    """

    labels: float
    levels: np.ndarray
    shares: np.ndarray
    exponents: np.ndarray
    luck: np.ndarray
    new_luck: np.ndarray

    def accuracy(self, labels: np.ndarray) -> np.ndarray:
        """(DRAWS, k): accuracy at (k,) labels."""
        return np.clip(self.levels[:, None] + self.rise(labels) + self.luck_at(labels[None, :]), 0, 1)

    def rise(self, labels: np.ndarray) -> np.ndarray:
        """(DRAWS, k): rise of the power law from the last round to (k,) labels."""
        fall = (labels[None, :] / self.labels) ** -self.exponents[:, None]
        return self._largest_gain[:, None] * (1 - fall)

    def luck_at(self, labels: np.ndarray) -> np.ndarray:
        """(DRAWS, k): luck at (1, k) labels, or at (DRAWS, 1) labels."""
        kept = np.exp(-np.abs(np.log(labels / self.labels)) / SPAN)
        scale = (labels / self.labels) ** -FALL
        return scale * (kept * self.luck[:, None] + np.sqrt(1 - kept**2) * self.new_luck[:, None])

    def crossing(self, accuracy: np.ndarray) -> np.ndarray:
        """(DRAWS,): labels at which each power law reaches its accuracy of (DRAWS,); infinite if never."""
        with np.errstate(divide="ignore", over="ignore"):
            left = np.clip((self.levels + self._largest_gain - accuracy) / self._largest_gain, 0, None)
            return np.where(left > 0, self.labels * left ** (-1 / self.exponents), np.inf)

    @property
    def _largest_gain(self) -> np.ndarray:
        return self.shares * (1 - self.levels)


def rounds_of(labels: np.ndarray, accuracy: np.ndarray, holdout: int | None) -> Rounds:
    """The rounds, neighbours averaged where there are more than `POINTS`."""
    if len(labels) <= POINTS:
        return Rounds(labels, accuracy, np.ones(len(labels)), holdout)
    place = np.log(labels)
    parts = np.floor((place - place[0]) / (place[-1] - place[0]) * POINTS * (1 - 1e-9)).astype(int)
    counts = np.bincount(parts, minlength=POINTS)
    filled = counts > 0
    means = [np.bincount(parts, values, POINTS)[filled] / counts[filled] for values in (labels, accuracy)]
    return Rounds(means[0], means[1], counts[filled].astype(float), holdout)


def weigh(rounds: Rounds) -> Grid:
    """The weight of each power law, with m at its best.

    Source: Golub and Pereyra 1973 (linear parameters are solved for, the others searched).
    """
    falls = (rounds.labels / rounds.last) ** -EXPONENTS[:, None]  # (C, k)
    prior = -0.5 * (np.log(EXPONENTS / TYPICAL) / SPREAD) ** 2
    prior -= np.log(np.exp(prior).sum() * len(SHARES))
    sampling, u = _sampling(rounds), SHARES[None, :]
    evidence, levels, precisions, constant, lucks, inverses = [], [], [], [], [], []
    for size, lasting in LUCKS:
        luck = _luck(rounds, size, lasting)
        factor = np.linalg.cholesky(sampling + luck)
        whiten = np.linalg.inv(factor)
        scale = -np.log(np.diag(factor)).sum()
        ones, accuracy, fall = whiten.sum(axis=1), whiten @ rounds.accuracy, falls @ whiten.T
        # accuracy = m (1 − u bend) + u bend, where bend = 1 − fall; m by least squares from six products
        bend = ones - fall
        oo, oa, aa = ones @ ones, ones @ accuracy, accuracy @ accuracy
        ob, ab, bb = (bend @ ones)[:, None], (bend @ accuracy)[:, None], (bend**2).sum(axis=1)[:, None]
        gg = oo - 2 * u * ob + u**2 * bb
        gz = oa - u * (ab + ob) + u**2 * bb
        zz = aa - 2 * u * ab + u**2 * bb
        evidence.append(prior[:, None] + scale - 0.5 * np.log(gg) - 0.5 * (zz - gz**2 / gg))
        constant.append(scale - 0.5 * np.log(oo) - 0.5 * (aa - oa**2 / oo))
        levels.append(gz / gg)
        precisions.append(gg)
        lucks.append(luck)
        inverses.append(whiten.T @ whiten)
    logs = np.array(evidence)
    most = logs.max()
    return Grid(
        np.exp(logs - most),
        np.array(levels),
        np.array(precisions),
        float(np.exp(np.array(constant) - most).sum()),
        np.array(lucks),
        np.array(inverses),
    )


def draw(rounds: Rounds, grid: Grid, rng: np.random.Generator) -> DrawnCurves:
    """Curves drawn by their weights, with luck, and with the error that all rounds share."""
    cells = rng.choice(grid.weights.size, DRAWS, p=(grid.weights / grid.weights.sum()).ravel())
    of_luck, of_exponent, of_share = np.unravel_index(cells, grid.weights.shape)
    shares, exponents = SHARES[of_share], EXPONENTS[of_exponent]
    level = grid.levels.ravel()[cells] + rng.standard_normal(DRAWS) / np.sqrt(grid.precisions.ravel()[cells])
    bend = shares[:, None] * (1 - (rounds.labels / rounds.last) ** -exponents[:, None])
    left = rounds.accuracy - level[:, None] * (1 - bend) - bend
    luck, new_luck, chance = np.zeros(DRAWS), np.zeros(DRAWS), rng.standard_normal((3, DRAWS))
    for i, (size, lasting) in enumerate(LUCKS):
        mine = of_luck == i
        lasts = grid.luck[i][-1].copy()
        lasts[-1] = size**2 * lasting
        projection = grid.inverse[i] @ lasts  # the rounds' information on today's luck
        luck[mine] = left[mine] @ projection + np.sqrt(max(size**2 * lasting - lasts @ projection, 0)) * chance[0, mine]
        new_luck[mine] = size * np.sqrt(lasting) * chance[1, mine]
    if rounds.holdout:
        level += np.sqrt(ALIKE) * _deviation(level, rounds.holdout) * chance[2]
    return DrawnCurves(rounds.last, np.clip(level, 0, 0.9999), shares, exponents, luck, new_luck)


def _deviation(accuracy: np.ndarray, holdout: int) -> np.ndarray:
    """The standard deviation of an accuracy measured on `holdout` items; above 0 even where all are right."""
    p = np.clip((accuracy * holdout + 1) / (holdout + 2), 1 / (holdout + 2), (holdout + 1) / (holdout + 2))
    return np.sqrt(p * (1 - p) / holdout)


def _sampling(rounds: Rounds) -> np.ndarray:
    """The covariance of the holdout's sampling error between rounds, without the part that all rounds share."""
    if not rounds.holdout:
        return np.zeros((len(rounds.labels), len(rounds.labels)))
    deviation = _deviation(rounds.accuracy, rounds.holdout)
    return (1 - ALIKE) * _nearness(rounds.labels, REACH) * np.outer(deviation, deviation)


def _luck(rounds: Rounds, size: float, lasting: float) -> np.ndarray:
    """The covariance of the models' luck."""
    scale = size * (rounds.labels / rounds.last) ** -FALL
    covariance = lasting * _nearness(rounds.labels, SPAN) + np.diag((1 - lasting) / rounds.counts)
    return covariance * np.outer(scale, scale)


def _nearness(labels: np.ndarray, span: float) -> np.ndarray:
    place = np.log(labels)
    return np.exp(-np.abs(place[:, None] - place[None, :]) / span)
