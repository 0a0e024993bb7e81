"""Whether another encoder is surely better than the present one, by labels that the present one helped choose.

Labels are asked where the present encoder's model was unsure. On these items an equally good encoder looks better: with
four equally good ones, the plain paired difference in cross-validation often proposes a change
(`python -m bench.learner.backbone_search`). So accuracy is estimated over the pool. What both models predict for an
item gives the probabilities of its classes, as learned from the labels (`trusted`): that depends much less on how the
items were chosen. Then the expected share of right answers of either is taken over items of the pool nobody chose.

Source: Wolpert 1992 (stacked generalisation); Särndal, Swensson & Wretman 1992, section 6 (model-assisted estimates);
        Efron & Tibshirani 1993, section 6 (bootstrap); Bonferroni's inequality for the number of encoders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri, softmax

from labeler.core.jobs import EncoderAnswer, EncoderRequest
from labeler.i18n.messages import Message, mark

FEWEST = 50  # labels from which on encoders are compared
MORE = 2  # times as many labels make a new comparison, or a declined proposal again, worth while
LEVEL = 0.05  # share of comparisons that propose an encoder though none is better, at most
FLOOR = 1e-4  # the smallest probability that counts
BOOTSTRAPS = 100
# Standard deviation of what the estimate misses whatever the number of labels: how items were chosen is corrected in
# part, and one set of labels trains better than another. Measured on equally good encoders, see the benchmark.
ALLOWANCE = 0.02
# How much the log probabilities of either model are trusted before there is evidence, how uncertain that is, and by how
# much less those of the present model are where it chose the item.
TRUST, SPREAD = np.array([0.5, 0.5, 0.0]), 1.0
STEPS = 20  # of Newton's method; five are usual


@dataclass(frozen=True)
class Predictions:
    """What cross-validated models on one encoder predict, in R repeats of the folds.

    labeled: (R, n, C) probabilities of labeled items, by models that have not seen them. pool: (R, m, C) of items of
    the pool that were not learned from, by the same models; with none (m = 0) the labeled ones stand for the pool.
    """

    labeled: np.ndarray
    pool: np.ndarray


@dataclass(frozen=True)
class Gain:
    """The estimated difference in accuracy over the pool, with bounds that allow for the number of encoders tried."""

    value: float
    low: float
    high: float


def gain_of(
    other: Predictions,
    present: Predictions,
    targets: np.ndarray,
    queried: np.ndarray,
    tried: int,
    groups: np.ndarray | None = None,
) -> Gain:
    """How much more of the pool another encoder gets right than the present one.

    Args:   targets: (n,) int, or (n, C) of 0 and 1. queried: (n,) bool, labels that the predictions of a model chose.
            tried: number of other encoders that the best is chosen from. groups: (n,) int, between which the interval
            is; None: the items are independent.
    """
    repeats, n = present.labeled.shape[:2]
    learning = _decisions(present.labeled, other.labeled, targets.ndim == 2)
    truth = np.tile(targets.astype(np.intp).reshape(n, -1), (repeats, 1)).ravel()
    where_queried = np.tile(np.repeat(queried, learning.shape[1]), repeats)[:, None]
    flat = learning.reshape(-1, *learning.shape[2:])
    columns = np.stack([flat[..., 0], flat[..., 1], flat[..., 0] * where_queried], axis=2)
    population = (present.pool, other.pool) if present.pool.size else (present.labeled, other.labeled)
    pool = _decisions(*population, targets.ndim == 2)

    def estimate(counts: np.ndarray, start: np.ndarray) -> tuple[float, np.ndarray]:
        weights = np.tile(np.repeat(counts, learning.shape[1]), repeats) / repeats
        trust = trusted(columns, truth, weights, start)
        return _difference(pool, trust), trust

    value, trust = estimate(np.ones(n), TRUST)
    rng, members = (
        np.random.default_rng(0),
        np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1],
    )
    parts = members.max() + 1
    drawn = [np.bincount(rng.integers(parts, size=parts), minlength=parts)[members] for _ in range(BOOTSTRAPS)]
    spread = float(np.std([estimate(counts, trust)[0] for counts in drawn], ddof=1))
    half = float(-ndtri(LEVEL / max(tried, 1)) * np.hypot(spread, ALLOWANCE))
    return Gain(value, value - half, value + half)


def trusted(columns: np.ndarray, truth: np.ndarray, weights: np.ndarray, start: np.ndarray = TRUST) -> np.ndarray:
    """(k,) how much each set of log probabilities is trusted: the softmax of their weighted sum predicts the truth.

    Args: columns: (m, c, k) log probabilities of c outcomes. truth: (m,) int. weights: (m,) of the rows.
          start: (k,) where the search begins.
    """
    trust, ahead = start.copy(), columns[np.arange(len(truth)), truth]
    for _ in range(STEPS):
        proba = softmax(columns @ trust, axis=1)
        mean = np.einsum("mc,mck->mk", proba, columns)
        slope = weights @ (ahead - mean) - (trust - TRUST) / SPREAD**2
        off = (columns - mean[:, None]) * np.sqrt(weights[:, None] * proba)[..., None]
        curvature = np.tensordot(off, off, axes=([0, 1], [0, 1])) + np.eye(len(trust)) / SPREAD**2
        step = np.clip(np.linalg.solve(curvature, slope), -1.0, 1.0)
        trust += step
        if np.abs(step).max() < 1e-4:
            break
    return trust


def _decisions(present: np.ndarray, other: np.ndarray, several: bool) -> np.ndarray:
    """(R × n, D, c, 2) log probabilities by both models: one decision an item, or a yes or no for each class."""
    both = np.stack([present, other], axis=-1)
    both = np.stack([1 - both, both], axis=-2) if several else both[:, :, None]
    return np.log(np.maximum(both, FLOOR)).reshape(-1, *both.shape[2:])


def _difference(pool: np.ndarray, trust: np.ndarray) -> float:
    """The expected difference in the share of items with all decisions right: other − present; none was queried."""
    proba, chosen = softmax(pool @ trust[:2], axis=2), pool.argmax(axis=2)
    right = np.take_along_axis(proba, chosen, axis=2).prod(axis=1)
    return float((right[:, 1] - right[:, 0]).mean())


# ---------------------------------------------------------------- when, and what follows


def is_due(request: EncoderRequest, last: EncoderRequest | None) -> bool:
    """Whether a comparison tells something new: after the last one, with twice the labels, other encoders or classes.

    Args: request: what would be asked for now. last: the latest that was asked for; None: there is none.
    """
    if request.labels < FEWEST or len(request.encoders) < 2:
        return False
    if last is None or request.labels >= MORE * last.labels:
        return True
    return (set(request.encoders), request.class_change) != (set(last.encoders), last.class_change)


def is_settled(report: Mapping[str, Any], answers: Sequence[EncoderAnswer]) -> bool:
    """Whether a proposal was answered before, and there is not clearly more evidence for it since.

    A proposal that was taken over counts as well: whoever changed the encoder back did not want it. Clearly more are
    twice the labels and a higher lower bound.

    Args: answers: to earlier proposals.
    """
    for answer in answers:
        before = answer.report
        if before["proposal"] != report["proposal"] or before["present"] != report["present"]:
            continue
        if report["labels"] < MORE * before["labels"] or _proposed(report)["low"] <= _proposed(before)["low"]:
            return True
    return False


def proposal(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The name of the encoder that is surely better, with the highest lower bound; None: there is none.

    Args: rows: of the other encoders, those that were judged with `low`.
    """
    better = [row for row in rows if row.get("low") is not None and row["low"] > 0]
    return max(better, key=lambda row: row["low"])["name"] if better else None


