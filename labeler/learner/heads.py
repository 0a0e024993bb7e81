"""Linear heads on frozen features: what predicts from the first labels on, and committees of them."""

from collections.abc import Callable

import numpy as np

from labeler.core.errors import TooFewClassesError
from labeler.core.rounds import Dataset, Labels
from labeler.learner.model import LinearHeads, Normalizer

# Inverse strength of the L2 penalty. Fixed: what cross-validation picks on actively chosen labels is worse.
C_TEXT, C_IMAGE = 1.0, 3.0
SHRINKAGE = 0.6  # of the covariance towards a sphere
TEMPERATURE = 3.0  # few labels make the discriminant far too sure of itself

Head = tuple[np.ndarray, np.ndarray]  # weight (c, r), bias (c,)


def fit_heads(dataset: Dataset, labels: Labels, n_classes: int, normalizer: Normalizer) -> LinearHeads:
    """A logistic regression and a linear discriminant, which predict together.

    The one learns from the labels near the boundary, the other from all; their mean is better than either. Where an
    item has several classes there is such a pair for each class, which says yes or no.

    Raises: TooFewClassesError: fewer than two classes among the labels, or none that some items have and others not.
    """
    features, basis = _span(normalizer.apply(dataset.embeddings[labels.positions]))
    strength = _strength(dataset)

    def fit(targets: np.ndarray) -> list[Head]:
        return [_logistic(features, targets, strength), discriminant(features, targets)]

    return _heads(normalizer, labels, n_classes, fit, basis)


def fit_committee(
    dataset: Dataset, labels: Labels, n_classes: int, members: int, seed: int, normalizer: Normalizer | None = None
) -> LinearHeads:
    """Logistic regressions that are each fitted to a bootstrap of the labels with at least one example of each class.

    Where an item has several classes, the heads of each class are fitted to bootstraps of their own.

    Raises: TooFewClassesError: as `fit_heads`.
    Source: Abe and Mamitsuka 1998 (query by bagging).
    """
    normalizer = normalizer or Normalizer.fit(dataset.embeddings, dataset.dims)
    features, basis = _span(normalizer.apply(dataset.embeddings[labels.positions]))
    strength, rng = _strength(dataset), np.random.default_rng(seed)

    def fit(targets: np.ndarray) -> list[Head]:
        fitted = []
        for _ in range(members):
            # one example of each class first, the others drawn with replacement
            sure = [rng.choice(np.flatnonzero(targets == c)) for c in range(targets.max() + 1)]
            drawn = np.concatenate([sure, rng.integers(len(targets), size=len(targets) - len(sure))])
            fitted.append(_logistic(features, targets, strength, np.bincount(drawn, minlength=len(targets))))
        return fitted

    return _heads(normalizer, labels, n_classes, fit, basis)


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


def _heads(
    normalizer: Normalizer,
    labels: Labels,
    n_classes: int,
    fit: Callable[[np.ndarray], list[Head]],
    basis: np.ndarray,
) -> LinearHeads:
    """The members that `fit` makes of targets 0 to c − 1, back among the columns that `basis` (r, d) spans."""
    if labels.several:
        classes, fitted = np.arange(n_classes), _yes_or_no(labels.targets, fit)
    else:
        classes, targets = _classes(labels)
        fitted = fit(targets)
    weight = np.stack([weight @ basis for weight, _ in fitted]).astype(np.float32)
    bias = np.stack([bias for _, bias in fitted]).astype(np.float32)
    return LinearHeads(normalizer, classes, n_classes, weight, bias, labels.several)


def _classes(labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """The classes that have labels, and each label's position among them."""
    classes, targets = np.unique(labels.targets, return_inverse=True)
    if len(classes) < 2:
        found = "there are no labels" if not len(labels) else f"all {len(labels)} labels are of one class"
        raise TooFewClassesError(f"{found}: label items of at least two classes.")
    return classes.astype(np.int64), targets


def _yes_or_no(targets: np.ndarray, fit: Callable[[np.ndarray], list[Head]]) -> list[Head]:
    """Members that give the log odds of yes for each class, from what `fit` makes of each alone (binary relevance).

    A class that all items have, or none, gets its base rate, by Laplace's rule: of few items the next may differ.

    Args:    targets: (m, C) of 0 and 1.
    """
    counts = targets.sum(axis=0)
    learned = {c: fit(targets[:, c].astype(np.intp)) for c in np.flatnonzero((counts > 0) & (counts < len(targets)))}
    if not learned:
        raise TooFewClassesError(
            f"of {len(targets)} labels none tells a class from the others: label items with a class and without it."
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
    """The same rows (m, r) in an orthonormal basis (r, d) of what they span; with many labels as they stand, r = d.

    A head with an L2 penalty lies in the span of its examples, so the fit among m instead of d columns finds the
    same one; with few labels and wide features it is several times faster.
    """
    if 2 * len(features) > features.shape[1]:  # finding the basis costs more than it saves
        return features, np.eye(features.shape[1], dtype=features.dtype)
    basis, triangle = np.linalg.qr(features.T)
    return triangle.T, basis.T


def _logistic(features: np.ndarray, targets: np.ndarray, strength: float, counts: np.ndarray | None = None) -> Head:
    """Weight (c, r) and bias (c,) of a logistic regression; `counts` says how often each row is seen."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=strength, max_iter=1000).fit(features, targets, sample_weight=counts)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:  # two classes: one row of log odds becomes a row for each class
        return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias
