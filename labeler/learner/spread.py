"""How the pool's features vary, which tells heads where to look for the classes before labels can."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from labeler.core.rounds import Rows
from labeler.learner.model import Normalizer
from labeler.learner.prior import looked_at

# Imports of scipy are deferred: it is slow to load.

SHARE = 0.5  # of the pool's covariance in that of the weights, beside a sphere; .5 and .75 were equally good
SMALLEST = 1e-12  # sum of squared variances of a layer whose features do not vary


@dataclass(frozen=True)
class Spread:
    """The covariance that the weights of a linear head are expected to have: larger where the pool varies more.

    What tells items apart in most of the pool is likelier to tell classes apart than what tells few apart. A sphere is
    mixed in, so that labels can find any direction in the end. An L2 penalty on features times the factor is the
    penalty of weights with this covariance.

    factors: for each layer (w, w) float32, the lower Cholesky factor of the weights' covariance.
    Source:  Zhang and Ando 2005 (kernels from the unlabeled data's covariance); Raina, Ng and Koller 2006 (a
             covariance of the weights that is not a sphere).
    """

    factors: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, normalizer: Normalizer, embeddings: Rows) -> Self:
        """The spread of a pool with these embeddings (n, d), of which at most some ten thousand are looked at."""
        features = normalizer.apply(embeddings[looked_at(len(embeddings))])
        return cls(tuple(_factor(features[:, columns]) for columns in normalizer.layers()))

    def stretched(self, features: np.ndarray) -> np.ndarray:
        """(k, d): features (k, d) times the factor."""
        parts = [features[:, columns] @ factor for columns, factor in self._layers()]
        return np.concatenate(parts, axis=1)

    def of_features(self, weight: np.ndarray) -> np.ndarray:
        """(c, d) weights of the features themselves, from weights (c, d) of stretched ones."""
        parts = [weight[:, columns] @ factor.T for columns, factor in self._layers()]
        return np.concatenate(parts, axis=1)

    def _layers(self) -> Iterator[tuple[slice, np.ndarray]]:
        stop = 0
        for factor in self.factors:
            start, stop = stop, stop + len(factor)
            yield slice(start, stop), factor


def _factor(features: np.ndarray) -> np.ndarray:
    """(w, w) the factor of one layer, from its features (n, w).

    The pool's covariance is scaled so that a stretched item has length 1 in the mean, as one that is not stretched has:
    the penalty is as strong as before.
    """
    from scipy.linalg import cholesky

    width = features.shape[1]
    covariance = (features.T @ features).astype(np.float64) / max(len(features), 1)
    squares = float((covariance**2).sum())
    if squares < SMALLEST:
        return np.eye(width, dtype=np.float32)
    mixed = SHARE / squares * covariance
    mixed[np.diag_indices(width)] += 1 - SHARE
    return cholesky(mixed, lower=True).astype(np.float32)
