"""What is known of the classes before any label: a score of each class, from sentences or from imported predictions.

Both are linear in an item's normalised features, so a model that starts from them is a linear head like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

from labeler.core.rounds import Rows
from labeler.learner.model import Normalizer

# Imports of scipy.optimize and sklearn are deferred: they are slow to load.

LOOKED_AT = 10_000  # items that scores are standardised on, and predictions learned from: a sample is as good
NOTHING = 0.02  # a probability that is left out: it would only make the regression slower
SMALLEST = 1e-6  # standard deviation below which a score tells nothing apart


@dataclass(frozen=True)
class Prior:
    """A linear score of each class, with mean 0 and standard deviation 1 over the items.

    weight: (C, d) float32, of normalised features. bias: (C,) float32.
    """

    weight: np.ndarray
    bias: np.ndarray

    def scores(self, features: np.ndarray) -> np.ndarray:
        """(k, C) scores of normalised features (k, d)."""
        return features @ self.weight.T + self.bias


@dataclass(frozen=True)
class Known:
    """What a project knows of its classes before any label; empty parts say nothing.

    sentences: for each class the features (s, d) of the sentences about it, not yet normalised. meaning: (d,) bool,
    columns in which the meaning of texts can be compared. guesses: what was predicted for the items at `looked_at`
    before they were imported: (r, C) float, the probability of each class, NaN where there is none; or (r,) int, the
    class, −1: none.
    several: whether an item has several classes.
    """

    sentences: Sequence[np.ndarray] = ()
    meaning: np.ndarray | None = None
    guesses: np.ndarray | None = None
    several: bool = False

    def prior(self, normalizer: Normalizer, embeddings: Rows, n_classes: int) -> Prior | None:
        """The prior of a dataset with these embeddings (n, d); None if nothing tells the classes apart."""
        features = normalizer.apply(embeddings[looked_at(len(embeddings))])
        parts: list[np.ndarray] = []
        if self.sentences:
            parts.append(of_sentences(normalizer, self.sentences, self.meaning))
        if self.guesses is not None:
            parts.append(of_guesses(features, shares_of(self.guesses, n_classes), self.several))
        return standardised(np.sum(parts, axis=0), features) if parts else None


def looked_at(n: int) -> np.ndarray:
    """(r,) evenly spaced positions of `n`: the items that scores are standardised on, and predictions learned from."""
    return np.arange(0, n, max(1, -(-n // LOOKED_AT)))


def of_sentences(
    normalizer: Normalizer, sentences: Sequence[np.ndarray], meaning: np.ndarray | None = None
) -> np.ndarray:
    """(C, d) weights that give an item's mean cosine to the sentences of each class, centred as the items are.

    Args: sentences: for each class (s, d) features. meaning: (d,) bool, columns that are compared; None: all.
    """
    weight = np.stack([normalizer.apply(of_class).mean(axis=0) for of_class in sentences])
    return weight if meaning is None else weight * meaning


def shares_of(guesses: np.ndarray, n_classes: int) -> np.ndarray:
    """(n, C) float probabilities of guesses, NaN where there is none; from (n,) int those of a class each."""
    if guesses.ndim == 2:
        return guesses
    shares = np.eye(n_classes)[np.maximum(guesses, 0)]
    shares[guesses < 0] = np.nan
    return shares


def of_guesses(features: np.ndarray, guesses: np.ndarray, several: bool = False) -> np.ndarray:
    """(C, d) weights of a logistic regression that predicts the guesses; 0 for a class that is guessed nowhere.

    Guesses are wrong here and there; what they have in common with the features is right more often than a single one,
    and is known for items that come later without a guess.

    Args:   guesses: (n, C) float, the probability of each class; NaN: none. several: whether an item has several
            classes; then each has a regression of its own, of yes and no.
    Source: Hinton et al. 2015 (distillation).
    """
    guessed = ~np.isnan(guesses).any(axis=1)
    features, guesses = features[guessed], guesses[guessed]
    if not several:
        return _regression(features, guesses)
    own = [_regression(features, np.column_stack([1 - shares, shares])) for shares in guesses.T]
    return np.stack([yes_or_no[1] for yes_or_no in own])


def _regression(features: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(c, d) weights of a logistic regression of shares (n, c): a row counts for each class as much as its share."""
    from sklearn.linear_model import LogisticRegression

    weight = np.zeros((shares.shape[1], features.shape[1]))
    rows, targets = np.nonzero(shares > NOTHING)
    classes = np.unique(targets)
    if len(classes) < 2:
        return weight
    fitted = LogisticRegression(max_iter=1000).fit(features[rows], targets, sample_weight=shares[rows, targets]).coef_
    weight[classes] = np.concatenate([-fitted, fitted]) if len(fitted) == 1 else fitted
    return weight


def standardised(weight: np.ndarray, features: np.ndarray) -> Prior | None:
    """The prior with these weights (C, d), standardised on features (n, d); None if no score varies."""
    scores = features @ weight.T
    mean, deviation = scores.mean(axis=0), scores.std(axis=0)
    varies = deviation > SMALLEST
    if not varies.any():
        return None
    scale = np.where(varies, 1 / np.maximum(deviation, SMALLEST), 0.0)
    return Prior((weight * scale[:, None]).astype(np.float32), (-mean * scale).astype(np.float32))


def offset_logistic(
    features: np.ndarray, targets: np.ndarray, offset: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weight (C, r) and bias (C,) of a logistic regression of what an offset of the logits leaves to be learned.

    The bias is penalised as the weights are: with five labels a free one says what the majority of the five is. Without
    labels both are 0, and the offset predicts alone.

    Args:   features: (m, r). targets: (m,) int, of the C classes, not all of which need a label. offset: (m, C).
            strength: inverse of the L2 penalty, as scikit-learn's `C`; for two classes it is that of the log odds.
    Source: McCullagh and Nelder 1989, section 6.2.1 (offset).
    """
    from scipy.optimize import minimize

    columns = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    n_classes, width = offset.shape[1], columns.shape[1]
    truth = np.eye(n_classes)[targets]
    penalty = 1.0 if n_classes == 2 else 0.5  # two rows of half the log odds have half of their squared length

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weight = flat.reshape(n_classes, width)
        log_proba = log_softmax(columns @ weight.T + offset, axis=1)
        gradient = strength * (np.exp(log_proba) - truth).T @ columns + 2 * penalty * weight
        return float(penalty * (flat @ flat) - strength * (truth * log_proba).sum()), gradient.ravel()

    weight = minimize(loss, np.zeros(n_classes * width), jac=True, method="L-BFGS-B").x.reshape(n_classes, width)
    return weight[:, :-1], weight[:, -1]
