"""Table files → column names and records, a record at a time; every value is the string in the file."""

import codecs
import csv
import json
import math
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

from labeler.core.errors import SourceError
from labeler.core.settings import LimitsConfig
from labeler.files import json_arrays
from labeler.files.csv_files import unguarded
from labeler.files.json_arrays import JsonText, entries_of_array, loads
from labeler.files.limits import MEBIBYTE, USUAL, check_columns, check_rows, check_size, check_unpacked
from labeler.i18n.messages import mark

# Imports of pyarrow and openpyxl are deferred: loading them takes longer than reading most tables.

# A record's row number, as a person counts it in the file, and its fields, or the reason that it has none.
Records = Iterator[tuple[int, list[str] | str]]

Reader = Callable[[Path, int | None, LimitsConfig], tuple[list[str], Records]]

# A document may be longer than the 128 KiB at which the csv module gives up.
csv.field_size_limit(2**31 - 1)

_BEGINNING = 1 << 18  # bytes of a text file whose encoding is looked at where a few rows are wanted
_CHUNK = 1 << 20  # bytes that are read at a time
_LONGEST = 1 << 25  # characters of a line, or of the lines of a row
_AT_ONCE = 64  # rows of a Parquet file: long texts that repeat take no room in the file, but here


def read_table(source: Path, most: int | None = None, limits: LimitsConfig = USUAL) -> tuple[list[str], Records]:
    """Column names and records of a table, by the suffix of its name. Records are read as they are asked for.

    Args:     most: so many records are wanted, the first ones; little more of the file is read, so that the beginning
              of a large table is there at once.
    Returns:  columns, then (row number, fields); CSV and TSV fields may be more or fewer than the columns.
    Raises:   SourceError: the kind is unknown, the file is broken, empty or beyond a limit, or its encoding is unknown.
              What is wrong behind the beginning is raised when it is read.
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
    columns, records = reader(source, most, limits)
    check_columns(source.name, len(columns), limits)
    return columns, islice(_counted(records, source.name, limits), most)


def check_names(source: str, columns: Sequence[str], wanted: Iterable[str]) -> None:
    """Refuse names of columns that a table does not have. Args: source: its name. Raises: SourceError."""
    for name in wanted:
        if name not in columns:
            raise SourceError(
                "{source} has no column {name!r}; its columns are {columns}.",
                source=source,
                name=name,
                columns=", ".join(map(repr, columns)),
            )


def _counted(records: Records, name: str, limits: LimitsConfig) -> Records:
    for number, record in enumerate(records, start=1):
        check_rows(name, number, limits)
        yield record


def expected_rows(source: Path) -> int:
    """About how many records a table has, to say how far an import is; 0 where only reading it would tell."""
    kind = source.suffix.lower()
    if kind == ".parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(source).num_rows)
    if kind not in (".csv", ".tsv", ".jsonl", ".ndjson"):
        return 0
    return _line_ends(source, source.stat().st_size) - (kind in (".csv", ".tsv"))


# ---------------------------------------------------------------- CSV


def _delimited(source: Path, most: int | None, limits: LimitsConfig) -> tuple[list[str], Records]:
    lines = lines_of(source, "", most)  # "" leaves line ends inside quotes as they are
    beginning: list[str] = []
    for line in lines:
        beginning.append(line)
        if line.strip():
            break
    head = beginning[-1] if beginning else ""
    delimiters = "\t" if source.suffix.lower() == ".tsv" else ",;\t"
    delimiter = max(delimiters, key=lambda d: len(next(csv.reader([head], delimiter=d), [])))
    records = ((n, fields) for n, fields in _csv_records(chain(beginning, lines), delimiter) if fields)
    return [column.strip() for column in next(records, (0, []))[1]], records


class _TooLong(Exception):  # noqa: N818 (it is caught below)
    """A quotation mark opens and does not close for very long."""


def _csv_records(lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    again: deque[str] = deque()  # lines that a stray quote had swallowed
    record: list[str] = []  # the lines of this row so far
    length = 0

    def feed() -> Iterator[str]:
        nonlocal length
        while (line := again.popleft() if again else next(lines, None)) is not None:
            record.append(line)
            length += len(line)
            if length > _LONGEST and len(record) > 1:
                raise _TooLong
            yield line

    reader, number = csv.reader(feed(), delimiter=delimiter, strict=True), 0
    while True:
        record.clear()
        length = 0
        try:
            fields = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong):
            # A stray quote would swallow the rows after it: take its line literally, and read on behind it.
            again.extendleft(reversed(record[1:]))
            fields = next(csv.reader(record[:1], delimiter=delimiter, quoting=csv.QUOTE_NONE))
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        number += 1
        # what was decoded strictly has no half characters
        values = [value.replace("\0", "") for value in fields]
        yield number, [unguarded(value) if value[:1] == "'" else value for value in values]


# ---------------------------------------------------------------- JSON


def _json(source: Path, most: int | None, limits: LimitsConfig) -> tuple[list[str], Records]:
    def array() -> Iterator[tuple[int, Any]]:
        return entries_of_array(_parts(source, most), source.name, _LONGEST)

    def lines() -> Iterator[tuple[int, Any]]:
        return _json_lines(source, most)

    is_array = JsonText(_parts(source, most), source.name, _LONGEST).next_character() == "["
    entries = array if is_array else lines
    keys: dict[str, None] = {}
    for _, entry in islice(entries(), most):
        if isinstance(entry, dict):
            keys |= dict.fromkeys(entry)
            check_columns(source.name, len(keys), limits)
    if not keys:
        raise SourceError(
            "{name} has no JSON objects: give an array of objects, or one object a line.", name=source.name
        )
    return [_clean(key) for key in keys], (
        (n, [as_cell(entry.get(key)) for key in keys] if isinstance(entry, dict) else mark("is not a JSON object"))
        for n, entry in entries()
    )


def _json_lines(source: Path, most: int | None) -> Iterator[tuple[int, Any]]:
    # lines end with \n alone, as a JSON string may hold U+2028 and its like
    for number, line in enumerate(lines_of(source, "\n", most), start=1):
        if line.strip():
            yield number, _loads_or_none(line)


def _loads_or_none(line: str) -> Any:
    try:
        return loads(line)
    except (ValueError, RecursionError):
        return None


# ---------------------------------------------------------------- Parquet and Excel


def _parquet(source: Path, most: int | None, limits: LimitsConfig) -> tuple[list[str], Records]:
    import pyarrow as pa  # here, because importing it takes longer than reading most tables
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source) as file:
            schema, facts = file.schema_arrow, file.metadata
        check_rows(source.name, facts.num_rows, limits)
        check_columns(source.name, len(schema), limits)
        unpacked = sum(facts.row_group(n).total_byte_size for n in range(facts.num_row_groups))
        check_size(source.name, unpacked, limits.table_megabytes * MEBIBYTE, "limits.table_megabytes")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _no_parquet(source, error) from None
    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]

    def records() -> Records:
        # a text that repeats is kept once until it is handed on
        number = characters = 0
        try:
            with pq.ParquetFile(source, read_dictionary=texts) as file:
                for batch in file.iter_batches(_AT_ONCE if most is None else min(most, _AT_ONCE)):
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        number += 1
                        fields = [as_cell(value) for value in row]
                        characters += sum(map(len, fields))
                        check_size(source.name, characters, limits.table_megabytes * MEBIBYTE, "limits.table_megabytes")
                        yield number, fields
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _no_parquet(source, error) from None

    beginning = records()
    first = list(islice(beginning, 1))  # so that a broken file is refused at once
    return schema.names, chain(first, beginning)


def _no_parquet(source: Path, error: Exception) -> SourceError:
    return SourceError("{name} cannot be read as Parquet ({error}): write it anew.", name=source.name, error=error)


def _xlsx(source: Path, most: int | None, limits: LimitsConfig) -> tuple[list[str], Records]:
    filled = _filled_rows(source, None if most is None else most + 100, limits)  # some rows may be empty
    columns = [column.strip() for column in next(filled, (0, []))[1]]
    # empty cells at the end of a row are not stored, so a short row is whole
    return columns, ((n, fields + [""] * (len(columns) - len(fields))) for n, fields in filled)


def _filled_rows(source: Path, last: int | None, limits: LimitsConfig) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first sheet that are not empty, with their numbers."""
    try:
        with zipfile.ZipFile(source) as archive:
            most = limits.table_megabytes * MEBIBYTE
            unpacked = sum(entry.file_size for entry in archive.infolist())
            check_unpacked(source.name, unpacked, most, "limits.table_megabytes", source.stat().st_size)
        from labeler.files.workbooks import rows_of  # here, because loading openpyxl takes longer than most tables

        with closing(rows_of(source)) as rows:
            for number, row in rows:
                if last is not None and number > last:
                    return
                check_rows(source.name, number, limits)
                if fields := _trimmed([_cell(value) for value in _trimmed(row)]):
                    yield number, fields
    except SourceError:
        raise
    except Exception as error:  # a broken workbook makes openpyxl's zip and XML readers raise anything
        raise SourceError(
            "{name} cannot be read as an Excel workbook: save it anew as .xlsx.", name=source.name
        ) from error


