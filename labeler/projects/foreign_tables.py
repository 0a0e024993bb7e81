"""Tables with a model's predictions → `ForeignPrediction`s, each with what finds its item."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from labeler.core.errors import LabelerError, SourceError
from labeler.core.foreign import AddedPredictions
from labeler.core.items import ForeignPrediction, Modality, Problem, Progress
from labeler.core.labels import names_in, shares_in
from labeler.core.limited import Limits, run_limited
from labeler.core.processes import yield_to_others
from labeler.core.settings import Config
from labeler.files import sources
from labeler.files.addresses import Source
from labeler.files.object_cache import hash_of
from labeler.files.sources import ROW, Row, SourceColumns
from labeler.files.tables import check_names, expected_rows, read_table
from labeler.i18n.messages import Message, mark
from labeler.projects.foreign import add
from labeler.projects.foreign_columns import PredictionColumns
from labeler.projects.new_items import normalise
from labeler.projects.project import Project
from labeler.projects.staging import NICENESS

LONGEST_NUMBER = 18  # digits of the number of an item, so that the database can hold it


def import_predictions(
    project: Project,
    source: Source,
    columns: PredictionColumns,
    on_progress: Progress | None = None,
    *,
    apart: bool = False,
) -> list[AddedPredictions]:
    """What came of the predictions in a table about items of the project.

    Args:   apart: whether the table is read in a process of its own, under the project's limits of time and memory.
    Raises: SourceError: it is no table, or a column is missing. LabelerError: see `labeler.projects.foreign.add`.
            LimitError: the process that reads was ended.
    """
    tell = on_progress or (lambda done, total: None)
    if not apart:
        return _import(project, source, columns, tell)
    limits = project.config.limits
    return run_limited(
        _import_apart,
        project,
        source,
        columns,
        name=source.name,
        limits=Limits(limits.import_seconds, limits.import_megabytes),
        on_message=lambda progress: tell(*progress),
        load=("labeler.projects.foreign_tables",),
    )


def _import_apart(project: Project, source: Source, columns: PredictionColumns, tell: Any) -> list[AddedPredictions]:
    yield_to_others(NICENESS)
    return _import(project, source, columns, lambda done, total: tell((done, total)))


def _import(
    project: Project, source: Source, columns: PredictionColumns, on_progress: Progress
) -> list[AddedPredictions]:
    if not isinstance(source, Path) or not sources.is_table(source):
        raise SourceError("{name} is no table, so it holds no predictions.", name=source.name)
    if not columns.model.strip():
        raise LabelerError("Name the model that the predictions are of.")
    total = expected_rows(source) if source.exists() else 0
    rows = predictions_in(project, source, columns)
    return add(project, rows, source.name, lambda n: on_progress(n, max(n, total)))


def predictions_in(project: Project, source: Path, columns: PredictionColumns) -> Iterator[ForeignPrediction | Problem]:
    """The prediction in each row of a table; a row that has none comes as a problem.

    Raises: SourceError: nothing can be read or a column is missing; raised before any row.
    """
    config = project.config
    if columns.key in ("text", "image"):
        content = SourceColumns(**{columns.key: columns.found_by or None})
        wanted: Modality = config.modality
        rows = sources.read(source, content, modality=wanted, limits=config.limits)
        check_names(source.name, read_table(source, 1, config.limits)[0], columns.names)
        return (
            _prediction(row.source, row.metadata, columns, config, _hash(row)) if isinstance(row, Row) else row
            for row in rows
        )
    names, records = read_table(source, limits=config.limits)
    check_names(source.name, names, [*columns.names, columns.found_by])
    read = partial(_by_column, columns=columns, config=config)
    return (read(f"{source.name}{ROW}{number}", names, fields) for number, fields in records)


def _by_column(
    place: str, names: Sequence[str], fields: list[str] | str, columns: PredictionColumns, config: Config
) -> ForeignPrediction | Problem:
    """The prediction of a row whose item another column than its content finds."""
    if isinstance(fields, str):
        return Problem(place, fields)
    if len(fields) != len(names):
        return Problem(
            place, mark("has {fields} fields where the header has {columns}", fields=len(fields), columns=len(names))
        )
    cells = dict(zip(names, fields, strict=True))
    return _prediction(place, cells, columns, config, cells[columns.found_by].strip())


def _hash(row: Row) -> str | Message:
    """The content hash of a row's item, or why there is none."""
    if row.image is None:
        return hash_of(normalise(unicodedata.normalize("NFC", row.text or "").strip()).encode())
    try:
        return hash_of(sources.content_of(row.image))
    except LabelerError as error:
        return Message.of(error)


class _UnreadableError(Exception):
    """A cell cannot be read; says why."""

    def __init__(self, why: Message) -> None:
        super().__init__(why)
        self.why = why


def _prediction(
    place: str, cells: Mapping[str, str], columns: PredictionColumns, config: Config, key: str | Message
) -> ForeignPrediction | Problem:
    """Args: cells: by the name of the column. key: what finds the item, or why nothing does."""
    if isinstance(key, Message):
        return Problem(place, key)
    if columns.key == "item_id" and not (key.isdecimal() and len(key) <= LONGEST_NUMBER):
        return Problem(place, mark("has {value!r} where the number of an item belongs", value=key))
    try:
        confidence = _share(cells.get(columns.probability, ""))
        shares = {name: share for name, at in columns.proba.items() if (share := _share(cells.get(at, ""))) is not None}
        labels, more = _labels(cells.get(columns.predicted, "").strip(), shares, config)
    except _UnreadableError as error:
        return Problem(place, error.why)
    return ForeignPrediction(
        columns.model.strip(),
        labels,
        {**shares, **more} or None,
        columns.version.strip(),
        item=key if columns.key in ("text", "image", "content_hash") else "",
        item_id=int(key) if columns.key == "item_id" else None,
        item_source=key if columns.key == "source" else "",
        row=place,
        confidence=confidence,
    )


def _labels(cell: str, shares: Mapping[str, float], config: Config) -> tuple[tuple[str, ...], Mapping[str, float]]:
    """The classes that a cell predicts, and the probabilities in it; of an empty cell those that are most probable."""
    if not cell and not shares:
        raise _UnreadableError(mark("has no prediction"))
    within = {} if cell in config.classes else shares_in(cell)
    given = within or ({} if cell else shares)
    if given:
        if config.several:
            return tuple(name for name, share in given.items() if share > 0.5), within
        return (max(given, key=lambda name: given[name]),), within
    return names_in(cell, config.classes) if config.several else (cell,), {}


def _share(cell: str) -> float | None:
    """A probability, also in percent; None in an empty cell. Raises: _UnreadableError."""
    text = cell.strip()
    if not text:
        return None
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise _UnreadableError(mark("has {value!r} where a probability belongs", value=text)) from None
