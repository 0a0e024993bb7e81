"""Workbooks are read a row at a time, and say what openpyxl says."""

import io
import tracemalloc
from pathlib import Path

import openpyxl

from labeler.files.workbooks import SharedTexts, rows_of
from tests.support.workbooks import write_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def test_rows_are_those_that_openpyxl_reads(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    texts = [["text", "label"], ['영화 <1> & "2"', "pos"], ["x_x005F_y", "neg"], [" three ", "pos"]]
    write_workbook(path, texts)
    sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0]
    assert [(number, row) for number, row in rows_of(path)] == [
        (number, list(row)) for number, row in enumerate(sheet.iter_rows(values_only=True), start=1)
    ]


def test_rows_that_are_missing_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    workbook.active["B3"] = "three"
    workbook.active["A7"] = 7
    workbook.save(tmp_path / "t.xlsx")
    assert list(rows_of(tmp_path / "t.xlsx")) == [(3, [None, "three"]), (7, [7])]


def test_three_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    """Neither their texts, nor their elements, nor what is said of each row."""
    peaks = []
    for n in (10, 1000, 3000):  # the first one loads what is loaded once
        write_workbook(tmp_path / "t.xlsx", ([f"text {n} " + 50 * "x"] for n in range(n)), ' ht="15" customHeight="1"')
        tracemalloc.start()
        assert sum(1 for _row in rows_of(tmp_path / "t.xlsx")) == n
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1]


def test_texts_are_read_as_far_as_they_are_asked_for_and_found_again() -> None:
    texts = "".join(f"<si><t>text {n}</t></si>" for n in range(50_000))
    runs = "<si><r><t>한</t></r><r><rPr/><t>글</t></r><rPh><t>reading</t></rPh></si>"
    source = io.BytesIO(f'<sst xmlns="{MAIN}">{runs}{texts}</sst>'.encode())
    shared = SharedTexts(source, io.BytesIO())
    assert [shared[number] for number in (3, 0, 2, 3)] == ["text 2", "한글", "text 1", "text 2"]
    assert 0 < source.tell() < len(source.getvalue()) / 4
    assert shared[50_000] == "text 49999"
    assert shared[1] == "text 0"
