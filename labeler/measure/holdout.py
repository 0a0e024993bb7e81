"""All that the labeled holdout says of one model, each figure with its 95% interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from labeler.core import decisions
from labeler.measure import clusters
from labeler.measure.calibration import Calibration, calibration
from labeler.measure.intervals import Estimate, effective, estimate, labels_to_halve

MOST = 1_000_000  # random numbers drawn by a bootstrap


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class.

    A class that is never predicted has no precision (None); one that does not occur has no recall."""

    name: str
    support: int  # items that are of the class
    predicted: int  # items predicted as the class
    right: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


@dataclass(frozen=True)
class Evaluation:
    """All that the labeled holdout says of a model; each figure with its 95% interval.

    accuracy: of whole sets where an item has several classes; then there is a micro F1, but no balanced accuracy and no
    confusion matrix. confusion: (true class, predicted class, items) of each pair that occurs.
    to_halve: how many more labels would halve the interval of accuracy; in groups, as many as there are now.
    groups: of the items, such as patients, between which all intervals are; None: the items are independent.
    """

    n: int
    accuracy: Estimate
    macro_f1: Estimate
    balanced_accuracy: Estimate | None
    micro_f1: Estimate | None
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, int, int], ...]
    calibration: Calibration
    to_halve: int
    groups: int | None = None


