"""What SQLite's errors mean: each is one sentence that names the file and says what to do."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from labeler.core.errors import DamagedError, FullError, NewerError, ReadOnlyError
from labeler.store import Store, driver
from labeler.store.driver import connect, sqlite3
from tests.support.fill import add
from tests.support.machine import ROOT
from tests.support.samples import text_config


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "labels.sqlite"
    with Store(path, text_config()) as store:
        add(store, 400)
    return path


def overwrite(path: Path, begin: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xa5" * length)


def test_a_file_that_is_no_database_is_said_to_be_damaged(path):
    overwrite(path, 0, 4096)
    with pytest.raises(DamagedError, match=r"labels\.sqlite is damaged.*labeler check"):
        Store(path, text_config())


def test_a_damaged_page_is_said_at_the_row_that_is_met_there(path):
    page = path.read_bytes().index(b"row 399") // 4096
    overwrite(path, page * 4096, 4096)
    with Store(path, text_config()) as store:
        assert store.items.counts().pool == 400  # from an index
        with pytest.raises(DamagedError, match="malformed"):
            store.db.rows("SELECT * FROM items")


@pytest.mark.parametrize(("free", "kind"), [(0, FullError), (1 << 30, DamagedError)])
def test_an_error_of_a_full_disk_is_told_from_that_of_a_broken_one(tmp_path, monkeypatch, free, kind):
    monkeypatch.setattr(driver.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    assert type(driver.trouble_of(driver.sqlite3.OperationalError("disk I/O error"), tmp_path / "a.sqlite")) is kind


def test_a_full_disk_is_said_and_what_was_stored_stays(path):
    with Store(path, text_config()) as store:
        store.db.execute(f"PRAGMA max_page_count = {store.db.value('PRAGMA page_count')}")
        with pytest.raises(FullError, match="Free space"):
            add(store, 3000)
        assert store.items.counts().pool == 400


def test_a_database_that_cannot_be_written_is_said(path):
    with Store(path, text_config()) as store:
        store.db.execute("PRAGMA query_only = ON")
        with pytest.raises(ReadOnlyError, match="cannot be written"):
            add(store, 1)


def test_a_folder_in_place_of_the_database_is_said(tmp_path):
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        Store(tmp_path, text_config())


def test_a_newer_database_is_left_as_it_is(path):
    with connect(path) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('labeler', 'm999_new', '')"
        )
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(NewerError, match="m999_new"):
        Store(path, text_config())
    with connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (999,)


def test_an_error_that_trying_again_mends_stays_what_it_is(path):
    with connect(path) as writer, Store(path, text_config()) as store:
        writer.execute("BEGIN IMMEDIATE")
        store.db.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            add(store, 1)


def test_a_process_has_one_sqlite():
    """Two copies in a process undo each other's locks: https://sqlite.org/howtocorrupt.html, 2.2.1."""
    own = re.compile(r"^\s*(import sqlite3|from sqlite3 import)", re.MULTILINE)
    files = [path for folder in ("labeler", "pages", "tests", "bench") for path in (ROOT / folder).rglob("*.py")]
    chooses = ROOT / "labeler" / "store" / "driver.py"
    assert [path for path in files if own.search(path.read_text(encoding="utf-8"))] == [chooses]
