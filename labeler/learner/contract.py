"""What every head promises, as code: one list of checks, for the tests and for `labeler check-learner`."""

import inspect
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labeler.core.errors import LabelerError
from labeler.core.rounds import Dataset, Labels
from labeler.learner.estimators import Checked, Head, fit_estimator
from labeler.learner.saved_models import load, save
from labeler.learner.task import LearningTask

SEED = 7
WIDTH = 8  # columns of the features
TOLERANCE = 1e-6  # of probabilities that should be equal
EASY = 0.8  # accuracy on classes that lie far apart, where guessing is right in a third
MANY_LABELS, MANY_ITEMS, MANY_COLUMNS = 1000, 10_000, 384


class BrokenPromiseError(LabelerError):
    """A head does not keep what every head promises; the message says how it shows."""


@dataclass(frozen=True)
class Check:
    """A promise in words, and the function that raises an error for a head that breaks it."""

    promise: str
    function: Callable[[Head, Path], None]
    hint: bool = False  # worth saying, but no reason to refuse somebody's file

    def broken(self, head: Head, folder: Path) -> str | None:
        """One sentence on how the head breaks the promise; None if it keeps it.

        Args: folder: that holds the head's file.
        """
        try:
            self.function(head, folder)
        except LabelerError as error:
            return str(error)
        return None


CHECKS: list[Check] = []


def promise(function: Callable[[Head, Path], None]) -> Callable[[Head, Path], None]:
    """Make the function a check of the contract; its docstring is the promise."""
    CHECKS.append(Check(inspect.getdoc(function) or "", function))
    return function


def examples(classes: int, each: int, width: int = WIDTH, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features (m, d) float32 of length 1 around a centre for each class, and labels (m,)."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(classes), each)
    centres = np.random.default_rng(1).normal(size=(classes, width))
    features = centres[labels] + 0.3 * rng.normal(size=(len(labels), width))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32), labels


def _fitted(head: Head, classes: int = 3, each: int = 10) -> Checked:
    return head.fitted(*examples(classes, each), SEED)


# ---------------------------------------------------------------- the promises


@promise
def probabilities(head: Head, folder: Path) -> None:
    """For each item it gives a probability for each class, and they sum to 1: for two classes and for more."""
    for classes in (2, 3, 10):
        _fitted(head, classes).predict_proba(examples(classes, 5, seed=1)[0])


@promise
def first_labels(head: Head, folder: Path) -> None:
    """It learns from a single example of each class, and where one class is rare."""
    items = examples(3, 5, seed=1)[0]
    _fitted(head, each=1).predict_proba(items)
    features, labels = examples(3, 10)
    kept = np.concatenate([[0], np.flatnonzero(labels)])
    head.fitted(features[kept], labels[kept], SEED).predict_proba(items)


@promise
def missing_classes(head: Head, folder: Path) -> None:
    """A class of the project that has no label gets probability 0."""
    model = fit_estimator(_task(folder, head, n_classes=5), head.name, head.parameters, SEED)
    proba = model.predict_proba(_dataset(), np.arange(6))
    if proba[:, 3:].any():
        raise BrokenPromiseError("classes without a label have probabilities above 0.")


@promise
def repeatable(head: Head, folder: Path) -> None:
    """The same labels and the same seed give the same probabilities."""
    items = examples(3, 5, seed=1)[0]
    first, second = (_fitted(head).predict_proba(items) for _ in range(2))
    if (difference := np.abs(first - second).max()) > TOLERANCE:
        raise BrokenPromiseError(
            "with one seed its probabilities differ by up to {difference:.2g}: take `random_state` as a parameter, and"
            " draw from it alone.",
            difference=difference,
        )


@promise
def kept(head: Head, folder: Path) -> None:
    """A model that is saved and read again gives the same probabilities."""
    model = fit_estimator(_task(folder, head), head.name, head.parameters, SEED)
    expected = model.predict_proba(_dataset(), np.arange(6))
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "model.safetensors"
        save(model, path)
        again = load(path).predict_proba(_dataset(), np.arange(6))
    if np.abs(again - expected).max() > TOLERANCE:
        raise BrokenPromiseError("its probabilities differ after it was saved and read.")


@promise
def inputs_untouched(head: Head, folder: Path) -> None:
    """What it is given is not written to."""
    features, labels = examples(3, 10)
    items = examples(3, 5, seed=1)[0]
    for array in (features, labels, items):
        array.flags.writeable = False
    head.fitted(features, labels, SEED).predict_proba(items)


@promise
def item_by_item(head: Head, folder: Path) -> None:
    """An item's probabilities do not depend on the items beside it."""
    fitted, items = _fitted(head), examples(3, 5, seed=1)[0]
    together, alone = fitted.predict_proba(items), np.concatenate([fitted.predict_proba(row[None]) for row in items])
    if (difference := np.abs(together - alone).max()) > 1e-4:
        raise BrokenPromiseError(
            "an item's probabilities differ by up to {difference:.2g} when it is predicted alone: do not scale by the"
            " items that are predicted together.",
            difference=difference,
        )


@promise
def learns(head: Head, folder: Path) -> None:
    """It tells apart classes that lie far apart."""
    items, truth = examples(3, 20, seed=1)
    accuracy = float((_fitted(head, each=20).predict_proba(items).argmax(axis=1) == truth).mean())
    if accuracy < EASY:
        raise BrokenPromiseError(
            "of three classes that lie far apart it predicts {accuracy:.0%} right after 60 labels: is the order of the"
            " columns that of the labels?",
            accuracy=accuracy,
        )


@promise
def in_time(head: Head, folder: Path) -> None:
    """It learns from 1,000 labels and predicts 10,000 items in time."""
    features, labels = examples(10, MANY_LABELS // 10, MANY_COLUMNS)
    fitted = head.fitted(features, labels, SEED)
    items = np.resize(features, (MANY_ITEMS, MANY_COLUMNS))
    for start in range(0, MANY_ITEMS, 1024):
        fitted.predict_proba(items[start : start + 1024])


def _dataset() -> Dataset:
    features, _labels = examples(3, 10)
    return Dataset(["text"] * len(features), features, (WIDTH,))


def _task(folder: Path, head: Head, n_classes: int = 3) -> LearningTask:
    data = _dataset()
    return LearningTask.of(data, Labels(np.arange(len(data)), examples(3, 10)[1]), n_classes, folder=folder)
