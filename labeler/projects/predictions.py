"""Predictions for a project's items without a label: kept in a file, until the next ones take its place."""

from dataclasses import dataclass
from zipfile import BadZipFile

import numpy as np

from labeler.core.class_changes import proba_today
from labeler.core.whole_files import whole_file
from labeler.projects.project import Project
from labeler.store import Store

FILE = "predictions.npz"
POOL = "pool.npz"  # of the whole pool, for the page Items


@dataclass(frozen=True)
class Predictions:
    """What a model says of items. items: (n,) int ids. proba: (n, C) over `classes`, the project's at that time.

    model: the name of its file. class_change: number of the latest change of the classes at that time.
    """

    model: str
    items: np.ndarray
    proba: np.ndarray
    classes: tuple[str, ...]
    class_change: int


def keep(project: Project, predictions: Predictions, name: str = FILE) -> None:
    """Write the file of a project's predictions, whole or not at all."""
    project.exports.mkdir(exist_ok=True)
    with whole_file(project.exports / name) as part, part.open("wb") as file:
        np.savez(
            file,
            model=np.array(predictions.model),
            items=predictions.items,
            proba=predictions.proba.astype(np.float32),
            classes=np.array(predictions.classes),
            class_change=np.array(predictions.class_change),
        )


def kept(project: Project, store: Store, name: str = FILE) -> Predictions | None:
    """The predictions that were kept, over today's classes; None where there are none, or a class was split since."""
    try:
        with np.load(project.exports / name) as arrays:
            classes, class_change = tuple(map(str, arrays["classes"])), int(arrays["class_change"])
            changes, config = store.class_changes.since(class_change), project.config
            proba = proba_today(arrays["proba"], classes, changes, config.classes, config.several)
            if proba is None:
                return None
            items, model = arrays["items"], str(arrays["model"])
            return Predictions(model, items, proba, config.classes, class_change + len(changes))
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
