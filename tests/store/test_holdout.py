"""The holdout: drawn once at random, by groups, and never from what a file has given its side."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.items import NewItem
from labeler.core.settings import EvaluationConfig
from labeler.store import Store, holdout
from tests.support.fill import add
from tests.support.samples import text_config


def memory() -> Store:
    return Store(":memory:", text_config())


@pytest.mark.slow
@given(st.integers(0, 60))
def test_the_holdout_is_fifteen_percent_and_stays_what_it_is(n):
    with memory() as store:
        add(store, n, split=None)
        store.holdout.draw()
        first = [i.id for i in store.items.all() if i.split == "holdout"]
        assert len(first) == round(0.15 * n)
        add(store, 20, split=None, first=n)
        store.holdout.draw()
        now = [i.id for i in store.items.all() if i.split == "holdout"]
        if first:
            assert now == first


def test_the_holdout_is_at_most_300_and_not_simply_the_first_rows(store):
    add(store, 2100, split=None)
    store.holdout.draw()
    ids = [i.id for i in store.items.all() if i.split == "holdout"]
    assert len(ids) == 300
    assert max(ids) > 1500
    assert min(ids) < 600


def holdout_of(store: Store) -> set[int]:
    return {item.id for item in store.items.all() if item.split == "holdout"}


def test_a_new_project_draws_its_holdout_by_a_seed_of_its_own(random_holdout):
    drawn = []
    for _project in range(2):
        with memory() as store:
            add(store, 400, split=None)
            store.holdout.draw()
            drawn.append(holdout_of(store))
    assert len(drawn[0]) == len(drawn[1]) == 60
    assert drawn[0] != drawn[1]


def test_a_project_that_has_items_goes_on_by_the_seed_that_all_had(store, random_holdout):
    add(store, 1)
    with store.write():
        store.db.execute("ALTER TABLE project DROP COLUMN holdout_seed")
        store.db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm049_holdout_seed'")
        store.db.execute("PRAGMA user_version = 1")
    with Store(store.path, store.config) as opened:
        assert opened.db.holdout_seed() == 20_201_122


def test_items_in_parts_follow_their_groups_whatever_part_they_are_in(store, monkeypatch):
    store.items.add(
        [NewItem("a", "1", text="a", split="holdout", group="g"), NewItem("b", "2", text="b", split="pool")]
    )
    later = [NewItem(f"c{i}", "later", text=f"c{i}", group="g" if i % 3 == 0 else None) for i in range(10)]
    store.items.add(later)
    monkeypatch.setattr(holdout, "AT_ONCE", 2)
    store.holdout.draw()
    of_group = {item.text for item in store.items.all() if item.split == "holdout"}
    assert of_group == {"a", "c0", "c3", "c6", "c9"}
    assert store.items.counts().pool == 7


def test_items_of_drawn_groups_join_some_at_a_time(store, monkeypatch):
    joined = [0]
    monkeypatch.setattr(holdout, "AT_ONCE", 4)
    monkeypatch.setattr(holdout, "let_others_write", lambda _db, _rows: joined.append(len(holdout_of(store))))
    store.items.add([NewItem(f"{i}", f"{i}", text=f"{i}", group=f"g{i % 6}") for i in range(60)])
    store.holdout.draw(20)
    groups = [item.group for item in store.items.all() if item.split == "holdout"]
    assert Counter(groups) == dict.fromkeys({*groups}, 10)
    assert len(groups) == store.db.value("SELECT SUM(drawn) FROM items") == 20
    assert max(np.diff(joined)) <= 4


def test_items_of_a_first_draw_that_was_cut_off_are_no_later_items(monkeypatch):
    """Of later items another share is drawn, and they stand for others: these had their chance in the first draw."""
    config = text_config(evaluation=EvaluationConfig(later_share=0.1))
    with Store(":memory:", config) as store:
        number = store.imports.begin("scans")
        store.items.add([NewItem(f"{i}", f"{i}", text=f"{i}", group=f"g{i // 2}") for i in range(60)], number)
        monkeypatch.setattr(holdout, "AT_ONCE", 4)

        def cut_off(_db, _rows):
            if store.items.counts().pool:
                raise KeyboardInterrupt

        monkeypatch.setattr(holdout, "let_others_write", cut_off)
        with pytest.raises(KeyboardInterrupt):
            store.holdout.draw(20)
        monkeypatch.setattr(holdout, "let_others_write", lambda _db, _rows: None)
        drawn = holdout_of(store)
        assert 0 < store.items.counts().pool < 40
        store.holdout.draw(20)
        assert holdout_of(store) == drawn
        assert (store.items.counts().holdout, store.items.counts().pool) == (20, 40)
        assert store.db.value("SELECT COUNT(*) FROM items WHERE chance IS NOT NULL") == 0


@pytest.mark.parametrize("kept", [True, False])
def test_later_items_are_drawn_where_one_of_them_follows_a_group_of_the_first_draw(kept):
    """Args: kept: whether the first import is known; an old project's first items have none."""
    with Store(":memory:", text_config(evaluation=EvaluationConfig(later_share=0.5))) as store:
        first = [NewItem(f"{i}", f"{i}", text=f"{i}", group=f"g{i // 2}") for i in range(60)]
        store.items.add(first, store.imports.begin("scans") if kept else None)
        store.holdout.draw(20)
        group = next(item.group for item in store.items.all() if item.split == "holdout")
        later = [NewItem(f"{i}", f"{i}", text=f"{i}", group=group if i == 60 else None) for i in range(60, 160)]
        store.items.add(later, store.imports.begin("more scans"))
        store.holdout.draw()
        assert store.db.value("SELECT COUNT(*) FROM items WHERE id > 60 AND chance IS NULL") == 1
        assert store.db.value("SELECT COUNT(*) FROM items WHERE split = 'holdout' AND chance = 0.5") > 20


def test_a_given_holdout_is_kept_and_nothing_is_drawn_to_it(store):
    add(store, 3, split="holdout")
    add(store, 40, split=None, first=3)
    store.holdout.draw()
    counts = store.items.counts()
    assert (counts.holdout, counts.pool) == (3, 40)