def evaluation(
    proba: np.ndarray,
    targets: np.ndarray,
    classes: Sequence[str],
    weights: np.ndarray | None = None,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> Evaluation:
    """All figures of a model on randomly drawn items, with their intervals.

    Shares (accuracy, precision, recall) have Wilson's interval. So has F1, through the share of hits among the items
    that are of the class or predicted as it. For means over classes, a bootstrap over items gives the variance and so
    the effective number of items for Wilson's interval; bootstrap percentiles cover too seldom where errors are few.
    Where the items are of groups, the variances are between groups, and the interval of a mean over classes follows
    from those of the classes, see `labeler.measure.clusters`.

    Args:   proba: (n, C) float. targets: (n,) int class indices, or (n, C) of 0 and 1; n is 1 or more.
            weights: (n,) of the items, where they were not drawn uniformly, see `labeler.measure.active_testing`.
            groups: (n,) of the items; None: the items are independent.
    Source: Wilson 1927; Lam, Gopal & Qian 2023 (Wilson's indirect interval of F1); Efron & Tibshirani 1993, chapter 6.
    """
    several, n = targets.ndim == 2, len(targets)
    weight = np.ones(n) if weights is None else weights
    predicted, right = decisions.predicted(proba, several), decisions.correct(proba, targets)
    items, times = _distinct_outcomes(predicted, targets, alike=weights is None and groups is None)
    of_kind, parts = weight[items], _outcomes(predicted[items], targets[items], len(classes))
    counts, sums, squares = (np.stack([(times * of_kind**k) @ part for part in parts]) for k in (0, 1, 2))
    of_groups = None if groups is None else _sums_of_groups(parts, groups, weight)
    share, whole = _accuracy(right, weight, groups)
    each = tuple(
        _score(name, counts[:, c], sums[:, c], squares[:, c], None if of_groups is None else of_groups[:, :, c])
        for c, name in enumerate(classes)
    )
    if of_groups is None:
        macro, balanced, micro = _means(sums, _bootstrap(parts, of_kind, times, seed), n)
    else:
        macro, balanced, micro = _means_of_groups(each, of_groups, squares)
    return Evaluation(
        n,
        estimate(share, whole),
        macro,
        None if several else balanced,
        micro if several else None,
        each,
        () if several else _confusion(predicted, targets),
        _calibration(proba, targets, weights, seed, groups),
        labels_to_halve(share, whole) if groups is None else 3 * n,
        clusters.count(groups),
    )


def _means(sums: np.ndarray, again: np.ndarray, n: int) -> list[Estimate]:
    """Macro F1, balanced accuracy and micro F1 of n independent items.

    Args: sums: (3, C) hits, false positives and misses. again: (3, B, C) of the bootstrap's samples.
    """
    figures = []
    for measure in (_macro_f1, _balanced_accuracy, _micro_f1):
        value, spread = float(measure(sums)), float(measure(again).var())
        figures.append(estimate(value, effective(value, spread, n)))
    return figures


def _means_of_groups(each: Sequence[ClassScore], of_groups: np.ndarray, squares: np.ndarray) -> list[Estimate]:
    """Macro F1, balanced accuracy and micro F1 of items in groups.

    Args: of_groups: (3, g, C) hits, false positives and misses. squares: (3, C) sums of their squared weights.
    """
    hits, wrong, missed = of_groups

    def mean(figures: Sequence[Estimate | None], items: np.ndarray) -> Estimate:
        defined = [c for c, figure in enumerate(figures) if figure is not None]
        if not defined:
            return estimate(1.0, clusters.effective(0.0, 0.0, np.inf, len(hits)))
        parts = items[:, defined] / items[:, defined].sum(axis=0)
        return clusters.mean_of_classes([f for f in figures if f is not None], parts)

    macro = mean([score.f1 for score in each], hits + (wrong + missed) / 2)
    balanced = mean([score.recall for score in each], hits + missed)
    all_classes = of_groups.sum(axis=2)
    micro = _score("", all_classes.sum(axis=1), all_classes.sum(axis=1), squares.sum(axis=1), all_classes).f1
    return [macro, balanced, micro or macro]


def _calibration(
    proba: np.ndarray, targets: np.ndarray, weights: np.ndarray | None, seed: int, groups: np.ndarray | None
) -> Calibration:
    each, clustered = (_of_decisions(values, targets) for values in (weights, groups))
    return calibration(*decisions.as_single_decisions(proba, targets), each, seed, clustered)


def _accuracy(right: np.ndarray, weight: np.ndarray, groups: np.ndarray | None) -> tuple[float, float]:
    """The share of right items, and its effective number of items."""
    if groups is not None:
        return clusters.effective_mean(right, groups, weight)
    return float(np.average(right, weights=weight)), _effective_size(weight.sum(), (weight**2).sum())


def _sums_of_groups(parts: Sequence[csr_array], groups: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(3, g, C) weights of hits, false positives and misses of each group. Args: parts: three (n, C) of the items."""
    of_group = clusters.indicator(groups, weight)
    return np.stack([(of_group @ part).toarray() for part in parts])


def _bootstrap(parts: Sequence[csr_array], weight: np.ndarray, times: np.ndarray, seed: int) -> np.ndarray:
    """(3, B, C) hits, false positives and misses of samples of the items, drawn with replacement.

    Args: parts: three (k, C) of distinct items. weight: (k,) of one item. times: (k,) how often each occurs.
    """
    n = int(times.sum())
    draws = int(np.clip(MOST // len(times), 100, 1000))
    drawn = np.random.default_rng(seed).multinomial(n, times / n, draws) * weight
    return np.stack([drawn @ part for part in parts])


def _distinct_outcomes(predicted: np.ndarray, targets: np.ndarray, alike: bool) -> tuple[np.ndarray, np.ndarray]:
    """One row for each distinct pair of prediction and target, and how often each pair occurs.

    Args: alike: whether items with the same pair say the same; otherwise all rows, each once.
    """
    if not alike:
        return np.arange(len(targets)), np.ones(len(targets))
    both = np.stack([predicted, targets], axis=1) if targets.ndim == 1 else np.hstack([predicted, targets])
    _, items, times = np.unique(both, axis=0, return_index=True, return_counts=True)
    return items, times


def _outcomes(predicted: np.ndarray, targets: np.ndarray, classes: int) -> tuple[csr_array, csr_array, csr_array]:
    """Hits, false positives and misses: three (k, C) arrays of 0 and 1."""
    if targets.ndim == 1:
        rows, shape = np.arange(len(targets)), (len(targets), classes)
        predicted_at, true = (
            csr_array((np.ones(len(rows)), (rows, columns)), shape=shape) for columns in (predicted, targets)
        )
    else:
        predicted_at, true = csr_array(predicted.astype(float)), csr_array(targets.astype(float))
    hits = predicted_at * true
    return hits, predicted_at - hits, true - hits


def _effective_size(total: float, squares: float) -> float:
    """The number of equally weighted items that are as informative (Kish 1965, section 8.2)."""
    return total**2 / squares if squares > 0 else 0.0


def _score(
    name: str, counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, of_groups: np.ndarray | None
) -> ClassScore:
    """One class's figures.

    Args: counts, sums, squares: (3,) of hits, false positives and misses: their number, the sum of their weights, and
          the sum of their squared weights. of_groups: (3, g) sums of each group; None: the items are independent.
    """

    def of(*others: int) -> Estimate | None:
        those = [0, *others]
        total = sums[those].sum()
        if total <= 0:
            return None
        share, size = sums[0] / total, _effective_size(total, squares[those].sum())
        if of_groups is not None:
            right, wrong = of_groups[0], of_groups[list(others)].sum(axis=0)
            there = right + wrong > 0
            # F1 is known by the groups that have the class, however many it is wrongly predicted in
            known = int((there if others == (1,) else of_groups[0] + of_groups[2] > 0).sum())
            share, size = clusters.effective_share(right[there], wrong[there], size, known)
        return estimate(share, size)

    either = of(1, 2)  # F1 is 2 q / (1 + q), q the share of hits among all three
    f1 = either and Estimate(*(2 * q / (1 + q) for q in vars(either).values()))
    hits, wrong, missed = (round(float(c)) for c in counts)
    return ClassScore(name, hits + missed, hits + wrong, hits, of(1), of(2), f1)


def _mean_over_classes(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    """The mean of `values / of` over the classes where `of` is not 0; 1 if it is 0 for all."""
    defined = of > 0
    shares = np.divide(values, of, out=np.zeros_like(values, dtype=float), where=defined).sum(axis=-1)
    return np.where(defined.any(axis=-1), shares / np.maximum(defined.sum(axis=-1), 1), 1.0)


def _macro_f1(outcomes: np.ndarray) -> np.ndarray:
    hits, wrong, missed = outcomes
    return _mean_over_classes(2 * hits, 2 * hits + wrong + missed)


def _balanced_accuracy(outcomes: np.ndarray) -> np.ndarray:
    hits, _, missed = outcomes
    return _mean_over_classes(hits, hits + missed)


def _micro_f1(outcomes: np.ndarray) -> np.ndarray:
    hits, wrong, missed = outcomes.sum(axis=-1)
    return _mean_over_classes(2 * hits[..., None], (2 * hits + wrong + missed)[..., None])


def _confusion(predicted: np.ndarray, targets: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    pairs, times = np.unique(np.stack([targets, predicted], axis=1), axis=0, return_counts=True)
    return tuple((int(true), int(predicted_at), int(k)) for (true, predicted_at), k in zip(pairs, times, strict=True))


def _of_decisions(values: np.ndarray | None, targets: np.ndarray) -> np.ndarray | None:
    """The items' weights or groups for each decision, in the order of `decisions.as_single_decisions`."""
    return values if values is None or targets.ndim == 1 else np.repeat(values, targets.shape[1])
