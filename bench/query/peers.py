"""What other libraries take for the same query, called as their own users call them.

A peer gets X, the pool followed by the labeled items, and a stand-in for the classifier whose fitting is free and whose
probabilities are the ones at hand, so that both sides pay for choosing alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.query.pool import CLASSES, LABELED

Arrays = dict[str, np.ndarray]
Peer = Callable[[Arrays, int], Any]


Q = "skactiveml QueryByCommittee "

# For each of our strategies those that choose by the same idea, and what they are given besides X.
PEERS: dict[str, dict[str, tuple[str, ...]]] = {
    "random": {"skactiveml RandomSampling": ()},
    "least_confidence": {
        "modAL uncertainty_sampling": ("proba",),
        "skactiveml UncertaintySampling least_confident": ("proba",),
    },
    "margin": {"modAL margin_sampling": ("proba",), "skactiveml UncertaintySampling margin_sampling": ("proba",)},
    "entropy": {"modAL entropy_sampling": ("proba",), "skactiveml UncertaintySampling entropy": ("proba",)},
    "vote_entropy": {"modAL vote_entropy_sampling": ("member_proba",), Q + "vote_entropy": ("member_proba",)},
    "consensus_entropy": {"modAL consensus_entropy_sampling": ("member_proba",)},
    # scikit-activeml takes the members' mean
    "max_kl": {"modAL max_disagreement_sampling": ("member_proba",), Q + "KL_divergence": ("member_proba",)},
    "variation_ratio": {Q + "variation_ratios": ("member_proba",)},
    "bald": {"skactiveml GreedyBALD": ("member_proba",)},
    "information_density": {"modAL information_density": ()},
    "k_center": {"skactiveml CoreSet": ()},
    "typiclust": {"skactiveml TypiClust": ()},
    "prob_cover": {"skactiveml ProbCover": ()},
    "max_herding": {"skactiveml MaxHerding": ()},
    "badge": {"skactiveml Badge": ("proba",)},
    "weighted_k_means": {"skactiveml Clue": ("proba",)},  # over the whole pool
    "ranked_batch": {"modAL uncertainty_batch_sampling": ("proba",)},
}


def peer(name: str) -> Peer:
    """The query of a peer by its name; its library is imported here."""
    library, kind, *method = name.split()
    return _modal(kind) if library == "modAL" else _skactiveml(kind, *method)


def _modal(kind: str) -> Peer:
    from modAL import batch, density, disagreement, uncertainty

    class Fitted:
        """What a learner and a committee have in common."""

        def __init__(self, a: Arrays) -> None:
            self.classes_, self.X_training, self.on_transformed = np.arange(CLASSES), a["X"][-LABELED:], False

        def transform_without_estimating(self, X: np.ndarray) -> np.ndarray:
            return X

    class Learner(Fitted):
        """A fitted learner that knows its answers."""

        def __init__(self, a: Arrays, proba: np.ndarray) -> None:
            super().__init__(a)
            self.proba = proba

        def predict_proba(self, X: np.ndarray, **_: Any) -> np.ndarray:
            return self.proba

        def predict(self, X: np.ndarray) -> np.ndarray:
            return self.proba.argmax(axis=1)

    class Committee(Fitted):
        """A committee of fitted learners."""

        def __init__(self, a: Arrays) -> None:
            super().__init__(a)
            self.members = [Learner(a, proba) for proba in a["member_proba"]]

        def __len__(self) -> int:
            return len(self.members)

        def __iter__(self) -> Any:
            return iter(self.members)

        def vote(self, X: np.ndarray) -> np.ndarray:
            return np.stack([member.predict(X) for member in self.members], axis=1)

        def vote_proba(self, X: np.ndarray) -> np.ndarray:
            return np.stack([member.proba for member in self.members], axis=1)

        def predict_proba(self, X: np.ndarray, **_: Any) -> np.ndarray:
            return self.vote_proba(X).mean(axis=1)

    if kind == "information_density":
        return lambda a, n: density.information_density(a["X"][:-LABELED], "cosine")
    if hasattr(disagreement, kind):
        return lambda a, n: getattr(disagreement, kind)(Committee(a), a["X"][:-LABELED], n_instances=n)
    module = uncertainty if hasattr(uncertainty, kind) else batch
    return lambda a, n: getattr(module, kind)(Learner(a, a["proba"]), a["X"][:-LABELED], n_instances=n)


def _skactiveml(kind: str, method: str = "") -> Peer:
    from skactiveml import pool
    from skactiveml.base import SkactivemlClassifier

    class Given(SkactivemlClassifier):
        """A fitted classifier that knows its answers."""

        def __init__(self, proba: Any = None, classes: Any = None, missing_label: Any = np.nan) -> None:
            super().__init__(classes=classes, missing_label=missing_label)
            self.proba, self.classes_ = proba, np.arange(CLASSES)

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Given":
            return self

        def predict_proba(self, X: Any) -> np.ndarray:
            return self.proba

        def predict(self, X: Any) -> np.ndarray:
            return self.proba.argmax(axis=1)

    def ask(a: Arrays, n: int) -> Any:
        X = a["X"]
        y = np.full(len(X), np.nan)
        y[-LABELED:] = np.arange(LABELED) % CLASSES
        strategy = getattr(pool, kind)(**({"method": method} if method else {}), random_state=0)
        given: dict[str, Any] = {}
        if kind in ("UncertaintySampling", "Badge"):
            given = {"clf": Given(a["proba"]), "fit_clf": False}
        elif kind == "Clue":
            given = {"estimator": Given(a["proba"]), "fit_estimator": False}
        elif kind in ("QueryByCommittee", "GreedyBALD"):
            given = {"ensemble": [Given(proba) for proba in a["member_proba"]], "fit_ensemble": False}
        return strategy.query(X, y, **given, batch_size=n)

    return ask