def _trimmed(cells: Sequence[Any]) -> list[Any]:
    """The cells without the empty ones at the end; formatted sheets have thousands of them."""
    last = next((place for place in range(len(cells), 0, -1) if cells[place - 1] not in (None, "")), 0)
    return list(cells[:last])


def _cell(value: Any) -> str:
    return str(value).upper() if isinstance(value, bool) else as_cell(value)  # as Excel shows it: TRUE


def as_cell(value: Any) -> str:
    """A value of JSON, Parquet or Excel as the text of a cell; lists and objects as JSON."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | dict | list):
        return _clean(json.dumps(value, ensure_ascii=False, default=str))
    return _clean(str(value))


def _clean(value: str) -> str:
    """Without NUL, and with "?" for half a character (JSON can hold such): a database takes neither."""
    if value.isascii():
        return value.replace("\0", "")
    return value.replace("\0", "").encode("utf-8", "replace").decode()


# ---------------------------------------------------------------- text


def lines_of(source: Path, newline: str, most: int | None = None) -> Iterator[str]:
    """The lines of a text file with their ends, read as they are asked for; its encoding is checked first.

    Args: newline: as in `open`. most: where few records are wanted, the encoding of the beginning decides.
    """
    encoding = _encoding_of(source, most is not None)

    def lines() -> Iterator[str]:
        errors = "strict" if most is None else "replace"  # what is behind the beginning may be in another encoding
        with source.open(encoding=encoding, errors=errors, newline=newline) as file:
            number = 0
            while line := file.readline(_LONGEST + 1):
                number += 1
                if len(line) > _LONGEST:
                    raise SourceError(
                        "{name} has more than {n:,} characters in line {number}: it is no table of texts.",
                        name=source.name,
                        n=_LONGEST,
                        number=number,
                    )
                yield line

    return lines()


def _parts(source: Path, most: int | None) -> Iterator[str]:
    """The text of a file in parts of `json_arrays.PART`; as `_lines`."""
    encoding = _encoding_of(source, most is not None)
    with source.open(encoding=encoding, errors="strict" if most is None else "replace", newline="") as file:
        while part := file.read(json_arrays.PART):
            yield part


def _encoding_of(source: Path, beginning_only: bool) -> str:
    """The encoding in which the file can be read.

    Raises: SourceError: it is none of the known ones; names the row.
    """
    with source.open("rb") as file:
        utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    ends = []
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "cp949"):
        end = _undecodable(source, encoding, _BEGINNING if beginning_only else None)
        if end is None:
            return encoding
        ends.append(end)
    # the encoding that decoded the most bytes is the intended one
    at = max(ends)
    values = {"name": source.name, "at": at, "row": _line_ends(source, at) + 1}
    if utf16:
        raise SourceError("{name} is not UTF-16 text at byte {at} (row {row}): save it as UTF-8.", **values)
    raise SourceError(
        "{name} is not UTF-8 or Korean (CP949) text at byte {at} (row {row}): save it as UTF-8.", **values
    )


def _undecodable(source: Path, encoding: str, most: int | None) -> int | None:
    """The place of the first byte that is not of this encoding; None: there is none among the first `most`."""
    decoder, done = codecs.getincrementaldecoder(encoding)(), 0
    with source.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK if most is None else min(_CHUNK, most - done))
            is_last = not chunk
            try:
                decoder.decode(chunk, final=is_last and (most is None or done < most))
            except UnicodeDecodeError as error:
                return done - (len(error.object) - len(chunk)) + error.start  # some bytes were kept from before
            if is_last:
                return None
            done += len(chunk)


def _line_ends(source: Path, at: int) -> int:
    """The number of line ends before this byte."""
    with source.open("rb") as file:
        return sum(file.read(min(_CHUNK, at - place)).count(b"\n") for place in range(0, at, _CHUNK))


def _suffixes() -> str:
    return ", ".join(_READERS)


_READERS: dict[str, Reader] = {
    ".csv": _delimited,
    ".tsv": _delimited,
    ".json": _json,
    ".jsonl": _json,
    ".ndjson": _json,
    ".parquet": _parquet,
    ".xlsx": _xlsx,
}
TABLE_SUFFIXES = tuple(_READERS)
