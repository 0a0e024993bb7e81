"""The rows of an export → the bytes of a CSV, Excel, Parquet or JSON Lines file, as the rows come."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Any

import pandas as pd
import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from labeler.core.labels import cell_of
from labeler.files.csv_files import write_csv_rows
from labeler.projects.export_columns import Column, Format, Kind
from labeler.projects.export_rows import ExportRows
from labeler.projects.workbook import write_workbook

UTC = " (UTC)"  # added to the names of columns of times in Excel, which knows no zones
ROWS_A_GROUP = 20_000  # of Parquet, which are in memory together
# Types in pandas, which a Parquet file names beside its own, so that pandas reads whole numbers with gaps as such.
DTYPES: dict[Kind, Any] = {
    "whole": "Int64",
    "number": "Float64",
    "yes/no": "boolean",
    "text": "string",
    "label": "str",
    "time": "datetime64[us, UTC]",
}


def write_rows(file: IO[bytes], kind: Format, rows: ExportRows) -> None:
    """Write the file from its beginning to its end; only Parquet has more than one row in memory.

    Raises: LabelerError: an Excel sheet cannot hold so many rows, or a cell so much text.
    """
    _WRITERS[kind](file, rows)


def _write_csv(file: IO[bytes], rows: ExportRows) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    cells = (map(_in_a_cell, row.values()) if rows.several else row.values() for row in rows)
    write_csv_rows(text, [column.name for column in rows.columns], cells)
    text.detach()


def _write_json_lines(file: IO[bytes], rows: ExportRows) -> None:
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    file.writelines(f"{encode(row)}\n".encode() for row in rows)


def _write_parquet(file: IO[bytes], rows: ExportRows) -> None:
    schema = _schema(rows)
    times = _times(rows.columns)
    with ParquetWriter(file, schema) as writer:
        while group := list(islice(rows, ROWS_A_GROUP)):
            for row in group:
                for name in times:
                    row[name] = _time(row[name])
            columns = [pa.array([row[field.name] for row in group], field.type) for field in schema]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def _schema(rows: ExportRows) -> pa.Schema:
    """The types of the columns, the same whatever the first rows hold."""
    frame = pd.DataFrame({column.name: pd.Series(dtype=DTYPES[column.kind]) for column in rows.columns})
    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    if rows.several:
        for place, column in enumerate(rows.columns):
            if column.kind == "label":
                schema = schema.set(place, pa.field(column.name, pa.list_(pa.string())))
    return schema


def _write_workbook(file: IO[bytes], rows: ExportRows) -> None:
    times = _times(rows.columns)
    names = [f"{column.name}{UTC}" if column.name in times else column.name for column in rows.columns]
    write_workbook(file, names, _rows_of_workbook(rows, times), rows.count)


def _rows_of_workbook(rows: ExportRows, times: set[str]) -> Iterator[list[Any]]:
    for row in rows:
        yield [_time(value) if name in times else _in_a_cell(value) for name, value in row.items()]


def _times(columns: tuple[Column, ...]) -> set[str]:
    return {column.name for column in columns if column.kind == "time"}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _in_a_cell(value: Any) -> Any:
    """A value as a cell of a table of text: names of classes with `;` between them."""
    return cell_of(value) if isinstance(value, list) else value


_WRITERS: dict[Format, Callable[[IO[bytes], ExportRows], None]] = {
    "csv": _write_csv,
    "jsonl": _write_json_lines,
    "parquet": _write_parquet,
    "xlsx": _write_workbook,
}
