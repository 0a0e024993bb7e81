"""How many items one person may hold at once."""

from itertools import count

import pytest

from labeler.core.settings import LabelingConfig
from labeler.store import Store
from tests.support.fill import add, rank
from tests.support.samples import text_config


@pytest.mark.parametrize(("items", "limit"), [(30, 20), (90, 45), (260, 100)])
def test_one_person_holds_no_more_than_half_of_the_pool_in_any_number_of_tabs(store: Store, items: int, limit: int):
    add(store, items)
    held = {r.item.id for tab in range(12) for r in store.desk.reserve("kim", f"tab {tab}", 20)}
    assert len(held) == limit
    assert len(store.desk.reserve("lee", "tab of lee", 10)) == 10


def test_what_was_answered_makes_room_again(store: Store):
    add(store, 30)
    store.desk.reserve("kim", "a", 20)
    assert store.desk.reserve("kim", "b", 20) == []
    store.desk.reserve("kim", "a", 15, release=[1, 2, 3, 4, 5])
    assert len(store.desk.reserve("kim", "b", 20)) == 5


def test_what_a_lead_had_asked_next_comes_on_top(store: Store):
    add(store, 30)
    store.desk.reserve("kim", "a", 20)
    store.asked_next.ask([25, 26], 2, "lee", "two")
    first = [r.item.id for r in store.desk.reserve("kim", "a", 20) if r.first]
    assert first == [25, 26]


@pytest.mark.parametrize("overlap", [1, 2])
def test_a_reservation_looks_at_none_of_the_items_that_are_held(overlap: int):
    def steps(held: int) -> int:
        """The steps of SQLite in a reservation where people hold all items, which are not in the latest ranking."""
        labeling, ticks = LabelingConfig(overlap=overlap), count()
        with Store(":memory:", text_config(labeling=labeling, budget=10_000)) as store:
            add(store, held)
            for who in (f"{person}" for person in range(overlap * held // 20)):
                assert len(store.desk.reserve(who, who, 20)) == 20
            rank(store, [1])
            store.desk.reserve("kim", "kim", 20)
            store.db.connection.set_progress_handler(lambda: next(ticks) < 0, 1)
            assert store.desk.reserve("kim", "kim", 20) == []
            store.db.connection.set_progress_handler(None, 1)
        return next(ticks)

    assert steps(300) < 1.1 * steps(100)
