"""Labels taken out: one row an item or an answer, in four formats that say the same."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from pyarrow.parquet import ParquetFile

from labeler.core.class_changes import ClassChange
from labeler.core.errors import LabelerError
from labeler.core.items import Answer, NewItem
from labeler.cycle.class_changes import change_classes
from labeler.files.csv_files import unguarded
from labeler.projects import export_files, predictions, workbook
from labeler.projects import project as projects
from labeler.projects.export_columns import COLUMNS
from labeler.projects.export_rows import export_rows
from labeler.projects.exporter import FORMATS, Export, export_labels
from labeler.projects.predictions import Predictions
from tests.support.samples import text_config, topics_config

READ: dict[str, Callable[[Path], pd.DataFrame]] = {
    "csv": lambda path: pd.read_csv(path).map(lambda cell: unguarded(cell) if isinstance(cell, str) else cell),
    "xlsx": pd.read_excel,
    "parquet": pd.read_parquet,
    "jsonl": lambda path: pd.read_json(path, lines=True),
}


@pytest.fixture
def labeled(project):
    """Three items: two votes against one import, one that is flagged, one without an answer."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    "a", "t.csv row 2", "=SUM(A1)", label="good", split="pool", metadata={"site": "서울", "label": "7"}
                ),
                NewItem("b", "t.csv row 3", "-1+2", split="pool", metadata={"site": "@home"}),
                NewItem("c", "t.csv row 4", "plain", split="holdout", metadata={"visit": "2026-01-02"}),
            ]
        )
        store.answers.add("kim", [Answer("1", 1, "label", "bad", 2.5, note="hm", unsure=True)])
        store.answers.add("lee", [Answer("2", 1, "label", "bad", 1.5), Answer("3", 2, "flag")])
    return project


PREDICTED = Predictions(
    "round-0001.safetensors", np.array([1, 3]), np.array([[0.1, 0.9], [0.75, 0.25]]), ("good", "bad"), 0
)


def test_a_row_an_item_has_its_label_its_votes_and_its_metadata(labeled, tmp_path):
    assert export_labels(labeled, tmp_path / "items.csv", Export("items")) == 3
    first, second, third = pd.read_csv(tmp_path / "items.csv").astype(object).to_dict("records")
    assert (first["label"], first["label_from"], first["votes"]) == ("bad", "votes", 3)
    assert first["agreement"] == pytest.approx(2 / 3)
    assert {*first["annotators"].split(";")} == {"kim", "lee"}
    assert (first["unsure"], first["notes"], first["site"], first["metadata.label"]) == (True, "hm", "서울", 7)
    assert (second["flagged"], second["votes"], second["site"]) == (True, 0, "'@home")
    assert pd.isna(second["label"])
    assert (third["split"], third["visit"]) == ("holdout", "2026-01-02")
    assert pd.isna(third["first_answered_at"])


@pytest.mark.parametrize("rows", ["items", "answers"])
def test_all_formats_have_the_same_columns_and_values(labeled, tmp_path, rows):
    frames = {}
    for kind in FORMATS:
        export_labels(labeled, tmp_path / f"out.{kind}", Export(rows, predictions=PREDICTED))
        frame = READ[kind](tmp_path / f"out.{kind}")
        frames[kind] = frame.rename(columns=lambda name: name.removesuffix(" (UTC)"))
    columns = [column.name for column in COLUMNS[rows]]
    further = ["predicted", "probability", "p(good)", "p(bad)"] if rows == "items" else []
    metadata = ["site", "metadata.label", "visit"] if rows == "items" else ["site", "metadata.label"]
    for kind, frame in frames.items():
        assert [*frame.columns] == [*columns, *metadata, *further], kind
        assert frame["item_id"].tolist() == frames["csv"]["item_id"].tolist(), kind
        for name in ("text", "label", "site", "split"):
            assert frame[name].fillna("").tolist() == frames["csv"][name].fillna("").tolist(), (kind, name)


