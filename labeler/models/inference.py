"""The project's best model on images or texts that are not in the project: their classes, with probabilities."""

import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labeler.backbones.encoder import Encoder
from labeler.core import column_names, decisions
from labeler.core.class_changes import StoredChange, label_today, proba_today
from labeler.core.errors import LabelerError, SourceError
from labeler.core.inputs import Input
from labeler.core.items import Problem, Progress
from labeler.core.labels import cell_of
from labeler.core.rounds import Dataset
from labeler.core.settings import Config
from labeler.files import dicom, stacks
from labeler.files.images import open_image
from labeler.files.sources import Row
from labeler.files.unseen import unseen_rows
from labeler.i18n.messages import Message, mark
from labeler.models import cards
from labeler.models.cards import Card
from labeler.projects.project import Project

if TYPE_CHECKING:
    from labeler.learner.model import Model

# Imports of labeler.learner and labeler.backbones are deferred: they load torch.


@dataclass(frozen=True)
class Predictions:
    """A model's predictions for n inputs. `proba` is (n, C) over `classes`, the project's."""

    model: Path
    classes: tuple[str, ...]
    sources: list[str]
    inputs: list[str]  # the text, or the image's path as it was given
    proba: np.ndarray
    problems: list[Problem]
    several: bool = False  # whether an input has several classes
    columns: Sequence[Mapping[str, str]] = ()  # of each input, the other columns of its table

    def name_of(self, column: str) -> str:
        """The name that a column of the table has beside the predictions, as in exports."""
        return column_names.free_name(column, column_names.of_predictions(self.classes))

    def rows(self) -> list[dict[str, str | float]]:
        """One flat row an input: the other columns of its table, then source, input, label, its probability, and that
        of each class. Columns of the table that have one of these names have `metadata.` before it.

        Several classes are joined by `;`; their probability is that of the whole set, with classes as if independent.
        """
        rows = []
        predicted = decisions.predicted(self.proba, self.several)
        confidence = decisions.proba_of_items(self.proba, predicted)
        columns = self.columns or [{}] * len(self.inputs)
        for other, source, content, proba, answer, probability in zip(
            columns, self.sources, self.inputs, self.proba, predicted, confidence, strict=True
        ):
            names = [self.classes[i] for i in np.flatnonzero(answer)] if self.several else [self.classes[answer]]
            label = cell_of(names) if self.several else names[0]
            own = {self.name_of(column): value for column, value in other.items()}
            values: dict[str, str | float] = {**own, "source": source, "input": content, "label": label}
            values["probability"] = round(float(probability), 6)
            rows.append(values | {f"p({c})": round(float(p), 6) for c, p in zip(self.classes, proba, strict=True)})
        return rows


def predict_unseen(
    project: Project, sources: Sequence[Path], column: str | None = None, on_progress: Progress | None = None
) -> Predictions:
    """The predictions of the project's best model for images, or for the texts of tables; nothing is stored.

    The best model is the one with the highest accuracy on the holdout among those that are kept.

    The slices of a series become one stack, as in an import.

    Args:    sources: image files, folders or zips of images, tables of texts or image paths, `.txt` files (a text a
             line). column: of the texts or image paths in tables, an obvious one by default.
    Raises:  LabelerError: there is no model yet, it does not fit the backbone, or nothing can be read.
    """
    from labeler.learner.predict import class_proba

    best, modality = best_model(project), project.config.modality
    problems: list[Problem] = []
    rows: list[Row] = []
    for row in unseen_rows(sources, modality, column, project.config.dicom.stacks):
        if isinstance(row, Problem):
            problems.append(row)
        elif (row.text is not None) != (modality == "text"):
            raise SourceError(
                "{source} is no {modality}: this project is about {modality}s.", source=row.source, modality=modality
            )
        elif row.text is not None and not row.text.strip():
            problems.append(Problem(row.source, mark("is empty")))
        else:
            rows.append(row)
    with tempfile.TemporaryDirectory() as scratch:
        inputs: list[Input] = []
        usable: list[Row] = []
        for row in rows:
            try:
                inputs.append(_input(row, Path(scratch) / str(len(inputs))))
                usable.append(row)
            except (LabelerError, OSError) as error:
                problems.append(Problem(row.source, Message.of(error)))
        if not inputs:
            first = mark(" The first problem: {problem}.", problem=problems[0]) if problems else ""
            raise SourceError("There is nothing to predict in what was given.{first}", first=first)
        dataset = Dataset(inputs, best.encoder.encode(inputs, on_progress), best.encoder.dims)
        proba = best.today(class_proba(best.model, dataset, np.arange(len(inputs))), project.config)
    shown = [row.text if row.text is not None else str(row.image) for row in usable]
    origins = [row.source for row in usable]
    columns = [row.metadata for row in usable]
    return Predictions(best.weights, project.config.classes, origins, shown, proba, problems, best.several, columns)


