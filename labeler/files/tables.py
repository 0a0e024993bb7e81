"""Table files → column names and records; every value is the string in the file."""

import codecs
import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from labeler.core.errors import SourceError
from labeler.files.csv_files import unguarded
from labeler.i18n.messages import mark

# Imports of pyarrow and openpyxl are deferred: loading them takes longer than reading most tables.

# A record's row number, as a person counts it in the file, and its fields, or the reason that it has none.
Records = Iterator[tuple[int, list[str] | str]]

# A document may be longer than the 128 KiB at which the csv module gives up.
csv.field_size_limit(2**31 - 1)

_BEGINNING = 1 << 18  # bytes of a text file that are read where a few rows are wanted


def read_table(source: Path, most: int | None = None) -> tuple[list[str], Records]:
    """Column names and records of a table, by the suffix of its name.

    Args:     most: so many records are wanted, the first ones; little more of the file is read, so that the beginning
              of a large table is there at once.
    Returns:  columns, then (row number, fields); CSV and TSV fields may be more or fewer than the columns.
    Raises:   SourceError: the kind is unknown, the file is broken or empty, or its encoding is unknown.
    """
    reader = _READERS.get(source.suffix.lower())
    if reader is None:
        raise SourceError(
            "{name} is of an unknown kind: give a folder or zip of images, or a table ({kinds}).",
            name=source.name,
            kinds=_suffixes(),
        )
    if source.stat().st_size == 0:
        raise SourceError("{name} is empty: there is nothing to read.", name=source.name)
    columns, records = reader(source, most)
    return columns, islice(records, most)


def _delimited(source: Path, most: int | None) -> tuple[list[str], Records]:
    text = _decode(source, most)
    lines = list(io.StringIO(text, newline=""))  # "" leaves line ends inside quotes as they are
    head = next((line for line in lines if line.strip()), "")
    delimiters = "\t" if source.suffix.lower() == ".tsv" else ",;\t"
    delimiter = max(delimiters, key=lambda d: len(next(csv.reader([head], delimiter=d), [])))
    records = ((number, fields) for number, fields in _csv_records(lines, delimiter) if fields)
    return [column.strip() for column in next(records, (0, []))[1]], records


