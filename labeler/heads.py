"""Linear heads on frozen features: what predicts from the first labels on, and committees of them."""

import numpy as np

from labeler.errors import TrainingError
from labeler.model import LinearHeads, Normalizer
from labeler.types import Dataset, Labels

# Inverse strength of the L2 penalty. Fixed: what cross-validation picks on actively chosen labels is worse.
C_TEXT, C_IMAGE = 1.0, 3.0
SHRINKAGE = 0.6  # of the covariance towards a sphere
TEMPERATURE = 3.0  # few labels make the discriminant far too sure of itself


def fit_heads(dataset: Dataset, labels: Labels, n_classes: int, normalizer: Normalizer) -> LinearHeads:
    """A logistic regression and a linear discriminant, which predict together.

    The one learns from the labels near the boundary, the other from all; their mean is better than either.

    Raises: TrainingError: fewer than two classes among the labels.
    """
    classes, targets = _classes(labels)
    features, basis = _span(normalizer.apply(dataset.embeddings[labels.positions]))
    fitted = [_logistic(features, targets, _strength(dataset)), discriminant(features, targets)]
    return _heads(normalizer, classes, n_classes, fitted, basis)


def fit_committee(
    dataset: Dataset, labels: Labels, n_classes: int, members: int, seed: int, normalizer: Normalizer | None = None
) -> LinearHeads:
    """Logistic regressions that are each fitted to a bootstrap of the labels with at least one example of each class.

    Raises: TrainingError: fewer than two classes among the labels.
    Source: Abe and Mamitsuka 1998 (query by bagging).
    """
    normalizer = normalizer or Normalizer.fit(dataset.embeddings, dataset.dims)
    classes, targets = _classes(labels)
    features, basis = _span(normalizer.apply(dataset.embeddings[labels.positions]))
    rng = np.random.default_rng(seed)
    fitted = []
    for _ in range(members):
        # one example of each class first, the others drawn with replacement
        sure = [rng.choice(np.flatnonzero(targets == c)) for c in range(len(classes))]
        drawn = np.concatenate([sure, rng.integers(len(targets), size=len(targets) - len(sure))])
        fitted.append(_logistic(features, targets, _strength(dataset), np.bincount(drawn, minlength=len(targets))))
    return _heads(normalizer, classes, n_classes, fitted, basis)


def discriminant(features: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
    classes: np.ndarray,
    n_classes: int,
    fitted: list[tuple[np.ndarray, np.ndarray]],
    basis: np.ndarray,
) -> LinearHeads:
    weight = np.stack([weight @ basis for weight, _ in fitted]).astype(np.float32)
    return LinearHeads(normalizer, classes, n_classes, weight, np.stack([b for _, b in fitted]).astype(np.float32))


def _classes(labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """The classes that have labels, and each label's position among them."""
    classes, targets = np.unique(labels.targets, return_inverse=True)
    if len(classes) < 2:
        found = "there are no labels" if not len(labels) else f"all {len(labels)} labels are of one class"
        raise TrainingError(f"{found}: label items of at least two classes.")
    return classes.astype(np.int64), targets


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


def _logistic(
    features: np.ndarray, targets: np.ndarray, strength: float, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Weight (c, r) and bias (c,) of a logistic regression; `counts` says how often each row is seen."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=strength, max_iter=1000).fit(features, targets, sample_weight=counts)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:  # two classes: one row of log odds becomes a row for each class
        return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return weight, bias
