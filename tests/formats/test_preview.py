"""The beginning of a source: first rows without reading the rest, and which column seems to hold what."""

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from labeler.core.errors import SourceError
from labeler.files import column_guesses, tables
from labeler.files.sources import Row, SourceColumns, read
from labeler.formats.preview import SAMPLE, guessed_columns, preview, proposed_classes

COMPLAINTS = pd.DataFrame(
    {
        "접수번호": [f"C-{i:04d}" for i in range(60)],
        "지점": ["서울", "부산", "인천"] * 20,
        "고객이 말한 것": [f"배송이 너무 늦어서 {i}번 전화했는데 답이 없습니다" for i in range(60)],
        "담당": ["배송", "환불"] * 30,
        "분류": ["불만", "", "칭찬"] * 20,
        "구분": ["학습"] * 50 + ["test"] * 10,
    }
)


def table(path: Path, frame: pd.DataFrame = COMPLAINTS) -> Path:
    frame.to_csv(path, index=False)
    return path


def test_the_columns_of_a_table_are_guessed_from_names_and_values(tmp_path: Path) -> None:
    beginning = preview(table(tmp_path / "t.csv"))
    assert guessed_columns(beginning) == SourceColumns(text="고객이 말한 것", label="분류", split="구분")


def test_an_import_takes_the_only_column_of_long_texts_whatever_its_name(tmp_path: Path) -> None:
    first = next(iter(read(table(tmp_path / "t.csv"))))
    assert isinstance(first, Row)
    assert first.text == "배송이 너무 늦어서 0번 전화했는데 답이 없습니다"
    two = COMPLAINTS.assign(답변=[f"{i}번 고객님께 환불과 사과의 말씀을 드렸습니다, 감사" for i in range(60)])
    with pytest.raises(SourceError, match="Name the text or image column"):
        read(table(tmp_path / "two.csv", two))


@pytest.mark.parametrize(
    ("columns", "rows", "content"),
    [
        (["scan", "age"], [["a/1.dcm", "61"], ["a/2.dcm", "40"]], ("image", "scan")),
        (
            ["file", "note"],
            [["1.wav", "he says that it hurts"], ["2.wav", "nothing to be seen here"]],
            ("text", "note"),
        ),
        (["id", "site"], [["1", "Seoul"], ["2", "Busan"]], None),
    ],
)
def test_what_the_items_are_follows_from_the_values(columns, rows, content) -> None:
    assert column_guesses.content(columns, rows) == content


def test_a_column_of_labels_has_few_values_and_no_marked_rows_make_no_holdout() -> None:
    rows = [[f"text {i}", f"free answer {i}", "train"] for i in range(40)]
    assert column_guesses.label(["text", "label", "split"], rows) is None
    assert column_guesses.split(["text", "label", "split"], rows) is None


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "xlsx", "utf16.csv", "cp949.csv"])
def test_the_beginning_of_a_large_table_is_that_of_the_whole_one(tmp_path, monkeypatch, kind) -> None:
    monkeypatch.setattr(tables, "_BEGINNING", 1 << 14)
    frame, path = pd.concat([COMPLAINTS] * 20), tmp_path / f"t.{kind}"
    if kind == "parquet":
        frame.to_parquet(path, index=False)
    elif kind == "xlsx":
        frame.to_excel(path, index=False)
    elif kind == "jsonl":
        path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in frame.to_dict("records")))
    else:
        encoding = {"utf16.csv": "utf-16", "cp949.csv": "cp949"}.get(kind, "utf-8")
        frame.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",", encoding=encoding)
    beginning = preview(path)
    _columns, records = tables.read_table(path)
    whole = [tuple(fields) for _number, fields in records]
    assert beginning.rows == tuple(whole[: len(beginning.rows)])
    assert 50 <= len(beginning.rows) <= SAMPLE


def test_a_text_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"text,label\n" + b"fine words,a\n" * 50_000 + b"\xff\xfe broken\n")
    assert len(preview(path).rows) == SAMPLE


def test_classes_are_proposed_by_their_frequency_in_the_whole_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": [f"t {i}" for i in range(400)], "label": ["a"] * 150 + ["b"] * 240 + ["c"] * 10})
    path = table(tmp_path / "sorted.csv", frame)
    assert proposed_classes(path, preview(path), "label") == ("b", "a", "c")
    assert proposed_classes(path, preview(path), None) == ()


def test_folders_of_images_are_proposed_as_classes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for name in ("tumour/1.png", "tumour/2.png", "healthy/3.png"):
            archive.writestr(name, b"")
    beginning = preview(tmp_path / "scans.zip")
    assert beginning.folders == (("healthy", 1), ("tumour", 2))
    assert proposed_classes(tmp_path / "scans.zip", beginning, None) == ("tumour", "healthy")
