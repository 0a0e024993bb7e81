"""Rows → an Excel workbook of one sheet, written cell by cell: text is always text, never a formula.

Libraries for workbooks keep styles, formulas and shared strings for each cell, which takes them ten times as long.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import IO
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from labeler.core.errors import LabelerError

MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767  # in a cell

_DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
# What XML cannot hold, and what Excel would read as an escape of its own.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")

_NAMESPACE = "http://schemas.openxmlformats.org"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_RELATION = f"{_NAMESPACE}/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The files around the sheet. Style 1 is that of times, style 2 that of the head.
_FILES = {
    "[Content_Types].xml": f'<Types xmlns="{_NAMESPACE}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
    f'<Override PartName="/xl/sheet.xml" ContentType="{_KIND}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_NAMESPACE}/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_NAMESPACE}/package/2006/relationships">'
    f'<Relationship Id="r1" Type="{_RELATION}/worksheet" Target="sheet.xml"/>'
    f'<Relationship Id="r2" Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_NAMESPACE}/spreadsheetml/2006/main" xmlns:r="{_RELATION}">'
    '<sheets><sheet name="labels" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/styles.xml": f'<styleSheet xmlns="{_NAMESPACE}/spreadsheetml/2006/main">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/></font><font><b/><sz val="11"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}

Value = str | int | float | bool | datetime | None


def write_workbook(file: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Value]], n: int) -> None:
    """Write a workbook with one sheet, whose first row has the columns' names and stays in view.

    Args:   rows: times are with their zone; they are written as UTC, since Excel knows no zones. n: of rows.
    Raises: LabelerError: a sheet cannot hold so many rows, or a cell so much text.
    """
    if n >= MOST_ROWS:  # one is for the names
        raise LabelerError(
            "An Excel sheet holds {most:,} rows at most: choose CSV, Parquet or JSON Lines.", most=MOST_ROWS
        )
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in _FILES.items():
            archive.writestr(name, _HEAD + text)
        with archive.open("xl/sheet.xml", "w", force_zip64=True) as sheet:
            _write_sheet(sheet, columns, rows)


def _write_sheet(sheet: IO[bytes], columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
    head = "".join(_text_cell(name, 's="2" ') for name in columns)
    sheet.write(
        f'{_HEAD}<worksheet xmlns="{_NAMESPACE}/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<sheetData><row>{head}</row>".encode()
    )
    for number, row in enumerate(rows, 2):
        cells = []
        for name, value in zip(columns, row, strict=True):
            if isinstance(value, str) and len(value) > MOST_CHARACTERS:
                raise LabelerError(
                    "Row {row} of the column {column!r} has {n:,} characters, and an Excel cell holds {most:,}: choose"
                    " CSV, Parquet or JSON Lines.",
                    row=number,
                    column=name,
                    n=len(value),
                    most=MOST_CHARACTERS,
                )
            cells.append(_cell(value))
        sheet.write(f"<row>{''.join(cells)}</row>".encode())
    sheet.write(b"</sheetData></worksheet>")


def _cell(value: Value) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, str):
        return _text_cell(value)
    if isinstance(value, bool):
        return f'<c t="b"><v>{value:d}</v></c>'
    if isinstance(value, datetime):
        return f'<c s="1"><v>{(value - _DAY_ZERO).total_seconds() / 86_400:.10f}</v></c>'
    return f"<c><v>{value!r}</v></c>"


def _text_cell(value: str, style: str = "") -> str:
    text = escape(_UNREADABLE.sub(lambda character: f"_x{ord(character[0]):04X}_", value))
    return f'<c {style}t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
