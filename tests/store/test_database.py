"""The connection: when the write-ahead log begins anew."""

from contextlib import closing
from pathlib import Path

import pytest

from labeler.core.settings import Config
from labeler.store import Store, database
from labeler.store.driver import connect
from labeler.store.shipping import log_of


def test_a_log_that_somebody_reads_is_left_until_its_reader_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LONG_LOG", 0)
    path = tmp_path / "labels.sqlite"
    with Store(path, Config(name="test", classes=("a", "b"))) as store, closing(connect(path)) as reader:
        store.team.join("kim")
        reader.execute("BEGIN")
        people = reader.execute("SELECT name FROM annotators").fetchall()
        store.team.join("lee")
        patience = store.db.value("PRAGMA busy_timeout")
        before = log_of(path).stat().st_size
        store.db.restart_log()
        store.team.join("park")
        assert log_of(path).stat().st_size > before
        assert reader.execute("SELECT name FROM annotators").fetchall() == people
        assert store.db.value("PRAGMA busy_timeout") == patience
        reader.rollback()
        before = log_of(path).stat().st_size
        store.db.restart_log()
        store.team.join("choi")
        assert log_of(path).stat().st_size == before
