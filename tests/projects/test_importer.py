"""Rows → items: verified, stored once, labels and splits as told, and re-runnable from wherever it stopped."""

import csv
import io
import json
import struct
import tempfile
import tracemalloc
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labeler.core.errors import SourceError
from labeler.core.items import Item, Modality, NewItem
from labeler.core.settings import Config
from labeler.files import sources
from labeler.files.images import open_image
from labeler.files.sources import SourceColumns
from labeler.projects import importer, project, staging
from labeler.projects.importer import content_hash, import_source, normalise
from labeler.projects.project import Project
from labeler.store import database, incoming, parts, staged
from labeler.store import holdout as store_holdout
from labeler.store.driver import connect
from labeler.store.shipping import log_of
from tests.support.scan_files import write_dicom


def make(folder: Path, modality: Modality = "text", classes: tuple[str, ...] = ("pos", "neg")) -> Project:
    return project.create(folder, Config(name="test", classes=classes, modality=modality))


def items(target: Project) -> list[Item]:
    with target.store() as store:
        return store.items.all()


def labels(target: Project) -> dict[str, str]:
    """Stored labels by the item's source."""
    with target.store() as store:
        label_of = store.items.labels()
        return {item.source: label_of[item.id] for item in store.items.all() if item.id in label_of}


