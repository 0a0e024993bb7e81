"""JSON files of other tools, read and written an entry at a time: an array of objects, or an object a line."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from labeler.core.errors import SourceError
from labeler.core.settings import LimitsConfig
from labeler.files.json_arrays import PART, JsonText, entries_of_array, loads
from labeler.files.limits import MEBIBYTE, check_rows, check_size
from labeler.files.tables import as_cell, lines_of
from labeler.i18n.messages import mark

SUFFIXES = (".json", ".jsonl", ".ndjson")
FIRST = 1 << 22  # characters in which the first entry of a file of a known format ends
_LONGEST = 1 << 27  # characters of an entry: an image may stand in it


def entries(path: Path, limits: LimitsConfig) -> Iterator[tuple[int, Any]]:
    """The entries of an array, or the lines that hold JSON, with their numbers; numbers in them are texts.

    Raises: SourceError: the file is no JSON, or has more entries or longer ones than a limit allows. A line that is no
            JSON comes as None.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = _array(file, path.name, _LONGEST) if _opens(file) == "[" else _lines(path)
            for number, entry in found:
                check_rows(path.name, number, limits)
                yield number, entry
    except UnicodeDecodeError as error:
        raise SourceError(
            "{name} is not UTF-8 at byte {at}: save it as UTF-8.", name=path.name, at=error.start
        ) from None


def first_entries(path: Path, n: int = 20) -> list[dict[str, Any]]:
    """The first objects of a JSON file; none where it begins otherwise. Of one large object only that it is one."""
    if path.suffix.lower() not in SUFFIXES:
        return []
    objects = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = _array(file, path.name, FIRST) if _opens(file) == "[" else _first_lines(file, n)
            for number, entry in found:
                if isinstance(entry, dict):
                    objects.append(entry)
                if number >= n:
                    break
    except (SourceError, UnicodeDecodeError, OSError):
        return objects
    return objects


def whole_object(path: Path, limits: LimitsConfig) -> dict[str, Any]:
    """The one object that a file holds.

    Raises: SourceError: it is too large, or holds something else.
    """
    check_size(path.name, path.stat().st_size, limits.table_megabytes * MEBIBYTE / 8, "limits.table_megabytes")
    try:
        value = loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SourceError("{name} is not valid JSON ({error}): put that right.", name=path.name, error=error) from None
    if not isinstance(value, dict):
        raise SourceError("{name} holds no JSON object: give the file that the other tool has written.", name=path.name)
    return value


def write_array(path: Path, values: Iterable[object]) -> None:
    """Write an array, one entry a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[")
        for number, value in enumerate(values):
            file.write(",\n" if number else "\n")
            file.write(text_of(value))
        file.write("\n]\n")


def write_lines(path: Path, values: Iterable[object]) -> None:
    """Write an entry a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for value in values:
            file.write(text_of(value) + "\n")


def text_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def cells(values: dict[str, Any], taken: Iterable[str] = ()) -> dict[str, str]:
    """An object's values as texts, but for empty ones and those of the names that are taken."""
    left = {*taken}
    texts = {str(as_cell(name)): as_cell(value) for name, value in values.items() if name not in left}
    return {name: text for name, text in texts.items() if text}


def clean(text: str) -> str:
    """A text without what a database does not take."""
    return as_cell(text)


def _opens(file: TextIO) -> str:
    """The first character that is no space; the file is at its beginning again."""
    beginning = file.read(PART).lstrip()
    file.seek(0)
    return beginning[:1]


def _first_lines(file: TextIO, n: int) -> Iterator[tuple[int, Any]]:
    """The first lines as JSON, or the object that the file begins with, over several lines."""
    text = file.read(FIRST)
    for number, line in enumerate(text.split("\n")[:n], start=1):
        try:
            yield number, loads(line)
        except (ValueError, RecursionError):
            if number > 1:
                return
            with suppress(SourceError):
                yield 1, JsonText(iter([text]), "", FIRST).value()
            return


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(lines_of(path, "\n"), start=1):
        if line.strip():
            try:
                yield number, loads(line)
            except (ValueError, RecursionError):
                yield number, None


def _array(file: TextIO, name: str, longest: int) -> Iterator[tuple[int, Any]]:
    return entries_of_array(iter(lambda: file.read(PART), ""), name, longest)


NO_OBJECT = mark("is not a JSON object")