def test_times_are_times(labeled, tmp_path):
    before = datetime.now(UTC)
    export_labels(labeled, tmp_path / "out.parquet")
    export_labels(labeled, tmp_path / "out.xlsx")
    times = pd.read_parquet(tmp_path / "out.parquet")["answered_at"]
    assert str(times.dtype).endswith("UTC]")
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    names = [cell.value for cell in sheet[1]]
    time = sheet.cell(2, names.index("answered_at (UTC)") + 1)
    assert time.is_date
    assert abs((time.value.replace(tzinfo=UTC) - times[0].to_pydatetime()).total_seconds()) < 0.01
    assert abs((times[0].to_pydatetime() - before).total_seconds()) < 3600


def test_text_is_never_a_formula(labeled, tmp_path):
    export_labels(labeled, tmp_path / "out.xlsx", Export("items"))
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    column = [cell.value for cell in sheet[1]].index("text") + 1
    cells = [sheet.cell(row, column) for row in (2, 3)]
    assert [cell.value for cell in cells] == ["=SUM(A1)", "-1+2"]
    assert "f" not in {cell.data_type for cell in cells}  # a formula
    export_labels(labeled, tmp_path / "lines.jsonl", Export("items"))
    assert pd.read_json(tmp_path / "lines.jsonl", lines=True)["text"].tolist() == ["=SUM(A1)", "-1+2", "plain"]
    export_labels(labeled, tmp_path / "guarded.csv", Export("items"))
    guarded = pd.read_csv(tmp_path / "guarded.csv")
    assert guarded["text"].tolist() == ["'=SUM(A1)", "'-1+2", "plain"]
    assert guarded["site"].fillna("").tolist() == ["서울", "'@home", ""]


def test_predictions_stand_beside_items_without_a_label_only(labeled, tmp_path):
    export_labels(labeled, tmp_path / "out.parquet", Export("items", predictions=PREDICTED))
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert frame["predicted"].fillna("").tolist() == ["", "", "good"]
    assert frame["p(good)"].fillna(0).tolist() == [0, 0, 0.75]
    assert frame["probability"].fillna(0).tolist() == [0, 0, 0.75]


def test_kept_predictions_read_as_todays_classes_and_end_with_a_split(labeled):
    predictions.keep(labeled, PREDICTED)
    project, _ = change_classes(labeled, ClassChange("rename", ("good",), ("fine",)), "kim")
    with project.store() as store:
        renamed = predictions.kept(project, store)
    assert renamed.classes == ("fine", "bad")
    assert renamed.proba == pytest.approx(PREDICTED.proba)
    project, _ = change_classes(project, ClassChange("split", ("bad",), ("ugly", "dull")), "kim")
    with project.store() as store:
        assert predictions.kept(project, store) is None


def test_several_classes_are_names_in_excel_and_lists_in_json_lines(own_home, tmp_path):
    project = projects.create(own_home / "letters", topics_config())
    with project.store() as store:
        store.items.add(
            [NewItem("1", "1", "t", split="pool", label='["배송","환불"]'), NewItem("2", "2", "u", split="pool")]
        )
    proba = Predictions("m", np.array([2]), np.array([[0.9, 0.2, 0.8]]), project.config.classes, 0)
    export_labels(project, tmp_path / "out.xlsx", Export("items", predictions=proba))
    excel = pd.read_excel(tmp_path / "out.xlsx")
    assert excel["label"].fillna("").tolist() == ["배송;환불", ""]
    assert excel["predicted"].fillna("").tolist() == ["", "배송;칭찬"]
    export_labels(project, tmp_path / "out.jsonl", Export("items", predictions=proba))
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["label"] for row in rows] == [["배송", "환불"], None]
    assert rows[1]["predicted"] == ["배송", "칭찬"]


def test_a_suffix_that_tells_no_format_is_an_error(project, tmp_path):
    with pytest.raises(LabelerError, match=r"no format: end the name with one of \.csv, \.xlsx, \.parquet, \.jsonl,"):
        export_labels(project, tmp_path / "out.json")
    assert export_labels(project, tmp_path / "out.json", Export(format="jsonl")) == 0


