"""Other heads on the frozen features: any classifier of scikit-learn, or of a file of the project, and their models.

A head is a class with `fit(features, labels)` and `predict_proba(features)`. Its model is kept as what it learned from,
with its seed, and is fitted again when it is read: so nothing is unpickled, and any class can be kept.
"""

import hashlib
import importlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, Self, cast

import numpy as np

from labeler.core.errors import TrainingError
from labeler.core.limited import LimitError
from labeler.core.rounds import Dataset
from labeler.core.setting_rules import LINEAR
from labeler.learner.head_process import ToldError
from labeler.learner.heads import classes_of
from labeler.learner.model import Normalizer
from labeler.learner.own_heads import own_class
from labeler.learner.task import LearningTask
from strategies.base import describe

# Imports of safetensors are deferred: it is slow to load, as are the classes of heads, which are imported by name.

# Heads with a short name: the class, and parameters that suit features of length 1.
NAMES: dict[str, tuple[str, dict[str, Any]]] = {
    "logistic": ("sklearn.linear_model:LogisticRegression", {"max_iter": 1000}),
    "svm": ("labeler.learner.classifiers:CalibratedSVM", {}),
    "gaussian_process": ("labeler.learner.classifiers:GaussianProcess", {}),
    "random_forest": ("sklearn.ensemble:RandomForestClassifier", {"n_estimators": 300}),
    "extra_trees": ("sklearn.ensemble:ExtraTreesClassifier", {"n_estimators": 300}),
    "gradient_boosting": ("sklearn.ensemble:HistGradientBoostingClassifier", {}),
    "k_nearest": ("labeler.learner.classifiers:KNearest", {}),
    "naive_bayes": ("sklearn.naive_bayes:GaussianNB", {}),
}
ROWS = 1024  # embeddings that are in memory at a time
COMPARED = 200  # training items whose probabilities are kept, to see that a model that is read is the one that was kept
TOLERANCE = 1e-6  # of these probabilities: sums of floats may have another order on another machine


class Classifier(Protocol):
    """What a head is: the contract that `labeler check-learner` checks.

    Its constructor takes `learner.head_parameters` by name, and the seed as `random_state` if it has such a parameter.
    """

    def fit(self, features: np.ndarray, labels: np.ndarray) -> Any:
        """Learn from features (m, d), whose layers have length 1, and labels (m,), each of 0 to c − 1 among them."""
        ...

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """(k, c) probabilities of the classes, whose rows sum to 1."""
        ...


@dataclass(frozen=True)
class Head:
    """A kind of head: its name as in the settings, its class, its parameters, and a hash of the file it comes from."""

    name: str
    make: Callable[..., Classifier]
    parameters: Mapping[str, Any]
    source: str = ""  # SHA-256 of a file's text; empty for a class of an installed package

    @classmethod
    def named(cls, name: str, parameters: Mapping[str, Any], folder: Path | None = None) -> Self:
        """The head of this name.

        Args:   name: one of `NAMES`, `module:Class` of an installed package, or `file.py:Class`.
                folder: that holds the file; the working directory by default.
        Raises: TrainingError: there is no such head; says which there are, or what is missing. LimitError: the file was
                ended.
        """
        place, defaults = NAMES.get(name, (name, {}))
        module, _, class_name = place.partition(":")
        if not class_name:
            raise TrainingError(
                "There is no head {name!r}: choose one of {names}, a class such as"
                ' "sklearn.ensemble:RandomForestClassifier", or a class of a file such as "my_learner.py:Learner".',
                name=name,
                names=", ".join([LINEAR, *NAMES]),
            )
        source = ""
        if module.endswith(".py"):
            path = _inside(folder or Path(), module)
            source = hashlib.sha256(path.read_bytes()).hexdigest()
            made = own_class(path, source, class_name)
        else:
            made = getattr(_imported(name, module), class_name, None)
            made = made if inspect.isclass(made) and hasattr(made, "fit") else None
        if made is None:
            raise TrainingError(
                "{module} has no class {class_name!r} with a method `fit`: correct learner.head.",
                module=module,
                class_name=class_name,
            )
        return cls(name, cast(Callable[..., Classifier], made), {**defaults, **parameters}, source)

    def fitted(self, features: np.ndarray, labels: np.ndarray, seed: int) -> "Checked":
        """A classifier that has learned from these.

        Raises: TrainingError: it cannot be made or fitted; says why. LimitError: its process was ended.
        """
        try:
            takes = inspect.signature(self.make).parameters
            seeded = {"random_state": seed} if "random_state" in takes else {}
            classifier = self.make(**{**seeded, **self.parameters})
        except LimitError:
            raise
        except Exception as error:
            raise TrainingError(
                "The head {name} cannot be made: {error} Correct learner.head_parameters.",
                name=self.name,
                error=self._told(error),
            ) from error
        if not hasattr(classifier, "predict_proba"):
            raise TrainingError(
                "The head {name} gives no probabilities: choose one that has `predict_proba`.", name=self.name
            )
        try:
            classifier.fit(features, labels)
        except LimitError:
            raise
        except Exception as error:
            raise TrainingError(
                "The head {name} cannot be fitted to {n} labels of {classes} classes: {error}",
                name=self.name,
                n=len(labels),
                classes=len(np.unique(labels)),
                error=self._told(error),
            ) from error
        return Checked(self, classifier, int(labels.max()) + 1)

    def _told(self, error: Exception) -> str:
        """The error with the line of the head's file that it comes from, if it has a file."""
        is_told = isinstance(error, ToldError)  # by the process that has the file
        text = (str(error) if is_told else describe(error, self.name.partition(":")[0])).replace("\n", " ")
        return text.removesuffix(".") if text.endswith("..") else text


