"""How good a model is on the holdout, with its uncertainty. Never fed with items that a strategy chose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import binomtest, t

from labeler import decisions
from labeler.calibration import BINS, Calibration, calibration
from labeler.config import Config
from labeler.intervals import Estimate, effective, estimate, labels_to_halve
from labeler.types import Forecast, Metrics

MOST = 1_000_000  # random numbers that a bootstrap draws


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found. A figure is None where there is nothing to divide by: a class that is never
    predicted has no precision, one that does not occur no recall."""

    name: str
    support: int  # items that are of the class
    predicted: int  # items of which the model says so
    right: int
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None


@dataclass(frozen=True)
class Evaluation:
    """All that the labeled holdout says of a model; each figure with its 95 % interval.

    accuracy: of whole sets where an item has several classes; there is then a micro F1, but neither a balanced
    accuracy nor a confusion matrix. confusion: (true class, predicted class, items) of each pair that occurs.
    to_halve: how many more labels would halve the interval of accuracy.
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


def metrics(proba: np.ndarray, targets: np.ndarray) -> Metrics:
    """Accuracy with its 95 % interval, F1 and calibration error, on randomly drawn items.

    Where an item has several classes, accuracy is that of whole sets (subset accuracy), the calibration error is over
    all decisions, and there is a micro F1 as well, which weighs classes by how often they occur.

    Args:    proba: (n, C) float. targets: (n,) int class indices, or (n, C) of 0 and 1; n is 1 or more.
    Returns: Wilson's score interval around accuracy; macro F1 over the classes that are present or predicted.
    Source:  Wilson 1927; recommended for small n by Brown, Cai & DasGupta 2001, section 3. Tsoumakas, Katakis and
             Vlahavas 2010, section 7 (subset accuracy, averages).
    """
    several, right = targets.ndim == 2, int(decisions.right(proba, targets).sum())
    interval = binomtest(right, len(targets)).proportion_ci(method="wilson")
    macro, micro = f1(decisions.predicted(proba, several), targets, proba.shape[1])
    error = calibration_error(*decisions.one_by_one(proba, targets))
    low, high = float(interval.low), float(interval.high)
    return Metrics(len(targets), right / len(targets), low, high, macro, error, micro if several else None)


def evaluation(
    proba: np.ndarray, targets: np.ndarray, classes: Sequence[str], weights: np.ndarray | None = None, seed: int = 0
) -> Evaluation:
    """All figures of a model on randomly drawn items, with their intervals.

    Shares (accuracy, precision, recall) have Wilson's interval. F1 has it too, through the share right among the items
    that either are of the class or are said to be. Means over classes have the bootstrap's variance over items, as an
    effective number of items in Wilson's interval: percentiles of the bootstrap cover too seldom where little is wrong.

    Args:   proba: (n, C) float. targets: (n,) int class indices, or (n, C) of 0 and 1; n is 1 or more.
            weights: (n,) of the items, where they were not drawn alike, see `labeler.active_testing`.
    Source: Wilson 1927; Lam, Gopal & Qian 2023 (Wilson's indirect interval of F1); Efron & Tibshirani 1993, chapter 6.
    """
    several, n = targets.ndim == 2, len(targets)
    weight = np.ones(n) if weights is None else weights
    predicted, right = decisions.predicted(proba, several), decisions.right(proba, targets)
    items, times = _kinds(predicted, targets, weights)
    of_kind, pairs, C = weight[items], predicted[items], len(classes)
    found, wrong, missed = _outcomes(pairs, targets[items], C)
    weighted = csr_array((of_kind, (np.arange(len(items)),) * 2))
    counts = np.stack([times @ part for part in (found, wrong, missed)])
    sums, squares = (np.stack([(times * of_kind**k) @ part for part in (found, wrong, missed)]) for k in (1, 2))

    draws = int(np.clip(MOST // len(items), 100, 1000))
    drawn = np.random.default_rng(seed).multinomial(n, times / n, draws) @ weighted
    again = np.stack([drawn @ part for part in (found, wrong, missed)])

    def with_interval(measure: Callable[[np.ndarray], np.ndarray]) -> Estimate:
        value = float(measure(sums))
        return estimate(value, effective(value, float(measure(again).var()), n))

    share, whole = float(np.average(right, weights=weight)), _size(weight.sum(), (weight**2).sum())
    confusion = () if several else _confusion(predicted, targets)
    return Evaluation(
        n,
        estimate(share, whole),
        with_interval(_macro_f1),
        None if several else with_interval(_balanced),
        with_interval(_micro_f1) if several else None,
        tuple(_score(name, *(values[:, c] for values in (counts, sums, squares))) for c, name in enumerate(classes)),
        confusion,
        calibration(*decisions.one_by_one(proba, targets), None if weights is None else _each(weights, targets), seed),
        labels_to_halve(share, whole),
    )


def _kinds(predicted: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """One item of each kind, and how many there are of it: items with the same answer and the same truth are alike."""
    if weights is not None:
        return np.arange(len(targets)), np.ones(len(targets))
    both = np.stack([predicted, targets], axis=1) if targets.ndim == 1 else np.hstack([predicted, targets])
    _, items, times = np.unique(both, axis=0, return_index=True, return_counts=True)
    return items, times


def _outcomes(predicted: np.ndarray, targets: np.ndarray, classes: int) -> tuple[csr_array, csr_array, csr_array]:
    """(k, C) each, of 0 and 1: the class was found, was said wrongly, was missed."""
    if targets.ndim == 1:
        rows, shape = np.arange(len(targets)), (len(targets), classes)
        said, true = (csr_array((np.ones(len(rows)), (rows, one)), shape=shape) for one in (predicted, targets))
    else:
        said, true = csr_array(predicted.astype(float)), csr_array(targets.astype(float))
    found = said * true
    return found, said - found, true - found


def _size(total: float, squares: float) -> float:
    """How many items of equal weight tell as much as these; their number where all are alike (Kish 1965, 8.2)."""
    return total**2 / squares if squares > 0 else 0.0


def _score(name: str, counts: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> ClassScore:
    """One class's figures.

    Args: counts, sums, squares: (3,) of the items that were found, wrongly said and missed: how many, and of their
          weights and squared weights the sums.
    """

    def of(*others: int) -> Estimate | None:
        those = [0, *others]
        total = sums[those].sum()
        return estimate(sums[0] / total, _size(total, squares[those].sum())) if total > 0 else None

    either = of(1, 2)  # F1 is 2 q / (1 + q) of the share q that was found among these
    f1 = either and Estimate(*(2 * q / (1 + q) for q in vars(either).values()))
    found, wrong, missed = (round(float(c)) for c in counts)
    return ClassScore(name, found + missed, found + wrong, found, of(1), of(2), f1)


def _mean(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    """The mean of `values / of` over the classes where there is something to divide by; 1 where there is none."""
    there = of > 0
    shares = np.divide(values, of, out=np.zeros_like(values, dtype=float), where=there).sum(axis=-1)
    return np.where(there.any(axis=-1), shares / np.maximum(there.sum(axis=-1), 1), 1.0)


def _macro_f1(outcomes: np.ndarray) -> np.ndarray:
    found, wrong, missed = outcomes
    return _mean(2 * found, 2 * found + wrong + missed)


def _balanced(outcomes: np.ndarray) -> np.ndarray:
    found, _, missed = outcomes
    return _mean(found, found + missed)


def _micro_f1(outcomes: np.ndarray) -> np.ndarray:
    found, wrong, missed = outcomes.sum(axis=-1)
    return _mean(2 * found[..., None], (2 * found + wrong + missed)[..., None])


def _confusion(predicted: np.ndarray, targets: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    pairs, times = np.unique(np.stack([targets, predicted], axis=1), axis=0, return_counts=True)
    return tuple((int(true), int(said), int(k)) for (true, said), k in zip(pairs, times, strict=True))


def _each(weights: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The weights of all decisions, in the order of `decisions.one_by_one`."""
    return weights if targets.ndim == 1 else np.repeat(weights, targets.shape[1])


def stability(now: Forecast, before: Forecast | None, config: Config) -> tuple[float | None, float | None]:
    """How much a round's model agrees with the one before it, and how uncertain it is, on items that both have seen.

    Returns: Cohen's kappa of their predictions (1 where both say the same of all), None without common items; the mean
             of 1 − the highest probability, of several classes over all decisions.
    Source:  Bloodgood & Vijay-Shanker 2009, section 3; Zhu, Wang & Hovy 2008, section 3.2 (overall uncertainty).
    """
    from sklearn.metrics import cohen_kappa_score

    several = config.several
    proba = np.stack([1 - now.proba, now.proba], axis=-1) if several else now.proba
    uncertainty = float((1 - proba.max(axis=-1)).mean()) if len(proba) else None
    if before is None or before.proba.shape[1:] != now.proba.shape[1:]:
        return None, uncertainty
    _, ours, theirs = np.intersect1d(now.items, before.items, return_indices=True)
    if not len(ours):
        return None, uncertainty
    one, other = (
        decisions.predicted(f.proba[places], several).reshape(-1) for f, places in ((now, ours), (before, theirs))
    )
    return 1.0 if (one == other).all() else float(cohen_kappa_score(one, other)), uncertainty


def f1(predicted: np.ndarray, targets: np.ndarray, classes: int) -> tuple[float, float]:
    """Macro and micro F1; 1 where there was nothing to find and nothing was found.

    Args: predicted, targets: (n,) int class indices, or (n, C) of 0 and 1.
    """
    if targets.ndim == 1:
        predicted, targets = (np.eye(classes, dtype=bool)[one] for one in (predicted, targets))
    both = (predicted & (targets > 0)).sum(axis=0)
    either = predicted.sum(axis=0) + targets.sum(axis=0)
    there = either > 0
    if not there.any():
        return 1.0, 1.0
    return float((2 * both[there] / either[there]).mean()), float(2 * both.sum() / either.sum())


def calibration_error(proba: np.ndarray, targets: np.ndarray) -> float:
    """How far the model's confidence is from its accuracy: the mean over bins of confidence, weighted by their items.

    Uncertainty sampling lives on probabilities: where 0.8 is not right 8 times in 10, it asks by wrong numbers. With
    few items in a bin chance alone makes some error, also of a calibrated model.

    Args:    proba: (n, C) float, rows sum to 1. targets: (n,) int class indices; n ≥ 1.
    Returns: from 0 to 1.
    Source:  Guo et al. 2017, section 2, equation 3 (expected calibration error, 15 bins of equal width).
    """
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == targets
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=confidence - right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(targets))


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
