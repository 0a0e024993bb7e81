"""Labels → a CSV, Excel, Parquet or JSON Lines file, with a row for each item or for each answer."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from labeler.core import decisions
from labeler.core.errors import LabelerError
from labeler.core.labels import cell_of, split, texts_of
from labeler.core.settings import Config
from labeler.core.whole_files import whole_file
from labeler.files.csv_files import write_csv
from labeler.projects.export_columns import COLUMNS, PREDICTED, Column, Format, Kind, Rows
from labeler.projects.predictions import Predictions
from labeler.projects.project import Project
from labeler.projects.workbook import write_workbook

FORMATS: tuple[Format, ...] = get_args(Format)
UTC = " (UTC)"  # added to the names of columns of times in Excel, which knows no zones
DTYPES: dict[Kind, Any] = {"whole": "Int64", "number": "Float64", "yes/no": "boolean", "text": "string"}


@dataclass(frozen=True)
class Export:
    """What to take out. predictions: of the items without a label, for one row an item."""

    rows: Rows = "answers"
    format: Format | None = None  # None: that of the file's suffix, else csv
    predictions: Predictions | None = None


def export_labels(project: Project, out: Path, export: Export = Export()) -> int:
    """The number of rows written to `out`. Other columns of the imported tables are columns here too.

    The file is written whole or not at all. Several classes are a list in JSON Lines and Parquet. In CSV and Excel they
    are names with `;` between them, or `[]` without a class.

    Raises: LabelerError: `out` cannot be written, its suffix tells no format, or the format cannot hold the rows.
    """
    kind = export.format or _format_of(out)
    with project.store() as store:
        rows = store.items.export() if export.rows == "items" else store.answers.export()
    columns, table = _table(rows, COLUMNS[export.rows])
    if export.rows == "items" and export.predictions is not None:
        columns, table = _with_predictions(columns, table, export.predictions, project.config)
    labels = [column.name for column in columns if column.kind == "label"]
    if project.config.several:
        table |= {name: [_names(label, kind) for label in table[name]] for name in labels}
    try:
        with whole_file(out) as part:
            _write(part, kind, columns, table)
            with project.store() as store:  # no file leaves that the log does not know
                what = {"rows": export.rows, "format": kind, "file": out.name}
                store.audit.record(project.actor, "exported", what, None, {"rows": len(rows)})
    except OSError as error:
        raise LabelerError("{out} cannot be written: {strerror}.", out=out, strerror=error.strerror or error) from error
    return len(rows)


def _format_of(out: Path) -> Format:
    """The format that the suffix of a file's name tells."""
    suffix = out.suffix.lower()
    for format_ in FORMATS:
        if suffix == f".{format_}":
            return format_
    raise LabelerError(
        "The suffix of {out} tells no format: end the name with one of {suffixes}, or name the format.",
        out=out,
        suffixes=", ".join(f".{format_}" for format_ in FORMATS),
    )


Table = dict[str, list[Any]]  # values by the name of the column


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> tuple[list[Column], Table]:
    """The rows by column, with a column for each name in their metadata."""
    table: Table = {column.name: [row[column.name] for row in rows] for column in columns}
    for column in columns:
        if column.kind == "yes/no":
            table[column.name] = [bool(value) for value in table[column.name]]
    further = []
    for name in dict.fromkeys(name for row in rows for name in row["metadata"]):
        own = free_name(name, table)
        table[own] = [row["metadata"].get(name) for row in rows]
        further.append(Column(own, "text", ""))
    return [*columns, *further], table


def free_name(name: str, taken: Collection[str]) -> str:
    """The name of a metadata column, with `metadata.` before it where the name is taken."""
    while name in taken:
        name = f"metadata.{name}"
    return name


def _with_predictions(
    columns: Sequence[Column], table: Table, predictions: Predictions, config: Config
) -> tuple[list[Column], Table]:
    """The table with the predictions of items that have no label."""
    answers = decisions.predicted(predictions.proba, config.several)
    confidence = decisions.proba_of_items(predictions.proba, answers).round(6).tolist()
    place = {item: row for row, item in enumerate(predictions.items.tolist())}
    rows = [place.get(i) if label is None else None for i, label in zip(table["item_id"], table["label"], strict=True)]
    texts, proba = texts_of(answers.astype(np.intp), config), predictions.proba.round(6).tolist()
    predicted: Table = {
        "predicted": [None if row is None else texts[row] for row in rows],
        "probability": [None if row is None else confidence[row] for row in rows],
    }
    for number, name in enumerate(config.classes):
        predicted[f"p({name})"] = [None if row is None else proba[row][number] for row in rows]
    taken = {*table, *predicted}
    names = {column.name: column.name for column in columns}
    names |= {name: free_name(name, taken) for name in names if name in predicted}
    before = [replace(column, name=names[column.name]) for column in columns]
    added = [*PREDICTED, *(Column(name, "number", "") for name in [*predicted][len(PREDICTED) :])]
    return [*before, *added], {names[name]: values for name, values in table.items()} | predicted


def _names(label: str | None, kind: Format) -> str | list[str] | None:
    """The classes in a stored label, in the form for a file of this kind."""
    if label is None:
        return None
    return cell_of(split(label)) if kind in ("csv", "xlsx") else list(split(label))


# ---------------------------------------------------------------- files


def _write(path: Path, kind: Format, columns: Sequence[Column], table: Table) -> None:
    if kind == "xlsx":
        times = {column.name for column in columns if column.kind == "time"}
        names = [f"{column.name}{UTC}" if column.name in times else column.name for column in columns]
        write_workbook(path, names, _rows_of_workbook(columns, table, times))
        return
    frame = pd.DataFrame(table, columns=[column.name for column in columns])
    if kind == "parquet":
        for column in columns:
            if column.kind == "time":
                frame[column.name] = pd.to_datetime(frame[column.name], utc=True, format="ISO8601")
            elif column.kind in DTYPES:
                frame[column.name] = frame[column.name].astype(DTYPES[column.kind])
        frame.to_parquet(path, index=False)
        return
    for column in columns:
        if column.kind == "whole":  # a gap would make the others fractions
            frame[column.name] = frame[column.name].astype("Int64")
    if kind == "jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        write_csv(frame, path)


def _rows_of_workbook(columns: Sequence[Column], table: Table, times: set[str]) -> Iterator[tuple[Any, ...]]:
    values = [
        [None if time is None else datetime.fromisoformat(time) for time in table[column.name]]
        if column.name in times
        else table[column.name]
        for column in columns
    ]
    return zip(*values, strict=True)
