"""The probability that each label is wrong, from people's answers and out-of-sample probabilities together."""

from dataclasses import dataclass

import numpy as np

from labeler.measure.intervals import Estimate

# Imports of scipy are deferred: it is slow to load.

# Two things are unknown, and averaged over a grid: the share of wrong answers, and how much too sure (above 1) or too
# unsure the models are. Beforehand the share is anything from 0 to two fifths, 10% on average, and often hardly more
# than 0: published data sets have 0 to 10% (Northcutt, Athalye and Mueller 2021), everyday labeling has more. The
# temperature of frozen heads that fits the true labels best is 0.85 within a factor of 1.5, whatever share of the
# labels is wrong (docs/benchmarks/lead.md). Only because it is known so well can single answers tell the share.
SHARES = np.array(
    [0.0005, 0.002, 0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.08, 0.1, 0.125, 0.15, 0.18, 0.21, 0.25, 0.3, 0.4]
)
BETA = (0.5, 4.5)  # the prior of the share is a beta distribution
CENTRE, SPREAD = 0.85, 0.2  # the prior of the temperature is log-normal: its median, and the logarithm's deviation
TEMPERATURES = CENTRE * np.exp(SPREAD * np.linspace(-2, 2, 5))
NEGLIGIBLE = 1e-4  # weight of a cell of the grid that is left out
FLOOR = 1e-6  # of a probability: no model is surer
MOST_TIMES = 20  # equal answers to a question that count: more change nothing


@dataclass(frozen=True)
class Answers:
    """Answers to n questions with C possible outcomes each.

    proba: (n, C) out-of-sample probabilities of the outcomes. labels: (n,) int, the outcome that holds for each
    question. rows, outcomes, times: (k,) int: so many answers to this question name this outcome.
    """

    proba: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    outcomes: np.ndarray
    times: np.ndarray

    @classmethod
    def counted(cls, proba: np.ndarray, labels: np.ndarray, rows: np.ndarray, outcomes: np.ndarray) -> "Answers":
        """The answers, counted; a label that no answer names, such as an imported one, counts as an answer.

        Args: rows, outcomes: (v,) int, the question and the outcome of each answer.
        """
        named, times = np.unique(rows * proba.shape[1] + outcomes, return_counts=True)
        unnamed = np.setdiff1d(np.arange(len(labels)) * proba.shape[1] + labels, named)
        pairs = np.concatenate([named, unnamed])
        order = np.argsort(pairs)
        times = np.concatenate([times, np.ones(len(unnamed), dtype=times.dtype)])[order]
        rows, outcomes = np.divmod(pairs[order], proba.shape[1])
        return cls(np.asarray(proba, dtype=float), labels, rows, outcomes, times)


@dataclass(frozen=True)
class Doubt:
    """How much n labels are to be doubted.

    noise: the share of wrong answers. weights: (g,) of the cells of the grid, their sum is 1.
    wrong: (g, n) the probability in each cell that a label is wrong.
    """

    noise: Estimate
    weights: np.ndarray
    wrong: np.ndarray

    def probabilities(self) -> np.ndarray:
        """(n,) the probability that each label is wrong."""
        return self.weights @ self.wrong

    def wrong_among(self, rows: np.ndarray) -> Estimate:
        """The expected number of wrong labels among these, and the interval that has it with a probability of 95%.

        Args: rows: (r,) int, positions of the labels.
        """
        from scipy.special import ndtr

        wrong = self.wrong[:, rows]
        means, deviations = wrong.sum(axis=1), np.sqrt((wrong * (1 - wrong)).sum(axis=1))
        counts = np.arange(len(rows) + 1)
        below = self.weights @ ndtr((counts + 0.5 - means[:, None]) / np.maximum(deviations, 1e-9)[:, None])
        low, high = np.searchsorted(below, [0.025, 0.975])
        return Estimate(float(self.weights @ means), float(low), float(min(high, len(rows))))


def doubt(answers: Answers, an_item: int = 1) -> Doubt:
    """The probability that each label is wrong.

    An answer is wrong with an unknown probability, the same for all, and then names any other outcome. The true outcome
    has the models' probabilities, sharpened or smoothed by an unknown temperature. Bayes' rule gives both unknowns and
    the true outcomes: models that contradict no label, and people who agree, both speak for little noise.

    Args:    an_item: questions of an item, one after the other. Its label is wrong where any of its answers is.
    Source:  Dawid and Skene 1979 (answers as noisy observations of the truth); Raykar et al. 2010 (the prior of the
             truth by a classifier); Guo et al. 2017 (temperature).
    """
    log_weights = np.empty((len(TEMPERATURES), len(SHARES)))
    for at, temperature in enumerate(TEMPERATURES):
        proba = _tempered(answers, temperature)
        for share_at, share in enumerate(SHARES):
            evidence, _right = _evidence(answers, proba, share)
            log_weights[at, share_at] = evidence.sum() - (np.log(temperature / CENTRE) / SPREAD) ** 2 / 2
    prior = (BETA[0] - 1) * np.log(SHARES) + (BETA[1] - 1) * np.log1p(-SHARES)
    log_weights += prior + np.log(np.gradient(SHARES))
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    cells = np.argwhere(weights > NEGLIGIBLE)
    wrong = np.empty((len(cells), len(answers.labels) // an_item))
    for cell, (row, column) in enumerate(cells):
        _log, right = _evidence(answers, _tempered(answers, TEMPERATURES[row]), SHARES[column])
        wrong[cell] = 1 - right.reshape(-1, an_item).prod(axis=1)
    kept = weights[tuple(cells.T)]
    return Doubt(_noise(weights.sum(axis=0)), kept / kept.sum(), wrong)


def _tempered(answers: Answers, temperature: float) -> np.ndarray:
    """(k,) the models' probability of each named outcome at this temperature."""
    logs = np.log(np.maximum(answers.proba, FLOOR)) / temperature
    logs -= logs.max(axis=1, keepdims=True)
    powers = np.exp(logs)
    return powers[answers.rows, answers.outcomes] / powers.sum(axis=1)[answers.rows]


def _evidence(answers: Answers, proba: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """(n,) the log likelihood of each question's answers, and (n,) the probability that its label is right.

    Args: proba: (k,) as `_tempered` gives it. share: of wrong answers.
    """
    others = answers.proba.shape[1] - 1
    starts = np.searchsorted(answers.rows, np.arange(len(answers.labels)))
    # an outcome is this many times likelier for each answer that names it
    odds = ((1 - share) * others / share) ** np.minimum(answers.times, MOST_TIMES)
    total = 1 + np.add.reduceat(proba * (odds - 1), starts)
    held = starts + np.add.reduceat((answers.outcomes < answers.labels[answers.rows]).astype(np.intp), starts)
    evidence = np.add.reduceat(answers.times, starts) * np.log(share / others) + np.log(total)
    return evidence, (proba * odds)[held] / total


def _noise(by_share: np.ndarray) -> Estimate:
    """The share of wrong answers, from the probability of each of `SHARES`."""
    low, high = np.searchsorted(np.cumsum(by_share), [0.025, 0.975]).clip(0, len(SHARES) - 1)
    return Estimate(float(by_share @ SHARES), float(SHARES[low]), float(SHARES[high]))
