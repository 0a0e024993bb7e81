"""Folders, zips and tables → rows: nothing is lost, nothing is guessed wrongly, and what is wrong is named."""

import codecs
import json
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.errors import SourceError
from labeler.core.items import Problem
from labeler.files import json_arrays, tables
from labeler.files.sources import OBVIOUS, Row, SourceColumns, read
from labeler.files.tables import read_table

COLUMNS = ["id", "text", "label"]
RECORDS = [
    ["1", "plain words", "01"],
    ["2", 'a "quoted", comma\nand a new line', "NA"],
    ["003", "훌륭한 영화; 정말\t좋다", "None"],
    ["4", "1", "1.0"],
]


def rows(source: Path, columns: SourceColumns = OBVIOUS) -> list[Row]:
    entries = list(read(source, columns))
    assert [f for f in entries if isinstance(f, Problem)] == []
    return [f for f in entries if isinstance(f, Row)]


def csv_text(delimiter: str = ",") -> str:
    return pd.DataFrame(RECORDS, columns=COLUMNS).to_csv(index=False, sep=delimiter)


def objects() -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, record, strict=True)) for record in RECORDS]


def write_xlsx(path: Path, records: Sequence[Sequence[object]]) -> None:
    workbook = openpyxl.Workbook()
    for record in records:
        workbook.active.append(list(record))
    workbook.save(path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "utf8.csv": lambda p: p.write_text(csv_text(), encoding="utf-8"),
    "bom.csv": lambda p: p.write_text(csv_text(), encoding="utf-8-sig"),
    "utf16.csv": lambda p: p.write_text(csv_text(), encoding="utf-16"),
    "utf16be.csv": lambda p: p.write_bytes(codecs.BOM_UTF16_BE + csv_text().encode("utf-16-be")),
    "cp949.csv": lambda p: p.write_text(csv_text(), encoding="cp949"),
    "euckr.CSV": lambda p: p.write_text(csv_text(), encoding="euc-kr"),
    "semicolon.csv": lambda p: p.write_text(csv_text(";"), encoding="utf-8"),
    "tab.csv": lambda p: p.write_text(csv_text("\t"), encoding="utf-8"),
    "table.tsv": lambda p: p.write_text(csv_text("\t"), encoding="cp949"),
    "table.jsonl": lambda p: p.write_text("\n".join(map(json.dumps, objects()))),
    "table.ndjson": lambda p: p.write_text(
        "\n".join(json.dumps(o, ensure_ascii=False) for o in objects()), encoding="utf-8"
    ),
    "table.json": lambda p: p.write_text(json.dumps(objects(), indent=2)),
    "table.parquet": lambda p: pd.DataFrame(RECORDS, columns=COLUMNS).to_parquet(p, index=False),
    "table.xlsx": lambda p: write_xlsx(p, [COLUMNS, *RECORDS]),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    read_rows = rows(tmp_path / name, SourceColumns(label="label"))
    assert [[r.metadata["id"], r.text, r.label] for r in read_rows] == RECORDS
    assert {r.split for r in read_rows} == {None}
    has_header = not name.endswith(("json", "jsonl", "parquet"))
    first = 2 if has_header and name != "table.ndjson" else 1
    assert [r.source for r in read_rows] == [f"{name} row {first + i}" for i in range(len(RECORDS))]


def test_values_stay_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a", "label": 1.0}\n{"text": "b", "label": null}\n{"text": true, "label": 1e3}\n')
    assert [(r.text, r.label) for r in rows(path, SourceColumns(label="label"))] == [
        ("a", "1.0"),
        ("b", None),
        ("true", "1e3"),
    ]
    write_xlsx(tmp_path / "t.xlsx", [["text", "label"], ["a", 1], ["b", "01"], [None, None], ["c", True], ["d", None]])
    read_rows = rows(tmp_path / "t.xlsx", SourceColumns(label="label"))
    assert [(r.source, r.label) for r in read_rows] == [
        ("t.xlsx row 2", "1"),
        ("t.xlsx row 3", "01"),
        ("t.xlsx row 5", "TRUE"),
        ("t.xlsx row 6", None),
    ]


def test_a_sheet_that_states_its_size_wrongly_is_read_whole(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "right.xlsx", [["text", "label"], ["a", "x"], ["b", "y"]])
    with zipfile.ZipFile(tmp_path / "right.xlsx") as right, zipfile.ZipFile(tmp_path / "t.xlsx", "w") as wrong:
        for name in right.namelist():
            wrong.writestr(name, right.read(name).replace(b'ref="A1:B3"', b'ref="A1:A2"'))
    read_rows = rows(tmp_path / "t.xlsx", SourceColumns(label="label"))
    assert [(r.text, r.label) for r in read_rows] == [("a", "x"), ("b", "y")]


def test_ragged_rows_are_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('text,label\n"one\nmore",a\ntoo,many,fields\n\nfew\nfour,b\n')
    entries = list(read(path, SourceColumns(label="label")))
    assert [f.text for f in entries if isinstance(f, Row)] == ["one\nmore", "four"]
    assert [str(f) for f in entries if isinstance(f, Problem)] == [
        "t.csv row 3: has 3 fields where the header has 2",
        "t.csv row 5: has 1 fields where the header has 2",
    ]


def test_a_stray_quote_swallows_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text('text\tlabel\n"Great" film\ta\n"never closed\tb\nnext\tc\n"well\tquoted"\td\nlast\te\n')
    entries = list(read(path, SourceColumns(label="label")))
    kept = [(f.text, f.label) for f in entries if isinstance(f, Row)]
    assert kept[:3] == [('"Great" film', "a"), ('"never closed', "b"), ("next", "c")]
    assert kept[3:] == [("well\tquoted", "d"), ("last", "e")]


def test_nul_bytes_and_half_characters_do_not_stop_the_reading(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"text,label\na\0b,x\n\0,y\n")
    assert [r.text for r in rows(tmp_path / "t.csv", SourceColumns(text="text"))] == ["ab", ""]
    (tmp_path / "t.jsonl").write_text('{"text": "cut \\ud83d"}\n{"text": "a\\u2028b"}\n{broken\n[1]\n')
    entries = list(read(tmp_path / "t.jsonl"))
    assert [f.text for f in entries if isinstance(f, Row)] == ["cut ?", "a\u2028b"]
    assert [str(f) for f in entries if isinstance(f, Problem)] == [
        "t.jsonl row 3: is not a JSON object",
        "t.jsonl row 4: is not a JSON object",
    ]


def test_a_long_document_is_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text,label\n" + "long " * 100_000 + ",x\n")
    assert len(rows(tmp_path / "t.csv", SourceColumns(text="text"))[0].text or "") == 500_000


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("id,Review,label", "Review"),
        ("id,내용,라벨", "내용"),
        ("utterance,note,label", "utterance"),
        ("file,text,label", "text"),
    ],
)
def test_the_obvious_column_is_taken(tmp_path: Path, header: str, expected: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n" + ",".join(f"<{name}>" for name in header.split(",")) + "\n", encoding="utf-8")
    (row,) = rows(path)
    assert row.text == f"<{expected}>"
    assert (row.label, row.split) == (None, None)
    assert expected not in row.metadata


def test_the_only_free_column_is_taken(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("q,y,s\nwhy?,a,test\n")
    (row,) = rows(tmp_path / "t.csv", SourceColumns(label="y", split="s"))
    assert (row.text, row.label, row.split, row.metadata) == ("why?", "a", "test", {})


def test_the_modality_decides_between_two_obvious_columns(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "t.csv").write_text("text,file\nwords,a.png\n")
    (row,) = read(tmp_path / "t.csv", modality="image")
    assert isinstance(row, Row)
    assert (row.text, row.image, row.metadata) == (None, tmp_path / "a.png", {"text": "words"})


def test_image_paths_are_relative_to_the_table_and_stay_below_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "사진").mkdir(parents=True)
    (folder / "사진" / "a.png").write_bytes(b"A")
    (folder / unicodedata.normalize("NFD", "종양.png")).write_bytes(b"N")
    (tmp_path / "secret.png").write_bytes(b"S")
    paths = [
        "사진/a.png",
        "사진\\a.png",
        "종양.png",
        "../secret.png",
        str(tmp_path / "secret.png"),
        "C:\\secret.png",
        "b.png",
        "",
    ]
    (folder / "t.json").write_text(json.dumps([{"file": path, "label": "x"} for path in paths]))
    entries = list(read(folder / "t.json", SourceColumns(label="label")))
    assert [f.image.read_bytes() for f in entries if isinstance(f, Row) and f.image] == [b"A", b"A", b"N"]
    reasons = [f.reason for f in entries if isinstance(f, Problem)]
    assert len(reasons) == 5
    assert all("leads out of the table's folder" in reason for reason in reasons[:3])
    assert reasons[3:] == ["the image 'b.png' does not exist in the table's folder", "has no image path"]


@pytest.mark.parametrize(
    ("name", "content", "columns", "message"),
    [
        ("none.csv", None, OBVIOUS, "does not exist"),
        ("empty.csv", b"", OBVIOUS, "is empty"),
        ("blank.csv", b"\n\n", OBVIOUS, "has no rows"),
        ("header.csv", b"text,label\n", OBVIOUS, "has no rows"),
        ("notes.docx", b"PK", OBVIOUS, "unknown kind"),
        ("t.csv", b"a,b\n1,2\n", OBVIOUS, "its columns are 'a', 'b'"),
        ("t.csv", b"a,b\n1,2\n", SourceColumns(text="c"), "no column 'c'; its columns are 'a', 'b'"),
        ("t.csv", b"text,b\n1,2\n", SourceColumns(label="c"), "no column 'c'; its columns are 'text', 'b'"),
        ("t.csv", b"text,text\n1,2\n", SourceColumns(text="text"), "has 2 columns 'text'"),
        ("t.csv", b"a,b\n1,2\n", SourceColumns(text="a", image="b"), "name one"),
        ("t.csv", b"text,b\nfine,1\ncaf\xe9 noir,2\n", OBVIOUS, r"byte 17 \(row 3\): save it as UTF-8"),
        ("t.csv", b"\xff\xfet\0e\0x", OBVIOUS, "is not UTF-16 text"),
        ("t.json", b'[{"text": "a"},', OBVIOUS, "not valid JSON"),
        ("t.json", b'["a", "b"]', OBVIOUS, "no JSON objects"),
        ("t.jsonl", b"words\n", OBVIOUS, "no JSON objects"),
        ("t.parquet", b"PAR1 broken", OBVIOUS, "cannot be read as Parquet"),
        ("t.xlsx", b"PK broken", OBVIOUS, "cannot be read as an Excel workbook"),
        ("t.zip", b"PK broken", OBVIOUS, "not a zip file"),
    ],
)
def test_an_unreadable_source_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, columns: SourceColumns, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read(tmp_path / name, columns)


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.name.encode())


