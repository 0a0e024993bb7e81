"""Connections that stay open: one for each thread, never of another file, given up when something failed."""

import sqlite3
import threading

import pytest

from labeler.store import Store
from labeler.store import kept_open as kept
from labeler.store.kept_open import kept_store
from tests.support.fill import add
from tests.support.samples import text_config


@pytest.fixture
def path(tmp_path):
    yield tmp_path / "labels.sqlite"
    for store in kept._kept.stores.values():
        store.close()
    kept._kept.stores.clear()


def test_a_thread_gets_its_connection_again_and_another_thread_its_own(path):
    config = text_config()
    with kept_store(path, config) as first:
        add(first, 1)
    with kept_store(path, config) as again:
        assert again is first
        assert again.items.counts().pool == 1

    others = []
    thread = threading.Thread(target=lambda: others.append((kept_store(path, config), kept._kept.stores)))
    thread.start()
    thread.join()
    assert others[0][0] is not first
    assert list(others[0][1].values()) == [others[0][0]]


def test_what_one_connection_stored_the_kept_ones_see(path):
    with kept_store(path, text_config()) as store:
        assert store.items.counts().pool == 0
    with Store(path, text_config()) as other:
        add(other, 2)
    with kept_store(path, text_config()) as store:
        assert store.items.counts().pool == 2


def test_changed_settings_are_those_of_the_next_request(path):
    with kept_store(path, text_config(budget=5)) as first:
        pass
    with kept_store(path, text_config(budget=6)) as again:
        assert again is first
        assert again.config.budget == 6


def test_a_database_put_in_place_of_another_is_opened_anew(path, tmp_path):
    with kept_store(path, text_config()) as store:
        add(store, 1)
    with Store(tmp_path / "backup.sqlite", text_config()) as backup:
        add(backup, 3)
    (tmp_path / "backup.sqlite").replace(path)
    for log in tmp_path.glob("labels.sqlite-*"):
        log.unlink()
    with kept_store(path, text_config()) as store:
        assert store.items.counts().pool == 3


def test_after_a_failure_the_connection_is_closed_and_nothing_half_done_is_left(path):
    store = kept_store(path, text_config())

    def fail() -> None:
        with store, store.write():
            add(store, 1)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    with pytest.raises(sqlite3.ProgrammingError):
        store.items.counts()
    with kept_store(path, text_config()) as again:
        assert again.items.counts().pool == 0


def test_only_the_databases_used_last_stay_open(tmp_path, path):
    stores = [kept_store(tmp_path / f"{i}.sqlite", text_config()) for i in range(kept.MOST + 1)]
    assert [store.path.stem for store in kept._kept.stores.values()] == [str(i) for i in range(1, kept.MOST + 1)]
    with pytest.raises(sqlite3.ProgrammingError):
        stores[0].items.counts()
