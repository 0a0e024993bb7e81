"""Excel workbooks, read a row at a time: neither a sheet nor its texts are held in memory.

openpyxl reads sheets by rows, but holds all texts of a workbook, an element for each row, and the attributes of rows.
"""

import tempfile
from array import array
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.worksheet._reader import DATA_TAG, ROW_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

_TEXT, _RUN, _PART = (f"{{{SHEET_MAIN_NS}}}{name}" for name in ("si", "r", "t"))
_RECENT = 500  # texts that are kept in memory, of up to 32,767 characters each: names of classes come again and again


def rows_of(source: Path) -> Generator[tuple[int, list[Any]], None, None]:
    """The rows of the first sheet with their numbers, as they are asked for; rows without cells are left out.

    Raises: whatever zipfile, openpyxl and its XML reader raise for a broken workbook.
    """
    reader = _Reader(source, read_only=True, data_only=True)
    with closing(reader.archive), tempfile.TemporaryFile() as reader.kept_texts:
        reader.read_manifest()
        reader.read_strings()
        reader.read_workbook()
        apply_stylesheet(reader.archive, workbook := reader.wb)
        with reader.archive.open(reader.first_sheet()) as sheet, closing(reader.shared_strings):
            parser = _Rows(
                sheet,
                reader.shared_strings,
                data_only=True,
                epoch=workbook.epoch,
                date_formats=workbook._date_formats,
                timedelta_formats=workbook._timedelta_formats,
            )
            for number, cells in parser.parse():
                values = [None] * max((cell["column"] for cell in cells), default=0)
                for cell in cells:
                    values[cell["column"] - 1] = cell["value"]
                yield number, values


class SharedTexts:
    """The texts that cells name by their number: read no further than they were asked for, and kept on the disk.

    Spreadsheets number texts in the order of their cells, so that the beginning of a sheet needs the beginning of the
    texts.

    Args: source: the part of the workbook with its texts; None: it has none. Closed with this object. kept: an empty
          file for the texts.
    """

    def __init__(self, source: IO[bytes] | None, kept: IO[bytes]) -> None:
        self._source, self._file = source, kept
        self._unread = _texts_in(source) if source is not None else iter(())
        self._ends = array("Q", [0])  # bytes of the file before each text, and behind the last one
        self._again = lru_cache(_RECENT)(self._read)

    def __getitem__(self, number: int) -> str:
        """Raises: IndexError: there is no such text."""
        if number < len(self._ends) - 1:
            return self._again(number)
        text = ""
        while number >= len(self._ends) - 1:
            text = next(self._unread, None)  # type: ignore[assignment]
            if text is None:
                raise IndexError(number)
            self._file.write(text.encode("utf-8", "surrogatepass"))
            self._ends.append(self._file.tell())
        return text

    def _read(self, number: int) -> str:
        first, last = self._ends[number : number + 2]
        self._file.seek(first)
        content = self._file.read(last - first)
        self._file.seek(self._ends[-1])
        return content.decode("utf-8", "surrogatepass")

    def close(self) -> None:
        if self._source is not None:
            self._source.close()


def _texts_in(source: IO[bytes]) -> Iterator[str]:
    """The texts, without their forms and readings; as `openpyxl.reader.strings.read_string_table`."""
    events = iterparse(source, events=("start", "end"))
    _, root = next(events)
    for event, element in events:
        if event == "end" and element.tag == _TEXT:
            runs = [element.findtext(_PART), *(run.findtext(_PART) for run in element.iterfind(_RUN))]
            yield "".join(part for part in runs if part).replace("x005F_", "")
            root.clear()


class _Reader(ExcelReader):
    """A reader that leaves the texts where they are."""

    shared_strings: SharedTexts
    kept_texts: IO[bytes]  # the file for `SharedTexts`

    def read_strings(self) -> None:
        part = self.package.find(SHARED_STRINGS)
        self.shared_strings = SharedTexts(
            None if part is None else self.archive.open(part.PartName[1:]), self.kept_texts
        )

    def first_sheet(self) -> str:
        """The name of its part. Raises: IndexError: there is none."""
        parts = (part for _, part in self.parser.find_sheets() if "chartsheet" not in part.Type)
        there = [part.target for part in parts if part.target in self.valid_files]
        return there[0]


class _Rows(WorkSheetParser):
    """The rows of a sheet, each of which is forgotten with its element before the next one."""

    def parse(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        rows = None
        for event, element in iterparse(self.source, events=("start", "end")):
            if event == "start":
                rows = element if element.tag == DATA_TAG else rows
            elif element.tag == ROW_TAG and rows is not None:
                yield self.parse_row(element)
                rows.clear()
                self.row_dimensions.clear()
            elif element.tag == DATA_TAG:
                return