def test_a_folder_is_read_in_order_with_its_sub_folders_as_labels(tmp_path: Path) -> None:
    litter = ["__MACOSX/cat/._b.png", ".git/x.png", "cat/.DS_Store", "Thumbs.db", "cat/.hidden.png"]
    for name in ["dog/c.JPG", "cat/b.png", "cat/deep/a.webp", "top.tiff", "cat/notes.txt", *litter]:
        touch(tmp_path / "scans" / name)
    (tmp_path / "scans" / "gone.png").symlink_to(tmp_path / "nowhere")
    entries = list(read(tmp_path / "scans"))
    assert [(f.source, f.label) for f in entries if isinstance(f, Row)] == [
        ("scans/cat/b.png", "cat"),
        ("scans/cat/deep/a.webp", "deep"),
        ("scans/dog/c.JPG", "dog"),
        ("scans/top.tiff", None),
    ]
    assert [f.source for f in entries if isinstance(f, Problem)] == ["scans/cat/notes.txt", "scans/gone.png"]


def test_a_folder_without_images_or_with_a_column_named_is_refused(tmp_path: Path) -> None:
    touch(tmp_path / "notes.txt")
    with pytest.raises(SourceError, match="no images in it"):
        read(tmp_path)
    with pytest.raises(SourceError, match="leave out the column 'label'"):
        read(tmp_path, SourceColumns(label="label"))


