"""Active testing: holdout items are drawn where the model may be wrong, and weighted so that estimates stay unbiased.

Fewer labels then estimate the accuracy as precisely, and not all of the holdout has to be labeled. The weights make the
estimate unbiased whatever the model believes. The holdout stays a random sample that no query strategy ever sees.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labeler.core import decisions
from labeler.core.rounds import Metrics
from labeler.measure import clusters, intervals
from labeler.measure.holdout import Evaluation, evaluation
from labeler.measure.intervals import Estimate
from labeler.measure.metrics import weighted_metrics

# Share of each draw that is uniform whatever the model predicts: it bounds the weight of an unexpected error.
FLOOR = 0.25


def loss_estimate(proba: np.ndarray, several: bool = False) -> np.ndarray:
    """The sampling weight of items with these predictions: the root of the probability that the prediction is wrong.

    Draws in proportion to the root of the expected squared loss estimate an error rate best; a loss of 0 or 1 is its
    own square.

    Args:   proba: (n, C) float.
    Source: Owen 2013, section 9.1 (the optimal density); Kossen et al. 2021, section 4 (expected losses in its place).
    """
    wrong = 1 - decisions.proba_of_items(proba, decisions.predicted(proba, several))
    return np.sqrt(np.clip(wrong, 0.0, 1.0))


def draw(
    loss_estimate: np.ndarray, n: int, rng: np.random.Generator, floor: float = FLOOR
) -> tuple[np.ndarray, np.ndarray]:
    """Items to be labeled, drawn one after the other without replacement, and the probability of each draw.

    Args:    loss_estimate: (N,) of the items that are left, at least 0; all equal draws uniformly.
             floor: share of each draw that is uniform over the items.
    Returns: positions (n,) in drawing order; q (n,), the probability of each draw among the items left then.
    Source:  Kossen et al. 2021, algorithm 1.
    """
    losses = np.asarray(loss_estimate, dtype=float)
    total = losses.sum()
    share = losses * len(losses) / total if total > 0 else np.ones(len(losses))
    weight = floor + (1 - floor) * share
    # exponential clocks ring in the order of drawing without replacement, in proportion to the weights
    order = np.argsort(rng.exponential(size=len(losses)) / weight)
    drawn = weight[order]
    left = np.cumsum(drawn[::-1])[::-1]
    return order[:n], (drawn / left)[:n]


def weights(q: np.ndarray, remaining: np.ndarray) -> np.ndarray:
    """The weight of each drawn item: the weighted mean over them is unbiased for the mean over all items.

    Args:    q: (m,) as `draw` gives it. remaining: (m,) how many items were left at each draw, the drawn one included.
    Returns: (m,), about 1 on average; all 1 when everything was drawn, or drawn uniformly.
    Source:  Farquhar, Gal & Rainforth 2021, section 4, equation 4 (the estimator R_LURE).
    """
    m, share = len(q), _shares(remaining)
    each = share / (np.arange(m) + remaining)
    later = np.cumsum(each[::-1])[::-1] - each  # a step knows the items drawn before it
    return m * (each / q + later)


def _shares(remaining: np.ndarray) -> np.ndarray:
    """(m,) the weight of each step's own estimate, summing to 1.

    A step estimates the mean from the items drawn before it, with its own item standing for all that were left; the
    fewer were left, the better. Steps before an import that added items do not know of all items and weigh nothing.
    """
    m = len(remaining)
    if remaining[-1] <= 1:  # the last item is drawn: the mean is known
        return (np.arange(m) == m - 1).astype(float)
    grew = np.flatnonzero(np.diff(np.arange(m) + remaining) > 0)
    share = 1 / (remaining * np.maximum(remaining - 1.0, 1.0))
    share[: grew[-1] + 1 if len(grew) else 0] = 0
    return share / share.sum()


def estimate(
    losses: np.ndarray,
    q: np.ndarray,
    remaining: np.ndarray,
    usable: np.ndarray | None = None,
    stand_for: np.ndarray | None = None,
) -> tuple[Estimate, float]:
    """The mean loss with its 95% interval, and how many uniformly drawn labels would tell as much.

    The interval is for the population that the holdout is a sample of: with everything labeled it is Wilson's
    interval of the plain mean.

    Args:    losses: (m,) from 0 to 1 in drawing order, m ≥ 1. q, remaining: as for `weights`.
             usable: (m,) bool; items that turned out to have no answer leave the population.
             stand_for: (m,) how many items each stands for, see `labeler.measure.mixture`; None: all for as many.
    Source:  Farquhar, Gal & Rainforth 2021, section 4 and its proofs (the steps err independently of those before).
    """
    losses, m = np.asarray(losses, dtype=float), len(losses)
    good = np.ones(m) if usable is None else np.asarray(usable, dtype=float)
    if not good.any():
        return Estimate(0.0, 0.0, 1.0), 0.0
    weight, population = weights(q, remaining), m - 1 + int(remaining[-1])
    if stand_for is not None:
        return _weighted_estimate(losses, q, remaining, good * stand_for)
    answerable = max(1 - float(weight @ (1 - good)) / m, 1 / population)  # the share of items that have an answer
    mean = float(np.clip(weight @ (losses * good) / m / answerable, 0.0, 1.0))
    if mean in (0.0, 1.0):  # all right or all wrong: the variance between draws is unknown
        return intervals.estimate(mean, good.sum()), float(good.sum())
    parts = losses * good + mean * (1 - good)  # linearised ratio
    before = np.concatenate([[0.0], np.cumsum(parts)[:-1]])
    steps = (before + parts / q) / (np.arange(m) + remaining)
    drawing = float((_shares(remaining) ** 2 * (steps - mean) ** 2).sum()) / answerable**2
    whole = population * answerable
    n = intervals.effective(mean, drawing + mean * (1 - mean) / whole, whole)
    return intervals.estimate(mean, n), n


def _weighted_estimate(
    losses: np.ndarray, q: np.ndarray, remaining: np.ndarray, worth: np.ndarray
) -> tuple[Estimate, float]:
    """As `estimate`, of a mean loss that weighs each item. Args: worth: (m,) at least 0, not all 0."""
    weight, m = weights(q, remaining), len(losses)
    population = m - 1 + int(remaining[-1])
    in_all = float(weight @ worth) / m
    if in_all <= 0:
        return Estimate(0.0, 0.0, 1.0), 0.0
    mean = float(np.clip(weight @ (losses * worth) / m / in_all, 0.0, 1.0))
    whole = float(min(population * in_all**2 / (float(weight @ worth**2) / m), population))
    if mean in (0.0, 1.0):
        n = float(worth.sum() ** 2 / (worth**2).sum())
        return intervals.estimate(mean, n), n
    parts = worth * (losses - mean)  # linearised ratio
    before = np.concatenate([[0.0], np.cumsum(parts)[:-1]])
    steps = (before + parts / q) / (np.arange(m) + remaining)
    drawing = float((_shares(remaining) ** 2 * steps**2).sum()) / in_all**2
    n = intervals.effective(mean, drawing + mean * (1 - mean) / whole, whole)
    return intervals.estimate(mean, n), n


# ---------------------------------------------------------------- in a project


@dataclass(frozen=True)
class Drawn:
    """The drawn holdout items up to the first open one, in drawing order.

    items: (m,) ids. q, remaining: (m,) as for `weights`. usable: (m,) bool, False for flagged items.
    stand_for: (m,) how many items of the project each stands for; None: all for as many.
    """

    items: np.ndarray
    q: np.ndarray
    remaining: np.ndarray
    usable: np.ndarray
    stand_for: np.ndarray | None = None

    @property
    def weights(self) -> np.ndarray:
        """(k,) of the usable items."""
        each = weights(self.q, self.remaining)
        return (each if self.stand_for is None else each * self.stand_for)[self.usable]


def labeled_prefix(rows: Sequence[Mapping[str, Any]], labeled: Collection[int], unusable: Collection[int]) -> Drawn:
    """The drawn items up to the first open one: a prefix, since the items answered first may be the easy ones.

    Args: rows: as `ActiveTesting.draws` gives them. labeled: ids of items with a label. unusable: of flagged ones.
    """
    done = []
    for row in rows:
        if row["item_id"] not in labeled and row["item_id"] not in unusable:
            break
        done.append(row)
    items = np.array([row["item_id"] for row in done], dtype=np.int64)
    usable = np.array([i in labeled for i in items.tolist()], dtype=bool)
    q, remaining = (np.array([row[name] for row in done], dtype=float) for name in ("q", "remaining"))
    return Drawn(items, q, remaining, usable)


def accuracy(
    proba: np.ndarray, targets: np.ndarray, drawn: Drawn, groups: np.ndarray | None = None
) -> tuple[Estimate, float]:
    """The weighted accuracy with its interval, and how many uniformly drawn labels would tell as much.

    Of items in groups, the variance is the larger one of that of the draws and that between the groups.

    Args: proba: (k, C) and targets: (k,) or (k, C) of the usable items in drawing order. groups: (k,) of them.
    """
    losses = np.zeros(len(drawn.items))
    losses[drawn.usable] = ~decisions.correct(proba, targets)
    error, n = estimate(losses, drawn.q, drawn.remaining, drawn.usable, drawn.stand_for)
    if groups is not None:
        _share, between = clusters.effective_mean(losses[drawn.usable] > 0, groups, drawn.weights)
        n = min(n, between)
        error = intervals.estimate(error.value, n)
    return Estimate(1 - error.value, 1 - error.high, 1 - error.low), n


def evaluate_drawn(
    proba: np.ndarray,
    targets: np.ndarray,
    classes: Sequence[str],
    drawn: Drawn,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> Evaluation:
    """The evaluation of the usable items that were drawn, weighted; there must be one at least. See `accuracy`."""
    estimate, n = accuracy(proba, targets, drawn, groups)
    each = drawn.weights
    figures = evaluation(proba, targets, classes, each, seed, groups)
    halving = intervals.labels_to_halve(estimate.value, n) if groups is None else figures.to_halve
    return replace(figures, accuracy=estimate, to_halve=halving)


def metrics_drawn(proba: np.ndarray, targets: np.ndarray, drawn: Drawn, groups: np.ndarray | None = None) -> Metrics:
    """The metrics of a round on the usable items that were drawn, weighted; there must be one at least."""
    estimate, _ = accuracy(proba, targets, drawn, groups)
    return weighted_metrics(estimate, proba, targets, drawn.weights, groups)
