"""Writes of many rows: a part in each transaction, and others can write between two of them."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from labeler.core.items import NewItem
from labeler.core.settings import FeedConfig
from labeler.store import Store, feeds, parts
from tests.support.fill import add, rank
from tests.support.samples import text_config

TASKS = {n: n for n in range(1, 11)}
FILES = {f"{n}.txt": "1" for n in range(10)}
FEED = {"inbox": FeedConfig("folder", "/srv/inbox")}


@pytest.fixture
def filled(monkeypatch):
    """A store with ten items, which writes three rows at once."""
    for module in (parts, feeds):
        monkeypatch.setattr(module, "AT_ONCE", 3)
    monkeypatch.setattr(parts, "PAUSE", 0)
    monkeypatch.setattr(parts.Database, "restart_log", lambda _db: None)
    with Store(":memory:", replace(text_config(), feeds=FEED)) as store:
        add(store, 10)
        store.label_studio.remember(TASKS, 0)
        store.feeds.has_read("inbox", FILES)
        yield store


def commits(store: Store, call: Callable[[], object]) -> int:
    """The number of transactions in which a call writes."""
    statements: list[str] = []
    store.db.connection.set_trace_callback(statements.append)
    call()
    store.db.connection.set_trace_callback(None)
    return statements.count("COMMIT")


def test_tasks_of_label_studio_are_remembered_and_forgotten_some_at_a_time(filled):
    assert commits(filled, lambda: filled.label_studio.remember(dict.fromkeys(TASKS), 0)) == 4
    assert filled.label_studio.tasks() == dict.fromkeys(TASKS)
    assert commits(filled, lambda: filled.label_studio.forget_others([3, 11])) == 3
    assert [*filled.label_studio.tasks()] == [3]


def test_items_are_set_aside_and_brought_back_some_at_a_time(filled):
    assert commits(filled, lambda: filled.set_aside.put(dict.fromkeys(TASKS, "the file is gone"))) == 4
    assert [item.id for item in filled.set_aside.all()] == [*TASKS]
    assert commits(filled, lambda: filled.set_aside.bring_back([*TASKS])) == 4
    assert filled.set_aside.all() == []
    audited = [(row.action, row.what["items"]) for row in filled.audit.rows()]
    assert sorted(audited) == [("items brought back", n) for n in (1, 3, 3, 3)] + [
        ("items set aside", n) for n in (1, 3, 3, 3)
    ]


def test_files_of_a_feed_are_recorded_and_forgotten_some_at_a_time(filled):
    filled.feeds.begin("inbox")
    assert commits(filled, lambda: filled.feeds.has_read("inbox", dict.fromkeys(FILES, "2"))) == 4
    assert filled.feeds.unread("inbox", dict.fromkeys(FILES, "2")) == set()
    filled.config = replace(filled.config, feeds={"inbox": FeedConfig("folder", "/srv/other")})
    assert commits(filled, lambda: filled.feeds.begin("inbox")) == 6  # four parts, the feed itself, and the new one
    assert filled.feeds.unread("inbox", FILES) == {*FILES}


def test_undecided_items_that_somebody_was_asked_about_are_passed_over_some_at_a_time(filled):
    add(filled, 10, split=None, first=10)
    asked = [*range(11, 18)]
    rank(filled, asked)
    assert commits(filled, filled.items.later._pass_over_seen) == 3
    assert [item.id for item in filled.items.all() if item.id > 10] == asked


def test_an_item_leaves_its_group_in_as_many_steps_however_many_others_have_left_it():
    def steps(n: int) -> int:
        ticks = count()
        with Store(":memory:", text_config()) as store:
            number = store.imports.begin("made up")
            store.items.add([NewItem(f"{i}", f"{i}", f"{i}", split="pool", group="g") for i in range(n)], number)
            store.db.connection.set_progress_handler(lambda: next(ticks) < 0, 1)
            assert store.imports.undo(number, "lead") == n
            store.db.connection.set_progress_handler(None, 1)
            assert store.db.rows("SELECT * FROM group_totals") == [{"items": 0, "groups": 0}]
        return next(ticks)

    assert steps(60) < 2.2 * steps(30)
