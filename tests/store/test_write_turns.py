"""Threads of a process take turns at writing into a database."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from labeler.store.driver import sqlite3
from labeler.store.write_turns import AT_ONCE, turn


def test_who_comes_while_others_have_their_turn_waits_for_it_and_not_for_ever(tmp_path):
    path, ends, began = tmp_path / "a", threading.Event(), threading.Barrier(AT_ONCE + 1)

    def write() -> None:
        with turn(path, 5):
            began.wait()
            ends.wait()

    def late() -> str:
        with turn(path, 5):
            return "written"

    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(write) for _ in range(AT_ONCE)]
        began.wait()
        with pytest.raises(sqlite3.OperationalError, match="locked"), turn(path, 0.01):
            pass
        with turn(tmp_path / "another", 0.01):  # other databases have turns of their own
            waiting = pool.submit(late)
            assert not waiting.done()
        ends.set()
        assert waiting.result() == "written"
        assert [writer.result() for writer in writers] == [None] * AT_ONCE


def test_a_connection_waits_no_longer_than_its_timeout_and_keeps_it(project):
    with project.store() as first, project.store() as second:
        second.db.execute("PRAGMA busy_timeout=30")
        with first.write(), pytest.raises(sqlite3.OperationalError, match="locked"), second.write():
            pass
        assert second.db.value("PRAGMA busy_timeout") == 30
        with second.write():  # the turn that was not had is free again
            pass
        with first.write():
            pass