@dataclass(frozen=True)
class Best:
    """A project's best model. `changes`: those of the classes since it was trained, none of which split a class."""

    weights: Path
    card: Card
    model: "Model"
    encoder: Encoder
    changes: Sequence[StoredChange] = ()

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The classes that the model was trained on."""
        return tuple(self.card.config["classes"])

    @property
    def several(self) -> bool:
        """Whether the model predicts several classes for an input."""
        return self.card.config.get("answers") == "several"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the model's outputs, by their names of today.

        Raises: LabelerError: classes were merged or retired since the model was trained.
        """
        names = [label_today(name, self.changes, several=False) for name in self.trained_on]
        known = [name for name in names if name is not None]
        if len({*known}) < len(names):
            raise LabelerError(
                "The classes have changed since {model} was trained: retrain first.", model=self.weights.name
            )
        return tuple(known)

    def today(self, proba: np.ndarray, config: Config) -> np.ndarray:
        """The model's probabilities, (n, C) over the project's classes."""
        in_todays = proba_today(proba, self.trained_on, self.changes, config.classes, self.several)
        assert in_todays is not None, "a model from before a split is never the best"
        return in_todays


def best_model(project: Project) -> Best:
    """The most accurate model on the holdout, of those that are kept, were trained with the project's encoder, and can
    tell the project's classes apart.

    Raises: LabelerError: there is no model yet, or none that fits the settings.
    """
    from labeler.backbones.choose import load_encoder
    from labeler.learner import saved_models as models

    config = project.config
    with project.store() as store:
        trained = [(project.folder / model, accuracy) for model, accuracy in store.rounds.models()]
        texts, changes = project.texts(store.items.columns().ids), store.class_changes.all()
        since = {r.number: changes[r.class_change :] for r in store.rounds.all()}
    kept = [(path, accuracy) for path, accuracy in trained if path.exists() and cards.card_path(path).exists()]
    if not kept:
        raise LabelerError("There is no model yet: label items of two classes, and let a round train one.")
    loaded = {path: cards.load(path) for path, _ in kept}
    whole = [(path, accuracy) for path, accuracy in kept if not _was_split(since[loaded[path].round])]
    if not whole:
        raise LabelerError("A class was split since {name} was trained: retrain first.", name=kept[-1][0].name)
    encoder = load_encoder(config.learner, config.modality, texts, project.embeddings)
    weights = cards.best([(path, accuracy) for path, accuracy in whole if loaded[path].encoder == encoder.key])
    if weights is None:
        raise LabelerError(
            "{name} was trained with another backbone, or one fitted to other texts: retrain first.",
            name=whole[-1][0].name,
        )
    card = loaded[weights]
    return Best(weights, card, models.load(weights, encoder), encoder, since[card.round])


def _was_split(changes: Sequence[StoredChange]) -> bool:
    return any(stored.change.kind == "split" for stored in changes)


def _input(row: Row, scratch: Path) -> Input:
    """The text, normalised as the importer does, or the image's path.

    Stacks and images in zips are written to `scratch`.

    Raises: LabelerError, OSError: the row is no image, or cannot be read.
    """
    if row.text is not None:
        return unicodedata.normalize("NFC", row.text).strip()
    assert row.image is not None
    path = row.image
    if row.more or not isinstance(path, Path):
        slices = [image.read_bytes() for image in (row.image, *row.more)]
        suffix = stacks.SUFFIX if row.more else dicom.SUFFIXES[0] if dicom.is_dicom(slices[0]) else ""
        path = scratch.with_suffix(suffix)
        path.write_bytes(stacks.packed(slices) if row.more else slices[0])
    open_image(path, near=64)  # so that an unreadable image is reported by its name, and the others are predicted
    return path