def _csv_records(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    line = number = 0

    def feed() -> Iterator[str]:
        nonlocal line
        while line < len(lines):
            line += 1
            yield lines[line - 1]

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while line < len(lines):
        number, start = number + 1, line
        try:
            fields = next(reader)
        except csv.Error:
            # A stray quote would swallow the rows after it: take its line literally, and read on behind it.
            fields = next(csv.reader([lines[start]], delimiter=delimiter, quoting=csv.QUOTE_NONE))
            line = start + 1
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        yield number, [unguarded(_clean(value)) for value in fields]


def _json(source: Path, most: int | None) -> tuple[list[str], Records]:
    text = _decode(source, most)
    entries: list[tuple[int, Any]]
    if text.lstrip().startswith("["):
        text = _decode(source)  # an array ends with the file
        try:
            entries = list(enumerate(_loads(text), start=1))
        except (ValueError, RecursionError) as error:
            raise SourceError(
                "{name} is not valid JSON ({error}): put that right.", name=source.name, error=error
            ) from None
    else:
        # not splitlines(), as a JSON string may hold U+2028 and its like
        lines = enumerate(text.split("\n"), start=1)
        entries = [(number, _loads_or_none(line)) for number, line in lines if line.strip()]
    keys = list(dict.fromkeys(key for _, entry in entries if isinstance(entry, dict) for key in entry))
    if not keys:
        raise SourceError(
            "{name} has no JSON objects: give an array of objects, or one object a line.", name=source.name
        )
    return [_clean(key) for key in keys], (
        (n, [_string(entry.get(key)) for key in keys] if isinstance(entry, dict) else mark("is not a JSON object"))
        for n, entry in entries
    )


def _loads(text: str) -> Any:
    # numbers stay as they are written, since 1.0 and 1e3 may be labels
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def _loads_or_none(line: str) -> Any:
    try:
        return _loads(line)
    except (ValueError, RecursionError):
        return None


def _parquet(source: Path, most: int | None) -> tuple[list[str], Records]:
    import pyarrow as pa  # here, because importing it takes longer than reading most tables
    import pyarrow.parquet as pq

    try:
        if most is None:
            table = pq.read_table(source, partitioning=None)
        else:
            with pq.ParquetFile(source) as file:
                batches = list(islice(file.iter_batches(most), 1))
                table = pa.Table.from_batches(batches, file.schema_arrow)
        values = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(
            "{name} cannot be read as Parquet ({error}): write it anew.", name=source.name, error=error
        ) from None
    return table.column_names, ((n, [_string(v) for v in row]) for n, row in enumerate(values, start=1))


def _xlsx(source: Path, most: int | None) -> tuple[list[str], Records]:
    import openpyxl

    try:
        workbook = openpyxl.load_workbook(source, read_only=True, data_only=True)
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # some writers state them wrongly, which would cut rows off
        last = None if most is None else most + 100  # some rows above or between may be empty
        cells = [[_cell(value) for value in row] for row in sheet.iter_rows(max_row=last, values_only=True)]
        workbook.close()
    except Exception as error:  # a broken workbook makes openpyxl's zip and XML readers raise anything
        raise SourceError(
            "{name} cannot be read as an Excel workbook: save it anew as .xlsx.", name=source.name
        ) from error
    filled = ((number, fields) for number, row in enumerate(cells, start=1) if (fields := _trimmed(row)))
    columns = [column.strip() for column in next(filled, (0, []))[1]]
    # empty cells at the end of a row are not stored, so a short row is whole
    return columns, ((n, fields + [""] * (len(columns) - len(fields))) for n, fields in filled)


def _trimmed(fields: list[str]) -> list[str]:
    while fields and not fields[-1]:
        fields = fields[:-1]
    return fields


def _cell(value: Any) -> str:
    return str(value).upper() if isinstance(value, bool) else _string(value)  # as Excel shows it: TRUE


def _string(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | dict | list):
        return _clean(json.dumps(value, ensure_ascii=False, default=str))
    return _clean(str(value))


def _clean(value: str) -> str:
    """Without NUL, and with "?" for half a character (JSON can hold such): a database takes neither."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def _decode(source: Path, most: int | None = None) -> str:
    """The file's text; where some records are wanted, the whole lines at its beginning."""
    if most is not None and source.stat().st_size > _BEGINNING and (lines := _beginning(source)).count("\n") > 1:
        return lines
    data = source.read_bytes()
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    errors = []
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            errors.append(error)
    # the encoding that decoded the most bytes is the intended one
    at = max(error.start for error in errors)
    row = data.count(b"\n", 0, at) + 1
    encodings = "UTF-16" if utf16 else "UTF-8 or Korean (CP949)"
    raise SourceError(
        "{name} is not {known} text at byte {at} (row {row}): save it as UTF-8.",
        name=source.name,
        known=encodings,
        at=at,
        row=row,
    )


def _beginning(source: Path) -> str:
    """The whole lines at the beginning of a large file; "" where they are in no known encoding."""
    with source.open("rb") as file:
        data = file.read(_BEGINNING)
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "cp949"):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(data)  # the last letter may be cut off
        except UnicodeDecodeError:
            continue
        return text[: text.rfind("\n") + 1]
    return ""


def _suffixes() -> str:
    return ", ".join(_READERS)


_READERS: dict[str, Callable[[Path, int | None], tuple[list[str], Records]]] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".json": _json,
    ".jsonl": _json,
    ".ndjson": _json,
    ".parquet": _parquet,
    ".xlsx": _xlsx,
}