def test_a_text_too_long_for_a_cell_is_an_error_that_names_it_and_leaves_no_file(project, tmp_path):
    with project.store() as store:
        store.items.add([NewItem("a", "row 1", "x" * 40_000, split="pool")])
    with pytest.raises(LabelerError, match="Row 2 of the column 'text' has 40,000 characters"):
        export_labels(project, tmp_path / "out.xlsx", Export("items"))
    assert [*tmp_path.glob("*out*")] == []


def test_characters_that_xml_cannot_hold_survive_in_excel(own_home, tmp_path):
    project = projects.create(own_home / "odd", text_config())
    texts = ["tab\tand\x0bbell\x07", "<&>\"'", "_x0041_", "line\r\nline", "  spaces  "]
    with project.store() as store:
        store.items.add([NewItem(str(i), "row", text, split="pool") for i, text in enumerate(texts)])
    export_labels(project, tmp_path / "out.xlsx", Export("items"))
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    column = [cell.value for cell in sheet[1]].index("text") + 1
    read = [openpyxl.utils.escape.unescape(sheet.cell(row, column).value) for row in range(2, 7)]
    assert [text.replace("_x000D_", "\r") for text in read] == texts


def test_rows_are_of_one_moment_while_answers_arrive(labeled):
    with export_rows(labeled, "answers") as rows:
        first = next(rows.rows)
        with labeled.store() as store:
            store.answers.add("kim", [Answer("4", 3, "label", "good")])
        assert [first["annotator"], *(row["annotator"] for row in rows)] == ["import", "kim", "lee", "lee"]
    assert rows.count == 4
    with export_rows(labeled, "answers") as rows:
        assert rows.count == len([*rows]) == 5


def test_names_of_metadata_are_columns_in_the_order_in_which_they_occur(project):
    odd = 'a"b\n서/'
    with project.store() as store:
        cells = [{"b": "1", "label": "2"}, {}, {odd: "3", "b": "4", "metadata.label": "5"}]
        store.items.add([NewItem(str(i), "row", "t", split="pool", metadata=cells[i]) for i in range(3)])
    with export_rows(project, "items") as rows:
        names = [column.name for column in rows.columns][len(COLUMNS["items"]) :]
        assert names == ["b", "metadata.label", odd, "metadata.metadata.label"]
        assert [[row[name] for name in names] for row in rows] == [
            ["1", "2", None, None],
            [None] * 4,
            ["4", None, "3", "5"],
        ]


def test_columns_of_parquet_have_their_types_whatever_the_first_rows_hold(labeled, tmp_path, monkeypatch):
    monkeypatch.setattr(export_files, "ROWS_A_GROUP", 1)
    export_labels(labeled, tmp_path / "out.parquet", Export("items"))
    monkeypatch.undo()
    export_labels(labeled, tmp_path / "whole.parquet", Export("items"))
    assert ParquetFile(tmp_path / "out.parquet").num_row_groups == 3
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "out.parquet"), pd.read_parquet(tmp_path / "whole.parquet")
    )


def test_more_rows_than_a_sheet_holds_are_an_error(labeled, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    with pytest.raises(LabelerError, match="An Excel sheet holds 3 rows at most"):
        export_labels(labeled, tmp_path / "out.xlsx", Export("items"))
    assert [*tmp_path.glob("*out*")] == []


def test_a_carriage_return_begins_no_row_in_csv(project, tmp_path):
    with project.store() as store:
        store.items.add([NewItem(str(i), "row", text, split="pool") for i, text in enumerate(["a\r=b", "c"])])
    export_labels(project, tmp_path / "out.csv", Export("items"))
    _head, first, second = (tmp_path / "out.csv").read_bytes().decode("utf-8-sig").split("\n")[:3]
    assert first.startswith('1,"row","pool","a\r=b"')
    assert second.startswith("2,row,pool,c,")
