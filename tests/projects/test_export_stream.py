"""Exports as bytes that leave while rows are still being read."""

import threading
import time
from pathlib import Path

import pytest

from labeler.core.errors import LabelerError
from labeler.core.items import Answer, NewItem
from labeler.files.growing_file import AbandonedError, GrowingFile
from labeler.projects import workbook
from labeler.projects.export_stream import stream_labels
from labeler.projects.exporter import FORMATS, Export, export_labels
from labeler.projects.project import Project


@pytest.fixture
def labeled(project: Project) -> Project:
    with project.store() as store:
        store.items.add([NewItem(str(i), f"row {i}", f"text {i}", label="good", split="pool") for i in range(30)])
    return project


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "xlsx"])  # whose archive has times
def test_a_stream_has_the_bytes_of_the_file(labeled, tmp_path, kind):
    export_labels(labeled, tmp_path / f"out.{kind}")
    assert b"".join(stream_labels(labeled, "out", kind, Export())) == (tmp_path / f"out.{kind}").read_bytes()


def test_the_log_names_the_export_before_its_first_byte_leaves(labeled):
    parts = stream_labels(labeled, "out.csv", "csv", Export("items"))
    with labeled.store() as store:
        (row,) = store.audit.rows(action="exported")
    assert row.what == {"rows": "items", "format": "csv", "file": "out.csv"}
    assert row.after == {"rows": 30}
    parts.close()


def test_answers_that_arrive_while_a_slow_reader_reads_are_stored_and_not_in_the_file(labeled):
    parts = stream_labels(labeled, "out.csv", "csv", Export())
    first = next(parts)
    with labeled.store() as store:
        assert store.answers.add("kim", [Answer("1", 1, "label", "bad")])[0].ok
    assert (first + b"".join(parts)).count(b"\n") == 31


def test_what_the_format_cannot_hold_is_an_error_before_the_first_byte(labeled, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 10)
    with pytest.raises(LabelerError, match="An Excel sheet holds 10 rows at most"):
        stream_labels(labeled, "out.xlsx", "xlsx", Export())


def test_who_stops_reading_stops_the_writer(tmp_path: Path):
    file = GrowingFile(tmp_path)
    stopped: list[BaseException] = []

    def write() -> None:
        try:
            while True:
                file.write(b"part")
        except AbandonedError as error:
            stopped.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    parts = file.parts()
    assert next(parts).startswith(b"part")
    parts.close()
    thread.join(10)
    assert len(stopped) == 1
    assert [*tmp_path.iterdir()] == []


def test_the_writers_error_reaches_the_reader_after_what_was_written(tmp_path: Path):
    file = GrowingFile(tmp_path)
    file.write(b"part")
    file.end(OSError("full"))
    parts = file.parts()
    assert next(parts) == b"part"
    with pytest.raises(OSError, match="full"):
        next(parts)


def test_a_reader_waits_for_what_is_written_later(tmp_path: Path):
    file = GrowingFile(tmp_path)

    def write() -> None:
        time.sleep(0.05)
        file.write(b"late")
        file.end()

    threading.Thread(target=write).start()
    assert [*file.parts()] == [b"late"]
