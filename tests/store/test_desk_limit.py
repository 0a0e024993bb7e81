"""How many items one person may hold at once."""

import pytest

from labeler.store import Store
from tests.support.fill import add


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


def test_where_the_ranking_has_all_items_nobody_looks_for_others_until_there_is_one(store: Store):
    def looks(who: str) -> bool:
        """Whether a reservation looks for items beside the ranking."""
        statements: list[str] = []
        store.db.connection.set_trace_callback(statements.append)
        store.desk.reserve(who, who, 20)
        store.db.connection.set_trace_callback(None)
        return any("INSERT INTO queries" in sql for sql in statements)

    add(store, 30)
    assert [looks(who) for who in ("kim", "lee", "ann")] == [True, True, False]
    add(store, 1, first=30)
    assert looks("ann")
    assert [reserved.item.id for reserved in store.desk.held("ann", "ann")] == [31]