@dataclass(frozen=True)
class Checked:
    """A fitted classifier whose probabilities are checked before anything uses them."""

    head: Head
    classifier: Classifier
    n_classes: int

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """(k, c) float64; rows sum to 1.

        Raises: TrainingError: it fails, or gives anything but probabilities. LimitError: its process was ended.
        """
        if not len(features):
            return np.empty((0, self.n_classes))
        try:
            proba = np.asarray(self.classifier.predict_proba(features), dtype=np.float64)
        except LimitError:
            raise
        except Exception as error:
            raise TrainingError(
                "The head {name} cannot predict: {error}", name=self.head.name, error=self.head._told(error)
            ) from error
        if proba.shape != (len(features), self.n_classes):
            raise TrainingError(
                "The head {name} gives probabilities of shape {shape}; expected {expected}.",
                name=self.head.name,
                shape=proba.shape,
                expected=(len(features), self.n_classes),
            )
        # `not (… <= …)` is also true for NaN
        if not (np.abs(proba.sum(axis=1) - 1) <= 1e-3).all() or proba.min() < 0:
            raise TrainingError(
                "The head {name} gives rows that are no probabilities (NaN, negative, or sum ≠ 1).", name=self.head.name
            )
        return proba / proba.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Estimator:
    """A head fitted to labels of a project's items, as a model; several of them as a committee.

    features: (m, d) float32, normalised. targets: (m,) int, or (m, C) of 0 and 1. rows: for each member, the rows of
    both that it learns from.
    """

    head: Head
    normalizer: Normalizer
    n_classes: int
    features: np.ndarray
    targets: np.ndarray
    seed: int
    rows: tuple[np.ndarray, ...] = field(repr=False)

    @property
    def several(self) -> bool:
        """Whether an item has several classes; then each class has a classifier of its own, which says yes or no."""
        return self.targets.ndim == 2

    @cached_property
    def members(self) -> "tuple[_Member, ...]":
        """The fitted members."""
        return tuple(self._member(rows, self.seed + number) for number, rows in enumerate(self.rows))

    def _member(self, rows: np.ndarray, seed: int) -> "_Member":
        features, targets = self.features[rows], self.targets[rows]
        if not self.several:
            classes, dense = classes_of(targets)
            return _Member(self.n_classes, {None: self.head.fitted(features, dense, seed)}, classes)
        counts = targets.sum(axis=0)
        told = np.flatnonzero((counts > 0) & (counts < len(targets)))
        if not len(told):
            classes_of(targets[:, 0])  # raises: nothing tells a class from the others
        base = (counts + 1) / (len(targets) + 2)  # Laplace's rule
        fitted: dict[int | None, Checked] = {
            int(c): self.head.fitted(features, targets[:, c].astype(np.intp), seed) for c in told
        }
        return _Member(self.n_classes, fitted, base=base)

    def predict_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """As `Model.predict_proba`.

        Raises: LabelerError: the dataset's embeddings are from another backbone, or the head fails.
        """
        return self.member_proba(dataset, positions).mean(axis=0)

    def member_proba(self, dataset: Dataset, positions: np.ndarray) -> np.ndarray:
        """(M, k, C) float64: the probabilities by each member, as `predict_proba`."""
        proba = np.empty((len(self.rows), len(positions), self.n_classes))
        for start in range(0, len(positions), ROWS):
            part = slice(start, start + ROWS)
            features = self.normalizer.apply(dataset.embeddings[positions[part]])
            for number, member in enumerate(self.members):
                proba[number, part] = member.predict_proba(features)
        return proba

    def to_bytes(self) -> bytes:
        """What the model learned from and how, as a safetensors file."""
        from safetensors.numpy import save

        about = {
            "kind": "estimator",
            "head": self.head.name,
            "parameters": dict(self.head.parameters),
            "source": self.head.source,
            "seed": self.seed,
            "n_classes": self.n_classes,
            "dims": self.normalizer.dims,
        }
        tensors = {
            "mean": self.normalizer.mean,
            "features": self.features,
            "targets": self.targets,
            "proba": self.compared(),
        }
        return save({k: np.ascontiguousarray(v) for k, v in tensors.items()}, {"labeler": json.dumps(about)})

    def compared(self) -> np.ndarray:
        """(k, C) the probabilities of some of its own training items, by which a model that is read is recognised."""
        return self.members[0].predict_proba(self.features[:COMPARED])