def write_csv(path: Path, records: Iterable[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(records)
    return path


def reviews(path: Path, n: int) -> Path:
    return write_csv(path, [["text", "label"], *([f"review {i}", ("pos", "neg")[i % 2]] for i in range(n))])


def picture(seed: int, kind: str = "PNG", size: int = 12) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    image, out = Image.fromarray(pixels), io.BytesIO()
    image.save(out, kind, **({"save_all": True, "append_images": [image]} if kind == "MPO" else {}))
    return out.getvalue()


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


# ---------------------------------------------------------------- texts


def test_texts_labels_and_problems(tmp_path: Path) -> None:
    target = make(tmp_path / "p", classes=("01", "NA"))
    table = write_csv(
        tmp_path / "t.csv",
        [
            ["text", "label"],
            ["one", "01"],
            ["two", " NA "],
            ["three", ""],
            ["  ", "01"],
            ["four", "1"],
            ["  one ", "NA"],
        ],
    )
    report = import_source(target, table, SourceColumns(label="label"))
    assert (report.added, report.duplicates, report.labels_added) == (3, 1, 2)
    assert [str(problem) for problem in report.problems] == [
        "t.csv row 5: the text is empty",
        "t.csv row 6: the label '1' is not among the classes '01', 'NA'",
    ]
    assert [item.text for item in items(target)] == ["one", "two", "three"]
    assert labels(target) == {"t.csv row 2": "01", "t.csv row 3": "NA"}


def memory_of(work: Callable[[], object]) -> int:
    """The most bytes that Python objects take at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_rows_take_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((staging, "BATCH"), (importer, "AT_ONCE"), (store_holdout, "AT_ONCE")):
        monkeypatch.setattr(module, name, 25)
    monkeypatch.setattr(parts, "PAUSE", 0)
    import_source(make(tmp_path / "first"), reviews(tmp_path / "first.csv", 10))  # what is loaded once
    few, many = (
        memory_of(partial(import_source, make(tmp_path / f"{n}"), reviews(tmp_path / f"{n}.csv", n)))
        for n in (100, 1000)
    )
    assert many < 1.5 * few


def test_the_log_of_an_import_does_not_grow_where_others_work_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads while each part's log is brought into the database, and writes behind it."""
    target, sizes = make(tmp_path / "p"), list[int]()
    label, let_others_write = incoming.Incoming.label, importer.let_others_write
    monkeypatch.setattr(parts, "PAUSE", 0)
    monkeypatch.setattr(database, "LONG_LOG", 100)
    for module in (importer, parts):
        monkeypatch.setattr(module, "AT_ONCE", 500)
    with target.store() as store, closing(connect(store.db.path)) as other:

        def label_while_read(*part: Any) -> int:
            other.execute("BEGIN")
            other.execute("SELECT 1 FROM items").fetchall()
            return label(*part)

        def write_behind(*part: Any) -> None:
            other.rollback()
            store.team.join(f"person {len(sizes)}")
            let_others_write(*part)
            sizes.append(log_of(store.db.path).stat().st_size)

        monkeypatch.setattr(incoming.Incoming, "label", label_while_read)
        monkeypatch.setattr(importer, "let_others_write", write_behind)
        import_source(target, reviews(tmp_path / "t.csv", 4000), SourceColumns(label="label"))
        assert len(sizes) == 8
        assert max(sizes) < store.db.path.stat().st_size / 2


def test_ten_times_the_files_of_a_folder_take_no_more_memory(tmp_path: Path) -> None:
    for number in range(330):
        write(tmp_path / ("few" if number < 30 else "many") / f"{number // 10:03}" / f"{number:04}.png", b"")

    def walk(name: str) -> None:
        for _row in sources.read(tmp_path / name):
            pass

    few, many = memory_of(partial(walk, "few")), memory_of(partial(walk, "many"))
    assert many < 2 * few


def test_a_file_of_a_zip_takes_its_entry_in_the_directory_and_little_more(tmp_path: Path) -> None:
    def zipped(n: int) -> Path:
        with zipfile.ZipFile(tmp_path / f"{n}.zip", "w") as archive:
            for number in range(n):
                archive.writestr(f"{number // 100:03}/{number:04}.png", b"")
        return tmp_path / f"{n}.zip"

    def listed(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            assert len(archive.infolist()) > 0

    def walk(path: Path) -> None:
        for _row in sources.read(path):
            pass

    few, many = zipped(100), zipped(2100)
    walk(few)  # what is loaded once

    def least(work: Callable[[Path], None], path: Path) -> int:
        """Of several times: threads that earlier tests have left, and the collector, add to some of them."""
        return min(memory_of(partial(work, path)) for _ in range(3))

    grows, directory = (least(work, many) - least(work, few) for work in (walk, listed))
    assert grows < 2 * directory


def test_equal_texts_are_one_item_within_a_batch_across_batches_and_across_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "AT_ONCE", 3)
    target = make(tmp_path / "p")
    apart = unicodedata.normalize("NFD", "좋은 영화")
    texts = ["좋은 영화", "  좋은\n영화", "a b", "A b", apart, "a  b"]
    table = write_csv(tmp_path / "t.csv", [["text"], *([t] for t in texts)])
    first, second = import_source(target, table), import_source(target, table)
    assert (first.added, first.duplicates) == (3, 3)
    assert (second.added, second.duplicates, second.labels_added) == (0, 6, 0)
    assert [item.text for item in items(target)] == ["좋은 영화", "a b", "A b"]  # as first met
    assert (second.pool, second.holdout) == (first.pool, first.holdout)


def test_an_equal_row_adds_the_label_that_was_missing(tmp_path: Path) -> None:
    target = make(tmp_path / "p")
    table = write_csv(tmp_path / "t.csv", [["text", "label"], ["a", ""], ["a", "neg"], ["a", "pos"], ["b", ""]])
    assert import_source(target, table, SourceColumns(label="label")).labels_added == 1
    assert labels(target) == {"t.csv row 2": "neg"}
    later = write_csv(tmp_path / "u.csv", [["text", "label"], ["b", "pos"]])
    assert import_source(target, later, SourceColumns(label="label")).labels_added == 1
    assert labels(target) == {"t.csv row 2": "neg", "t.csv row 5": "pos"}


def test_line_breaks_inside_a_text_are_kept(tmp_path: Path) -> None:
    target = make(tmp_path / "p")
    import_source(target, write_csv(tmp_path / "t.csv", [["text"], ["first line\n\nsecond line\n"]]))
    assert [item.text for item in items(target)] == ["first line\n\nsecond line"]


def test_the_other_columns_are_kept_as_metadata(tmp_path: Path) -> None:
    target = make(tmp_path / "p")
    import_source(target, write_csv(tmp_path / "t.csv", [["text", "id", "note"], ["one", "007", ""]]))
    with target.store() as store:
        item = store.items.get(1)
    assert item is not None
    assert dict(item.metadata) == {"id": "007"}


def test_progress_ends_at_the_number_of_rows(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    table = reviews(tmp_path / "t.csv", 250)
    import_source(make(tmp_path / "p"), table, on_progress=lambda done, total: calls.append((done, total)))
    assert calls == [(100, 250), (200, 250), (250, 250)]


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["NA", "", '"', '"a,b', "훌륭한 영화", unicodedata.normalize("NFD", "훌륭한  영화"), "a\nb", "a b"]
)


def delimited(path: Path, table: pd.DataFrame, delimiter: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:  # DataFrame.to_csv leaves \r without quotes
        csv.writer(file, delimiter=delimiter).writerows([table.columns, *table.to_numpy().tolist()])


TABLES: dict[str, Callable[[Path, pd.DataFrame], object]] = {
    ".csv": lambda path, table: delimited(path, table, ","),
    ".tsv": lambda path, table: delimited(path, table, "\t"),
    ".jsonl": lambda path, table: path.write_text("\n".join(map(json.dumps, table.to_dict("records")))),
    ".json": lambda path, table: path.write_text(json.dumps(table.to_dict("records"))),
    ".parquet": lambda path, table: table.to_parquet(path, index=False),
}


@pytest.mark.slow
@given(texts=st.lists(CELL, min_size=1, max_size=12), suffix=st.sampled_from(sorted(TABLES)))
def test_no_text_is_lost_and_none_is_invented(texts: list[str], suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        TABLES[suffix](path, pd.DataFrame({"id": range(len(texts)), "text": texts}))
        target = make(Path(folder) / "p")
        report = import_source(target, path)
        stored = [normalise(item.text or "") for item in items(target)]
    wanted = [normalise(text.replace("\0", "")) for text in texts]
    assert len(stored) == len(set(stored)) == report.added
    assert set(stored) == set(wanted) - {""}
    assert len(report.problems) == wanted.count("")
    assert report.added + report.duplicates + len(report.problems) == len(texts)
    assert report.pool + report.holdout == report.added


# ---------------------------------------------------------------- splits


def test_the_holdout_is_drawn_once_and_stays(tmp_path: Path) -> None:
    target = make(tmp_path / "p")
    first = import_source(target, reviews(tmp_path / "t.csv", 100))
    drawn = {item.source for item in items(target) if item.split == "holdout"}
    assert (first.pool, first.holdout) == (85, 15)
    again = import_source(target, reviews(tmp_path / "t.csv", 200))
    assert (again.added, again.pool, again.holdout) == (100, 185, 15)
    assert {item.source for item in items(target) if item.split == "holdout"} == drawn


@pytest.mark.parametrize("sorted_at_once", [7, 1000])
def test_sides_that_are_drawn_before_rows_are_stored_are_those_that_would_be_drawn_of_the_stored_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sorted_at_once: int
) -> None:
    monkeypatch.setattr(store_holdout, "SORTED_AT_ONCE", sorted_at_once)
    texts = [f"text {n % 90}" for n in range(100)]
    at_once, later = make(tmp_path / "at once"), make(tmp_path / "later")
    with later.store() as store:
        store.items.add([NewItem(content_hash(text.encode()), "row", text) for text in texts])
        store.holdout.draw()
        drawn = store.holdout.drawn()
    table = write_csv(tmp_path / "texts.csv", [("text",), *((text,) for text in texts)])
    importer._staged(at_once, table, SourceColumns(), {"keep_labels": "all"}, lambda done, total: None, False)
    monkeypatch.setattr(store_holdout, "drawn_items", None)  # nothing is left to be drawn behind the rows
    importer.finish_left(at_once)
    with at_once.store() as store:
        assert store.holdout.drawn() == drawn
        assert len(drawn) > 0


def test_nothing_is_drawn_beside_a_holdout_that_the_file_names_for_some_of_its_items(tmp_path: Path) -> None:
    target = make(tmp_path / "p")
    tasks = [{"id": n, "data": {"text": f"text {n}", **({"split": "test"} if n < 20 else {})}} for n in range(100)]
    source = tmp_path / "tasks.json"
    source.write_text(json.dumps(tasks))
    report = import_source(target, source, SourceColumns(split="split"))
    assert (report.pool, report.holdout) == (80, 20)


def test_a_split_column_decides(tmp_path: Path) -> None:
    target = make(tmp_path / "p")
    values = ["train", "Test", " HOLDOUT ", "", "valid"]
    table = write_csv(tmp_path / "t.csv", [["text", "split"], *([f"t{v}", v] for v in values)])
    report = import_source(target, table, SourceColumns(split="split"))
    assert [item.split for item in items(target)] == ["pool", "holdout", "holdout", "pool", "pool"]
    assert (report.pool, report.holdout) == (3, 2)


@pytest.mark.parametrize("with_split", [True, False])
def test_only_the_holdout_keeps_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_split: bool) -> None:
    monkeypatch.setattr(importer, "AT_ONCE", 30)
    target = make(tmp_path / "p")
    records = [[f"r{i}", ("pos", "neg")[i % 2], "test" if i % 10 == 0 else "train"] for i in range(100)]
    table = write_csv(tmp_path / "t.csv", [["text", "label", "split"], *records])
    split_column = "split" if with_split else None
    for added in (100, 0):
        report = import_source(target, table, SourceColumns(label="label", split=split_column), keep_labels="holdout")
        holdout = [item for item in items(target) if item.split == "holdout"]
        assert (report.added, report.holdout, len(holdout)) == (added, len(holdout), 10 if with_split else 15)
        assert report.labels_added == (len(holdout) if added else 0)
        assert labels(target) == {item.source: ("pos", "neg")[int(str(item.text)[1:]) % 2] for item in holdout}


def test_an_equal_text_in_both_splits_leaks_no_label_into_the_pool(tmp_path: Path) -> None:
    target = make(tmp_path / "p")
    records = [["text", "label", "split"], ["same", "pos", "train"], ["other", "neg", "test"]]
    columns = SourceColumns(label="label", split="split")
    import_source(target, write_csv(tmp_path / "t.csv", records), columns, keep_labels="holdout")
    again = write_csv(tmp_path / "u.csv", [records[0], ["same", "pos", "test"]])
    assert import_source(target, again, columns, keep_labels="holdout").labels_added == 0
    assert labels(target) == {"t.csv row 3": "neg"}


def test_an_import_cut_off_leaves_nothing_and_can_be_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "AT_ONCE", 40)
    table = reviews(tmp_path / "t.csv", 100)
    whole, cut = make(tmp_path / "whole"), make(tmp_path / "cut")
    import_source(whole, table, SourceColumns(label="label"), keep_labels="holdout")

    def die(done: int, total: int) -> None:
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_source(cut, table, SourceColumns(label="label"), keep_labels="holdout", on_progress=die)
    with cut.store() as store:
        assert store.db.rows("SELECT * FROM items") == store.imports.all() == []
    report = import_source(cut, table, SourceColumns(label="label"), keep_labels="holdout")
    assert (report.added, report.duplicates) == (100, 0)
    assert [(i.text, i.split) for i in items(cut)] == [(i.text, i.split) for i in items(whole)]
    assert labels(cut) == labels(whole)


# ---------------------------------------------------------------- images


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that claims to be `side` pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_images_are_verified_and_copied_into_the_project(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    good = {
        "cat/a.png": picture(1),
        "cat/b.jpeg": picture(2, "JPEG"),
        "dog/c.bmp": picture(3, "BMP"),
        "dog/d.gif": picture(4, "GIF"),
        "e.tif": picture(5, "TIFF"),
        "f.webp": picture(6, "WEBP"),
        "phone.jpg": picture(11, "MPO"),
        "png_in_truth.jpg": picture(7),
    }
    bad = {
        "cat/text.png": b"not an image",
        "cat/empty.png": b"",
        "cat/cut.png": picture(8, size=64)[:-3000],
        "cat/cut.jpg": picture(9, "JPEG", size=64)[:-2000],
        "cat/huge.png": bomb(20_000),
        "cat/notes.txt": b"words",
        "bird/a.png": picture(10),
    }
    for name, content in (good | bad).items():
        write(scans / name, content)
    write(scans / "dog/again.png", good["cat/a.png"])
    target = make(tmp_path / "p", "image", ("cat", "dog"))
    report = import_source(target, scans)

    assert (report.added, report.duplicates, report.labels_added) == (8, 1, 4)
    assert sorted(problem.source for problem in report.problems) == sorted(f"scans/{name}" for name in bad)
    assert all(problem.reason and "0x" not in problem.reason for problem in report.problems)
    assert labels(target) == {f"scans/{name}": name[:3] for name in good if "/" in name}
    for item in items(target):
        content = good[item.source.removeprefix("scans/")]
        assert (target.folder / str(item.media)).read_bytes() == content
        assert str(item.media).startswith(f"media/{content_hash(content)[:2]}/{content_hash(content)}.")
        assert item.content_hash == content_hash(content)
    assert [Path(str(item.media)).suffix for item in items(target)][-2:] == [".jpg", ".png"]
    assert len([path for path in target.media.rglob("*") if path.is_file()]) == 8  # no left-overs


def test_a_second_run_adds_nothing_and_heals_a_damaged_copy(tmp_path: Path) -> None:
    for i in range(5):
        write(tmp_path / "scans" / f"{i}.png", picture(i))
    target = make(tmp_path / "p", "image")
    import_source(target, tmp_path / "scans")
    before = items(target)
    damaged = target.folder / str(before[0].media)
    damaged.write_bytes(b"")
    report = import_source(target, tmp_path / "scans")
    assert (report.added, report.duplicates, report.problems) == (0, 5, ())
    assert items(target) == before
    assert content_hash(damaged.read_bytes()) == before[0].content_hash


def test_folders_that_name_no_class_only_sort_the_files(tmp_path: Path) -> None:
    write(tmp_path / "by_patient/p1/a.png", picture(1))
    write(tmp_path / "by_class/Pos/b.png", picture(2))
    target = make(tmp_path / "p", "image")
    assert import_source(target, tmp_path / "by_patient").added == 1
    (problem,) = import_source(target, tmp_path / "by_class").problems
    assert str(problem) == "by_class/Pos/b.png: the label 'Pos' is not among the classes 'pos', 'neg'"


def test_a_zip_and_a_table_of_image_paths(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr(unicodedata.normalize("NFD", "양성") + "/a.png", picture(1))
        archive.writestr("음성/b.png", picture(2))
        archive.writestr("../c.png", picture(3))
    target = make(tmp_path / "p", "image", ("양성", "음성"))
    report = import_source(target, tmp_path / "s.zip")
    assert (report.added, report.labels_added, len(report.problems)) == (2, 2, 1)

    write(tmp_path / "images/c.png", picture(3))
    write(tmp_path / "images/b.png", picture(2))
    table = [["file", "label", "split"], ["images/c.png", "양성", "x"], ["images/b.png", "", "x"], ["no.png", "", "x"]]
    report = import_source(target, write_csv(tmp_path / "t.csv", table), SourceColumns(label="label", split="split"))
    assert (report.added, report.duplicates, report.labels_added, len(report.problems)) == (1, 1, 1, 1)
    assert labels(target) == {"s.zip/양성/a.png": "양성", "s.zip/음성/b.png": "음성", "t.csv row 2": "양성"}


def test_a_broken_entry_of_a_zip_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", picture(1))
        archive.writestr("b.png", picture(2))
    content = path.read_bytes()
    path.write_bytes(content.replace(picture(1)[-60:-20], bytes(40)))
    report = import_source(make(tmp_path / "p", "image"), path)
    assert report.added == 1
    assert [problem.source for problem in report.problems] == ["s.zip/a.png"]


def test_the_other_modality_is_refused_before_anything_is_stored(tmp_path: Path) -> None:
    write(tmp_path / "scans/a.png", picture(1))
    table = reviews(tmp_path / "t.csv", 3)
    for target, source in ((make(tmp_path / "t"), tmp_path / "scans"), (make(tmp_path / "i", "image"), table)):
        with pytest.raises(SourceError, match=r"this project is for (texts|images)"):
            import_source(target, source)
        assert items(target) == []


def test_dicom_files_are_images_whatever_they_are_called(tmp_path: Path) -> None:
    target = make(tmp_path / "p", "image")
    (tmp_path / "scans").mkdir()
    whole = write_dicom(tmp_path / "scans/a.dcm", np.arange(64, dtype=np.uint16).reshape(8, 8)).read_bytes()
    write(tmp_path / "scans/b.png", whole[:-1] + b"\1")  # other content
    write(tmp_path / "scans/c.dcm", whole[:-50])
    report = import_source(target, tmp_path / "scans")
    assert report.added == 2
    (problem,) = report.problems
    assert problem.source == "scans/c.dcm"
    assert "cannot be read as a DICOM image" in problem.reason
    for item in items(target):
        assert item.media is not None
        assert item.media.endswith(".dcm")
        assert open_image(target.folder / item.media).size == (8, 8)


def test_an_import_of_many_rows_stores_the_same_whatever_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of equal rows the first gives the source and the label, also where rows are ordered by their hashes."""
    rows = [("text", "label"), *((f"sentence {i % 31}", "pos" if i % 2 else "neg") for i in range(80))]
    path = write_csv(tmp_path / "t.csv", rows)
    targets = []
    for in_order in (1000, 10):
        monkeypatch.setattr(staged, "IN_ORDER", in_order)
        targets.append(make(tmp_path / f"in order {in_order}"))
        report = import_source(targets[-1], path, keep_labels="all")
        assert (report.added, report.duplicates) == (31, 49)
    ordered, by_hash = ({item.source: item.text for item in items(target)} for target in targets)
    assert ordered == by_hash
    assert labels(targets[0]) == labels(targets[1])
    assert [item.source for item in items(targets[1])] != list(ordered)