class Cp949Name(zipfile.ZipInfo):
    """An entry as Korean Windows writes it: the name in cp949, without the UTF-8 flag."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode("cp949"), self.flag_bits & ~0x800


def test_a_zip_is_read_like_a_folder_and_stays_inside(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for entry in (
            "양성/b.png",
            Cp949Name("음성/종양.png"),
            Cp949Name("음성/설명.txt"),
            "__MACOSX/._b.png",
            ".DS_Store",
            "top.gif",
            "../../up.png",
            "/etc/abs.png",
            "C:\\abs.png",
        ):
            archive.writestr(entry, str(getattr(entry, "filename", entry)).encode())
        archive.mkdir("empty")
    entries = list(read(tmp_path / "s.zip"))
    assert [(f.source, f.label, f.image.read_bytes().decode()) for f in entries if isinstance(f, Row) and f.image] == [
        ("s.zip/top.gif", None, "top.gif"),
        ("s.zip/양성/b.png", "양성", "양성/b.png"),
        ("s.zip/음성/종양.png", "음성", "음성/종양.png"),
    ]
    problems = {f.source: f.reason for f in entries if isinstance(f, Problem)}
    assert set(problems) == {"s.zip/../../up.png", "s.zip//etc/abs.png", "s.zip/C:/abs.png", "s.zip/음성/설명.txt"}
    assert sum("leads out of the zip" in reason for reason in problems.values()) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["s.zip"]


def test_a_zip_with_a_broken_directory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"A")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 200  # the version that it takes to unpack
    path.write_bytes(content)
    with pytest.raises(SourceError, match="not a zip file"):
        read(path)


@given(
    suffix=st.sampled_from(["csv", "tsv", "json", "jsonl", "parquet", "xlsx", "zip"]),
    content=st.binary(max_size=60) | st.text('"\n\r,;\tax{}[]:\0', max_size=60).map(lambda t: t.encode()),
)
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{suffix}"
    path.write_bytes(content)
    try:
        entries = list(read(path))
    except SourceError:
        return
    assert len(entries) > 0
    assert len({f.source for f in entries}) == len(entries)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(
    st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1, max_size=6), st.integers(1, 9), st.data()
)
def test_a_json_array_is_the_same_in_whatever_parts_it_is_read(entries, size, data):
    text = json.dumps(entries, indent=data.draw(st.sampled_from([None, 1])), ensure_ascii=False)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, "t.json")
        path.write_text(text, encoding="utf-8", errors="replace")
        whole = list(read_table(path)[1])
        patch.setattr(json_arrays, "PART", size)
        assert list(read_table(path)[1]) == whole
        path.with_suffix(".jsonl").write_text("\n".join(map(json.dumps, entries)))
        assert [fields for _, fields in read_table(path.with_suffix(".jsonl"))[1]] == [fields for _, fields in whole]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[{"a": 1}\n {"a": 2}]', "Expecting ',' or ']': line 2"),
        ('[{"a": 1}] {"a": 2}', "Expecting the end: line 1"),
        ('[{"a": 1},\n{"a": tru}]', "Expecting value: line 2"),
    ],
)
def test_a_broken_json_array_says_in_which_line(tmp_path, text, problem):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(SourceError, match="is not valid JSON") as error:
        list(read_table(tmp_path / "t.json")[1])
    assert problem in str(error.value)


def test_one_entry_of_a_json_array_is_not_read_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "_LONGEST", 1000)
    (tmp_path / "t.json").write_text('[{"a": "' + "x" * 200_000)
    with pytest.raises(SourceError, match="too long"):
        read_table(tmp_path / "t.json")