def verdict(report: Mapping[str, Any]) -> Message:
    """The result of a comparison in a sentence.

    Args: report: as `labeler.jobs.encoder_comparisons` stores it.
    """
    judged = [row for row in report["encoders"] if row.get("low") is not None]
    if not judged:
        return mark("No other encoder could be compared with {present}; the table says why.", present=report["present"])
    best = _proposed(report) if report["proposal"] else max(judged, key=lambda row: row["low"])
    figures = {
        "name": best["name"],
        "present": report["present"],
        "gain": 100 * best["gain"],
        "low": 100 * best["low"],
        "high": 100 * best["high"],
        "tried": len(judged),
        "labels": report["labels"],
    }
    if report["proposal"]:
        return mark(
            "{name} is better than {present} on this project's labels: {gain:+.1f} points of accuracy over the pool"
            " ({low:+.1f} to {high:+.1f}, allowing for {tried} tried), by cross-validation on {labels:,} labels.",
            **figures,
        )
    return mark(
        "No encoder is surely better than {present} on this project's labels: the best of {tried}, {name}, differs by"
        " {gain:+.1f} points of accuracy over the pool ({low:+.1f} to {high:+.1f}), by cross-validation on {labels:,}"
        " labels.",
        **figures,
    )


def cost(report: Mapping[str, Any]) -> Message:
    """One sentence: what the proposed encoder costs in seconds."""
    row = _proposed(report)
    return mark(
        "Cost: to read all {items:,} items once about {reading:,.0f} s, beside the rounds; heads and scores then take"
        " {then:.2f} s a round, and {now:.2f} s now.",
        items=report["items"],
        reading=row["reading_seconds"],
        then=row["round_seconds"],
        now=report["round_seconds"],
    )


def _proposed(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of the encoder that a report proposes."""
    return next(row for row in report["encoders"] if row["name"] == report["proposal"])