@dataclass(frozen=True)
class _Member:
    """Classifiers whose probabilities together are those of all classes.

    fitted: by class where an item has several; else a single one, which tells the classes that have labels apart.
    classes: these. base: (C,) the shares of classes that no label tells from the others.
    """

    n_classes: int
    fitted: Mapping[int | None, Checked]
    classes: np.ndarray | None = None
    base: np.ndarray | None = None

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """(k, C) float64, as `Model.predict_proba`."""
        if self.classes is not None:
            proba = np.zeros((len(features), self.n_classes))
            proba[:, self.classes] = self.fitted[None].predict_proba(features)
            return proba
        proba = np.tile(np.asarray(self.base, dtype=float), (len(features), 1))
        for c, yes_or_no in self.fitted.items():
            proba[:, c] = yes_or_no.predict_proba(features)[:, 1]
        return proba


def fit_estimator(task: LearningTask, name: str, parameters: Mapping[str, Any], seed: int) -> Estimator:
    """The head of this name, fitted to all labels of the task.

    Raises: TooFewClassesError: fewer than two classes among the labels. TrainingError: there is no such head, or it
            cannot be fitted.
    """
    labels, head = task.labels, Head.named(name, parameters, task.folder)
    features, everything = task.features(labels.positions), (np.arange(len(labels)),)
    model = Estimator(head, task.normalizer, task.n_classes, features, labels.targets, seed, everything)
    assert model.members, "fitted here, so that what cannot be fitted is told by the round and not by its first use"
    return model


def bootstrapped(model: Estimator, members: int, seed: int) -> Estimator:
    """A committee of such heads, each fitted to a bootstrap of the labels with at least one example of each class.

    Source: Abe and Mamitsuka 1998 (query by bagging).
    """
    rng, n = np.random.default_rng(seed), len(model.targets)
    groups = model.targets if model.targets.ndim == 1 else np.unique(model.targets, axis=0, return_inverse=True)[1]
    rows = []
    for _ in range(members):
        firsts = [rng.choice(np.flatnonzero(groups == group)) for group in np.unique(groups)]
        rows.append(np.concatenate([firsts, rng.integers(n, size=n - len(firsts))]).astype(np.intp))
    return replace(model, rows=tuple(rows), seed=seed)


def restored(about: Mapping[str, Any], tensors: Mapping[str, np.ndarray], folder: Path) -> Estimator:
    """The model that was kept, fitted again.

    Args:    about, tensors: what `Estimator.to_bytes` wrote. folder: that holds the file of the head, if it has one.
    Raises:  TrainingError: the head's file has changed, or another version of a package gives other probabilities.
    """
    head = Head.named(about["head"], about["parameters"], folder)
    if head.source != about["source"]:
        raise TrainingError(
            "{file} has changed since the model was trained: retrain, or bring the file back.",
            file=about["head"].partition(":")[0],
        )
    normalizer = Normalizer(tensors["mean"], tuple(about["dims"]))
    features, targets = tensors["features"], tensors["targets"]
    everything = (np.arange(len(targets)),)
    model = Estimator(head, normalizer, about["n_classes"], features, targets, about["seed"], everything)
    difference = float(np.abs(model.compared() - tensors["proba"]).max(initial=0.0))
    if difference > TOLERANCE:
        raise TrainingError(
            "The head {name} was fitted again and gives other probabilities than the model that was kept (by up to"
            " {difference:.1e}): it is not repeatable, or its package is of another version. Retrain.",
            name=head.name,
            difference=difference,
        )
    return model


def _inside(folder: Path, name: str) -> Path:
    """The path of a file in a folder.

    Raises: TrainingError: it is not there, or leads out of the folder.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise TrainingError("{name} is not in the project's folder: copy it there.", name=name)
    if not path.is_file():
        raise TrainingError("There is no file {name} in {folder}: put the learner there.", name=name, folder=folder)
    return path


def _imported(name: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise TrainingError(
            "The head {name} cannot be imported ({error}): install its package, or correct learner.head.",
            name=name,
            error=error,
        ) from error
