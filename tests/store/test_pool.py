"""Many items without holding all of them: a sample of the pool, and the items without a label in parts."""

import numpy as np
import pytest

from labeler.core.items import Answer, NewItem
from labeler.store import pool


@pytest.fixture
def store(store):
    """Twelve texts of the pool and two of the holdout, in an order that is not that of their hashes."""
    names = [f"{7 * i % 16:x}{i:031x}" for i in range(14)]
    store.items.add(
        [NewItem(name, "", text=f"text {name}", split="holdout" if i > 11 else "pool") for i, name in enumerate(names)]
    )
    return store


def hashes(items) -> list[str]:
    return [item.content_hash[0] for item in items]


def test_a_sample_begins_in_the_middle_of_the_hashes_and_a_smaller_one_is_its_beginning(store):
    everything = hashes(store.pool.sample(100))
    assert everything == sorted(everything, key=lambda digit: (digit < "8", digit))
    assert len(everything) == store.pool.count() == 12
    assert hashes(store.pool.sample(5)) == everything[:5]


def test_items_without_a_label_come_in_parts_in_their_order(store, monkeypatch):
    monkeypatch.setattr(pool, "PART", 5)
    store.answers.add("kim", [Answer("k", 4, "label", "good")])
    store.db.execute("UPDATE items SET unreadable = 'torn' WHERE id = 9")
    parts = [[item.id for item in part] for part in store.pool.unlabeled()]
    assert parts == [[1, 2, 3, 5, 6], [7, 8, 10, 11, 12], [13, 14]]
    assert store.pool.count_unlabeled() == 13  # with the one that cannot be read
    assert len(store.pool.sample(100)) == 11


def test_columns_are_of_what_has_a_label_the_holdout_and_a_sample(store):
    whole = store.items.columns()
    store.answers.add("kim", [Answer("k", 4, "label", "good")])
    few = store.pool.columns(3)
    sampled = {item.id for item in store.pool.sample(3)}
    assert few.ids.tolist() == sorted({4, 13, 14} | sampled)
    rows = np.searchsorted(whole.ids, few.ids)
    assert (few.hashes == whole.hashes[rows]).all()
    assert (few.holdout == whole.holdout[rows]).all()
    assert few.groups is None
    everything = store.pool.columns(100)
    assert (everything.ids == whole.ids).all()
