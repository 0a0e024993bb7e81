"""Linear heads on frozen features, which predict from the first labels on, and committees of such heads."""

from collections.abc import Callable

import numpy as np

from labeler.core.errors import TooFewClassesError
from labeler.core.rounds import Dataset
from labeler.i18n.messages import mark
from labeler.learner.model import LinearHeads
from labeler.learner.task import LearningTask

# Imports of scipy and sklearn are deferred: they are slow to load.

# Inverse strength of the L2 penalty. Fixed: values that cross-validation picks on actively chosen labels are worse.
C_TEXT, C_IMAGE = 1.0, 3.0
SHRINKAGE = 0.6  # of the covariance towards a sphere
TEMPERATURE = 3.0  # with few labels the discriminant is far too confident

Head = tuple[np.ndarray, np.ndarray]  # weight (c, r), bias (c,)


def fit_heads(task: LearningTask) -> LinearHeads:
    """A logistic regression and a linear discriminant, which predict together.

    The regression learns from the labels near the boundary, the discriminant from all; their mean is better than
    either. Where an item has several classes, each class has such a pair, which predicts yes or no.

    Raises: TooFewClassesError: fewer than two classes among the labels, or none that some items have and others not.
    """
    features, basis = _span(task.features(task.labels.positions))
    strength = _strength(task.dataset)

    def fit(targets: np.ndarray) -> list[Head]:
        return [_logistic(features, targets, strength), discriminant(features, targets)]

    return _heads(task, fit, basis)


def fit_committee(task: LearningTask, members: int, seed: int) -> LinearHeads:
    """Logistic regressions that are each fitted to a bootstrap of the labels with at least one example of each class.

    Where an item has several classes, the heads of each class are fitted to bootstraps of their own.

    Raises: TooFewClassesError: as `fit_heads`.
    Source: Abe and Mamitsuka 1998 (query by bagging).
    """
    features, basis = _span(task.features(task.labels.positions))
    strength, rng = _strength(task.dataset), np.random.default_rng(seed)

    def fit(targets: np.ndarray) -> list[Head]:
        fitted = []
        for _ in range(members):
            # one example of each class first, the others drawn with replacement
            firsts = [rng.choice(np.flatnonzero(targets == c)) for c in range(targets.max() + 1)]
            drawn = np.concatenate([firsts, rng.integers(len(targets), size=len(targets) - len(firsts))])
            fitted.append(_logistic(features, targets, strength, np.bincount(drawn, minlength=len(targets))))
        return fitted

    return _heads(task, fit, basis)


def discriminant(features: np.ndarray, targets: np.ndarray) -> Head:
    """Weight (c, r) and bias (c,) of a linear discriminant analysis with a shrunken covariance, cooled down.

    The covariance within the classes is drawn towards a sphere of the features' mean variance, so that it can be
    inverted from a single example of each class on.

    Args:   features: (m, r) float. targets: (m,) int, 0 to c − 1, each of them present.
    Source: Friedman 1989, section 3 (shrinkage to a multiple of the identity); Guo et al. 2017 (temperature).
    """
    from scipy.linalg import solve

    counts = np.bincount(targets)
    means = np.stack([features[targets == c].mean(axis=0) for c in range(len(counts))])
    within = features - means[targets]
    covariance = (1 - SHRINKAGE) / len(features) * (within.T @ within)
    covariance[np.diag_indices_from(covariance)] += SHRINKAGE * max(features.var(axis=0).mean(), 1e-12)
    weight = solve(covariance, means.T, assume_a="pos").T
    bias = np.log(counts / len(features)) - np.einsum("cr,cr->c", weight, means) / 2
    return weight / TEMPERATURE, bias / TEMPERATURE


def _heads(task: LearningTask, fit: Callable[[np.ndarray], list[Head]], basis: np.ndarray) -> LinearHeads:
    """The members that `fit` returns for targets 0 to c − 1, mapped back to all d columns by `basis` (r, d)."""
    labels = task.labels
    if labels.several:
        classes, fitted = np.arange(task.n_classes), _yes_or_no(labels.targets, fit)
    else:
        classes, targets = classes_of(labels.targets)
        fitted = fit(targets)
    weight = np.stack([weight @ basis for weight, _ in fitted]).astype(np.float32)
    bias = np.stack([bias for _, bias in fitted]).astype(np.float32)
    return LinearHeads(task.normalizer, classes, task.n_classes, weight, bias, labels.several)


def classes_of(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The classes that have labels, and each label's position among them.

    Args:   targets: (m,) int.
    Raises: TooFewClassesError: fewer than two classes.
    """
    classes, places = np.unique(targets, return_inverse=True)
    if len(classes) < 2:
        n = len(targets)
        problem = mark("all {n} labels are of one class", n=n) if n else mark("there are no labels")
        raise TooFewClassesError("{problem}: label items of at least two classes.", problem=problem)
    return classes.astype(np.int64), places


def _yes_or_no(targets: np.ndarray, fit: Callable[[np.ndarray], list[Head]]) -> list[Head]:
    """Members that give the log odds of yes for each class, each class fitted alone (binary relevance).

    A class that all items have, or none, gets its base rate by Laplace's rule, which leaves room for the next item to
    differ.

    Args:    targets: (m, C) of 0 and 1.
    """
    counts = targets.sum(axis=0)
    learned = {c: fit(targets[:, c].astype(np.intp)) for c in np.flatnonzero((counts > 0) & (counts < len(targets)))}
    if not learned:
        raise TooFewClassesError(
            "of {targets} labels none tells a class from the others: label items with a class and without it.",
            targets=len(targets),
        )
    pairs = next(iter(learned.values()))
    fitted = []
    for member in range(len(pairs)):
        weight = np.zeros((targets.shape[1], pairs[0][0].shape[1]))
        bias = np.log((counts + 1) / (len(targets) - counts + 1))
        for c, heads in learned.items():
            weight[c], bias[c] = (no_yes[1] - no_yes[0] for no_yes in heads[member])
        fitted.append((weight, bias))
    return fitted


def _strength(dataset: Dataset) -> float:
    return C_TEXT if isinstance(dataset.inputs[0], str) else C_IMAGE


def _span(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows (m, r) in an orthonormal basis (r, d) of their span; with many labels the rows themselves, r = d.

    A head with an L2 penalty lies in the span of its examples, so a fit on m columns finds the same head as one on d
    columns. With few labels and wide features it is several times faster.
    """
    if 2 * len(features) > features.shape[1]:  # finding the basis costs more than it saves
        return features, np.eye(features.shape[1], dtype=features.dtype)
    basis, triangle = np.linalg.qr(features.T)
    return triangle.T, basis.T


def _logistic(features: np.ndarray, targets: np.ndarray, strength: float, counts: np.ndarray | None = None) -> Head:
    """Weight (c, r) and bias (c,) of a logistic regression; `counts` weighs each row."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=strength, max_iter=1000).fit(features, targets, sample_weight=counts)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:  # two classes: one row of log odds becomes a row for each class
        return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias
