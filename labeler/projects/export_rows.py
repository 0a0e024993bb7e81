"""The rows of an export, one after the other and all of one moment: what every format is written from."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from labeler.core import decisions
from labeler.core.column_names import free_name
from labeler.core.labels import split, texts_of
from labeler.core.settings import Config
from labeler.projects.export_columns import COLUMNS, PREDICTED, Column, Rows
from labeler.projects.export_foreign import OtherModels
from labeler.projects.predictions import Predictions
from labeler.projects.project import Project

Row = dict[str, Any]  # value by the name of its column, in the order of the columns


@dataclass(frozen=True)
class ExportRows:
    """Rows of any number, of which one is in memory at a time; they can be read once.

    A label is the name of a class, or a list of names in a project with several classes an item; a time is text in
    ISO 8601 with its zone; what is missing is None.

    Args: columns: known before the first row, those of the imported tables among them. count: of rows. several: labels
          are lists.
    """

    columns: tuple[Column, ...]
    count: int
    several: bool
    rows: Iterator[Row]

    def __iter__(self) -> Iterator[Row]:
        return self.rows


@contextmanager
def export_rows(
    project: Project, rows: Rows, predictions: Predictions | None = None, other_models: bool = False
) -> Iterator[ExportRows]:
    """The rows as they are at this moment, whatever is written within the block.

    The block holds back the clean-up of the database's write-ahead log: nobody's slow connection may wait in it.

    Args: predictions: of items without a label; of them are columns of their own, for one row an item. other_models:
          whether somebody else's models have columns, too.
    """
    with project.store() as store, store.read():
        exported = store.items if rows == "items" else store.answers
        predicted = _Predicted(predictions, project.config) if predictions and rows == "items" else None
        columns = COLUMNS[rows]
        others = OtherModels(store) if other_models and rows == "items" else None
        parts = [part for part in (predicted, others) if part is not None]
        further = tuple(column for part in parts for column in part.columns)
        names = _metadata_columns(exported.metadata_names(), {column.name for column in (*columns, *further)})
        whole = (*columns, *(Column(name, "text", "") for name in names.values()), *further)
        of_stored = _as_exported(columns, names, project.config, parts)
        several = project.config.several
        yield ExportRows(whole, exported.exported(), several, map(of_stored, exported.stream()))


def _metadata_columns(names: list[str], taken: set[str]) -> dict[str, str]:
    """The column of each name in the metadata."""
    columns: dict[str, str] = {}
    for name in names:
        columns[name] = free_name(name, taken)
        taken = {*taken, columns[name]}
    return columns


def _as_exported(
    columns: tuple[Column, ...], metadata: dict[str, str], config: Config, parts: "Sequence[_Predicted | OtherModels]"
) -> Callable[[Row], Row]:
    """The function that makes a row of an export of a stored one."""
    names = [column.name for column in columns]
    yes_no = [column.name for column in columns if column.kind == "yes/no"]
    labels = [column.name for column in columns if column.kind == "label"] if config.several else []

    def exported(stored: Row) -> Row:
        row = {name: stored[name] for name in names}
        for name in yes_no:
            row[name] = bool(row[name])
        for name in labels:
            row[name] = _listed(row[name])
        cells = stored["metadata"]
        for name, column in metadata.items():
            row[column] = cells.get(name)
        for part in parts:
            row.update(part.of(stored))
        return row

    return exported


def _listed(label: str | None) -> list[str] | None:
    """The classes in a stored label."""
    return None if label is None else list(split(label))


class _Predicted:
    """The columns with what a model says of the items without a label."""

    def __init__(self, predictions: Predictions, config: Config) -> None:
        self.config = config
        self.order = np.argsort(predictions.items, kind="stable")
        self.items = predictions.items[self.order]
        self.proba = predictions.proba
        self.answers = decisions.predicted(predictions.proba, config.several).astype(np.intp)
        self.confidence = decisions.proba_of_items(predictions.proba, self.answers)
        proba = (Column(f"p({name})", "number", "") for name in config.classes)
        self.columns = (*PREDICTED, *proba)
        self.nothing = dict.fromkeys(column.name for column in self.columns)

    def of(self, stored: Row) -> Row:
        """The cells of a stored item."""
        at = int(self.items.searchsorted(stored["item_id"]))
        if stored["label"] is not None or at == len(self.items) or self.items[at] != stored["item_id"]:
            return self.nothing
        place = self.order[at]
        (label,) = texts_of(self.answers[place : place + 1], self.config)
        cells = [_listed(label) if self.config.several else label, self.confidence[place].round(6).item()]
        return dict(zip(self.nothing, [*cells, *self.proba[place].round(6).tolist()], strict=True))
