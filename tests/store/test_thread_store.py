"""One open store per thread: never of another file, closed when something failed."""

import threading

import pytest

from labeler.store import Store
from labeler.store import thread_store as thread_stores
from labeler.store.driver import sqlite3
from labeler.store.thread_store import thread_store
from tests.support.fill import add
from tests.support.samples import text_config


@pytest.fixture
def path(tmp_path):
    yield tmp_path / "labels.sqlite"
    for store in thread_stores._open_stores.by_path.values():
        store.close()
    thread_stores._open_stores.by_path.clear()


def test_a_thread_gets_its_store_again_and_another_thread_its_own(path):
    config = text_config()
    with thread_store(path, config) as first:
        add(first, 1)
    with thread_store(path, config) as again:
        assert again is first
        assert again.items.counts().pool == 1

    others = []
    thread = threading.Thread(
        target=lambda: others.append((thread_store(path, config), thread_stores._open_stores.by_path))
    )
    thread.start()
    thread.join()
    assert others[0][0] is not first
    assert list(others[0][1].values()) == [others[0][0]]


def test_an_open_store_sees_what_another_connection_stored(path):
    with thread_store(path, text_config()) as store:
        assert store.items.counts().pool == 0
    with Store(path, text_config()) as other:
        add(other, 2)
    with thread_store(path, text_config()) as store:
        assert store.items.counts().pool == 2


def test_changed_settings_are_those_of_the_next_request(path):
    with thread_store(path, text_config(budget=5)) as first:
        pass
    with thread_store(path, text_config(budget=6)) as again:
        assert again is first
        assert again.config.budget == 6


def test_a_database_put_in_place_of_another_is_opened_anew(path, tmp_path):
    with thread_store(path, text_config()) as store:
        add(store, 1)
    with Store(tmp_path / "backup.sqlite", text_config()) as backup:
        add(backup, 3)
    (tmp_path / "backup.sqlite").replace(path)
    for log in tmp_path.glob("labels.sqlite-*"):
        log.unlink()
    with thread_store(path, text_config()) as store:
        assert store.items.counts().pool == 3


def test_after_a_failure_the_connection_is_closed_and_nothing_half_done_is_left(path):
    store = thread_store(path, text_config())

    def fail() -> None:
        with store, store.write():
            add(store, 1)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    with pytest.raises(sqlite3.ProgrammingError):
        store.items.counts()
    with thread_store(path, text_config()) as again:
        assert again.items.counts().pool == 0


def test_only_the_databases_used_last_stay_open(tmp_path, path):
    stores = [thread_store(tmp_path / f"{i}.sqlite", text_config()) for i in range(thread_stores.MOST + 1)]
    assert [store.path.stem for store in thread_stores._open_stores.by_path.values()] == [
        str(i) for i in range(1, thread_stores.MOST + 1)
    ]
    with pytest.raises(sqlite3.ProgrammingError):
        stores[0].items.counts()
