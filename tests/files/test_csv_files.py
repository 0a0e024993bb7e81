"""CSV files: no cell is a formula to a spreadsheet, and what was written is read again."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.files.csv_files import csv_bytes, csv_text, guarded, unguarded, write_csv
from labeler.files.tables import read_table

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
# Texts that begin as formulas and apostrophes do, more often than chance would have them.
ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
TEXTS = ANY | st.text(st.sampled_from("'=+-@\t\r\n＝ a1.,\""))


@given(TEXTS)
def test_reading_gives_back_what_was_written(text: str):
    assert unguarded(guarded(text)) == text


@given(TEXTS)
def test_only_numbers_begin_as_formulas_do(text: str):
    cell = guarded(text)
    if cell.startswith(FORMULA):
        float(cell)


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "@SUM(1)", "+1+2", "-cmd", "\t=1", "\r=1", "＝1", "'=1", "=김"])
def test_a_formula_gets_an_apostrophe(text: str):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "-1", "+2.5", "-1e-3", "a=b", "'quoted'", "1+1", "plain"])
def test_numbers_and_other_text_stay(text: str):
    assert guarded(text) == text


def test_numbers_stay_numbers_and_names_of_columns_are_text_too():
    table = pd.DataFrame({"=cmd": [-1.5, 2.0], "n": [-1, 3], "who": ["=kim", None]})
    assert csv_text(table) == "'=cmd,n,who\n-1.5,-1,'=kim\n2.0,3,\n"
    assert csv_bytes(table).decode("utf-8-sig") == csv_text(table)


def test_a_carriage_return_begins_no_row():
    assert csv_text(pd.DataFrame({"text": ["a\r=cmd"], "n": [1]})) == '"text","n"\n"a\r=cmd",1\n'


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_a_table_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]):
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    write_csv(pd.DataFrame(rows, columns=["=text", "id"]).assign(last="x"), path)
    columns, records = read_table(path)
    assert columns == ["=text", "id", "last"]
    assert [tuple(fields) for _, fields in records] == [(*row, "x") for row in rows]


def test_no_other_code_writes_csv():
    root = Path(__file__).parents[2]
    writers = {
        str(path.relative_to(root))
        for folder in ("labeler", "pages")
        for path in (root / folder).rglob("*.py")
        if ".to_csv(" in (text := path.read_text(encoding="utf-8")) or f"{csv.__name__}.writer(" in text
    }
    assert writers == {"labeler/files/csv_files.py", "labeler/projects/demo.py"}
