"""Classifiers of scikit-learn that also work with the first few labels, for heads with a short name."""

import numpy as np
from scipy.special import softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

FOLDS = 5  # of the calibration


class CalibratedSVM:
    """A support vector machine whose probabilities are calibrated on labels held back (Platt 1999).

    Before each class has two labels none can be held back: then they are the softmax of its scores.
    """

    def __init__(self, C: float = 1.0, kernel: str = "rbf", random_state: int | None = None) -> None:
        self.machine, self.random_state = SVC(C=C, kernel=kernel), random_state

    def fit(self, features: np.ndarray, labels: np.ndarray) -> "CalibratedSVM":
        """Learn from features (m, d) and labels (m,)."""
        folds = min(FOLDS, int(np.bincount(labels).min()))
        self.fitted = CalibratedClassifierCV(self.machine, cv=folds, ensemble=False) if folds > 1 else self.machine
        self.fitted.fit(features, labels)
        return self

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """(k, c) probabilities."""
        if hasattr(self.fitted, "predict_proba"):
            return np.asarray(self.fitted.predict_proba(features))
        scores = self.fitted.decision_function(features)
        return np.asarray(softmax(np.stack([-scores, scores], axis=1) / 2 if scores.ndim == 1 else scores, axis=1))


class GaussianProcess:
    """A Gaussian process with a kernel of radial basis functions; its time grows with the cube of the labels.

    The kernel's width and height are fixed: the likelihood of few labels has no clear maximum.
    """

    def __init__(self, length_scale: float = 1.0, height: float = 10.0) -> None:
        self.fitted = GaussianProcessClassifier(ConstantKernel(height) * RBF(length_scale), optimizer=None)

    def fit(self, features: np.ndarray, labels: np.ndarray) -> "GaussianProcess":
        """Learn from features (m, d) and labels (m,)."""
        self.fitted.fit(features, labels)
        return self

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """(k, c) probabilities."""
        return np.asarray(self.fitted.predict_proba(features))


class KNearest:
    """The classes of the nearest labeled items, the nearer the more weight; with few labels there are fewer of them."""

    def __init__(self, n_neighbors: int = 10, weights: str = "distance", metric: str = "minkowski") -> None:
        self.n_neighbors, self.weights, self.metric = n_neighbors, weights, metric

    def fit(self, features: np.ndarray, labels: np.ndarray) -> "KNearest":
        """Learn from features (m, d) and labels (m,)."""
        n = min(self.n_neighbors, len(labels))
        self.fitted = KNeighborsClassifier(n, weights=self.weights, metric=self.metric).fit(features, labels)
        return self

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """(k, c) probabilities."""
        return np.asarray(self.fitted.predict_proba(features))
