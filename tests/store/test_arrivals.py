"""Later items in the holdout: a share of them, whole groups, none that was asked about, and the same again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.arrivals import Newer
from labeler.core.items import Answer, NewItem
from labeler.core.settings import EvaluationConfig
from labeler.store import Store
from tests.support.samples import text_config


def store_with(share: float, most: int = 300) -> Store:
    evaluation = EvaluationConfig(later_share=share, later_most=most)
    return Store(":memory:", replace(text_config(), evaluation=evaluation))


def add(store: Store, names: list[str], groups: list[str | None] | None = None) -> int:
    """Import texts and decide their split; the number of the import."""
    number = store.imports.begin("more.csv")
    of = groups or [None] * len(names)
    rows = [NewItem(f"{n:0>32}", n, text=n, group=g) for n, g in zip(names, of, strict=True)]
    store.items.add(rows, number)
    store.holdout.draw()
    return number


def holdout(store: Store) -> set[str]:
    return {item.source for item in store.items.all() if item.split == "holdout"}


FIRST = [f"first {i}" for i in range(20)]


def test_without_a_share_later_items_go_to_the_pool_and_nothing_stands_for_them():
    with store_with(0.0) as store:
        add(store, FIRST)
        first = holdout(store)
        add(store, [f"later {i}" for i in range(200)])
        assert holdout(store) == first
        assert store.items.later.arrivals() is None
        assert store.items.later.newer() == Newer(without=200)


@pytest.mark.slow
@given(st.integers(0, 50).map(lambda percent: percent / 100), st.permutations(range(40)), st.integers(0, 40))
def test_the_same_items_join_in_whatever_order_and_imports_they_come(share, order, cut):
    names = [f"later {i}" for i in order]
    with store_with(share) as store, store_with(share) as other:
        add(store, FIRST)
        add(store, sorted(names))
        add(other, FIRST)
        first = holdout(other)
        add(other, names[:cut])
        add(other, names[cut:])
        assert holdout(other) == holdout(store)
        assert first <= holdout(store)
        arrivals = store.items.later.arrivals()
        assert (len(arrivals.chances) if arrivals else 0) == len(holdout(store) - first)
        assert store.items.later.newer().stand_for == (40 if share else 0)


@pytest.mark.slow
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 50).map(lambda percent: percent / 100))
def test_a_group_is_on_one_side_also_where_it_comes_in_two_imports(numbers, share):
    names, groups = [f"later {i}" for i in range(len(numbers))], [f"g{n}" for n in numbers]
    half = len(names) // 2
    with store_with(share) as store:
        add(store, FIRST, [f"g{i % 4}" for i in range(20)])  # some later items are of these groups
        add(store, names[:half], groups[:half])
        add(store, names[half:], groups[half:])
        sides: dict[str, set[str]] = {}
        for item in store.items.all():
            sides.setdefault(item.group, set()).add(item.split)
        assert all(len(side) == 1 for side in sides.values())
        of_group = {row[0] for row in store.db.execute("SELECT COUNT(DISTINCT chance) FROM items GROUP BY of_group")}
        assert of_group <= {0, 1}


def test_no_more_items_join_than_may_within_thirty_days():
    with store_with(0.5, most=12) as store:
        add(store, FIRST)
        first = holdout(store)
        add(store, [f"later {i}" for i in range(10)])
        few = len(holdout(store) - first)
        assert 0 < few < 10
        add(store, [f"more {i}" for i in range(200)])
        assert len(holdout(store) - first) == 12
        chances = store.items.later.arrivals().chances
        assert sorted(set(chances.values())) == pytest.approx([(12 - few) / 200, 0.5])
        add(store, [f"still more {i}" for i in range(30)])
        assert len(holdout(store) - first) == 12
        assert store.items.later.newer() == Newer(12, 0, 210, 30, drawn=12)
        store.db.execute("UPDATE items SET added_at = '2020-01-01T00:00:00.000+00:00'")
        add(store, [f"much later {i}" for i in range(100)])
        assert len(holdout(store) - first) == 24


def test_an_item_that_was_asked_about_never_joins_also_with_its_group():
    names = [f"later {i}" for i in range(40)]
    with store_with(0.0) as store:
        add(store, FIRST)
        first = holdout(store)
        number = add(store, names, [f"g{i // 2}" for i in range(40)])
        asked = {item.id: item.source for item in store.items.all() if item.source in names[:20:2]}
        for item in asked:
            store.db.execute(
                "INSERT INTO queries (round, rank, item_id, strategy) VALUES (1, ?, ?, 'margin')", [item, item]
            )
        store.imports.undo(number, "kim")
        store.config = replace(store.config, evaluation=EvaluationConfig(later_share=0.5))
        add(store, names, [f"g{i // 2}" for i in range(40)])
        joined = holdout(store) - first
        assert 0 < len(joined) < 20
        assert not joined & set(names[:20])  # the asked ones, and the others of their groups
        assert store.items.later.newer().without == 20


def test_an_answered_item_stays_where_it_is():
    with store_with(0.5) as store:
        add(store, FIRST)
        first = holdout(store)
        number = add(store, [f"later {i}" for i in range(40)])
        pool = next(item.id for item in store.items.all() if item.split == "pool" and item.source.startswith("later"))
        (receipt,) = store.answers.add("kim", [Answer("kim-1", pool, "label", "good", 1.0, "t")])
        assert receipt.ok
        store.imports.undo(number, "kim")
        assert holdout(store) == first
        add(store, [f"later {i}" for i in range(40)])
        assert store.items.get(pool).split == "pool"


def test_an_item_whose_import_was_undone_joins_again_as_it_did():
    with store_with(0.3) as store:
        add(store, FIRST)
        number = add(store, [f"later {i}" for i in range(40)])
        joined = holdout(store)
        store.imports.undo(number, "kim")
        add(store, [f"later {i}" for i in range(40)])
        assert holdout(store) == joined
        assert store.items.later.newer().stand_for == 40


def test_random_labels_are_those_of_the_first_draw():
    with store_with(0.5) as store:
        add(store, FIRST)
        first = store.holdout.drawn()
        add(store, [f"later {i}" for i in range(40)])
        assert store.holdout.drawn() == first
        assert store.items.columns().holdout.sum() > len(first)
