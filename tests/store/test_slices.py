"""Imported columns in the store, and which items a round prefers because of them."""

from labeler.core.items import Answer, NewItem
from tests.support.fill import add


def sites(store, n=12):
    store.items.add(
        [
            NewItem(f"{i:06d}", f"row {i}", text=f"t{i}", split="holdout" if i % 4 == 3 else "pool", metadata=metadata)
            for i, metadata in enumerate([{"site": "AB"[i % 2], 'a "b"': "x", "Größe, cm": str(i)} for i in range(n)])
        ]
    )


def test_a_column_of_the_pool(store):
    sites(store)
    add(store, 1, first=100)
    ids, texts = store.slices.pool_column("site")
    assert ids.tolist() == [1, 2, 3, 5, 6, 7, 9, 10, 11, 13]
    assert texts == ["A", "B", "A", "A", "B", "A", "A", "B", "A", ""]
    assert store.slices.pool_column("Größe, cm")[1][:3] == ["0", "1", "2"]
    assert set(store.slices.pool_column("there is none")[1]) == {""}


def test_columns_of_some_items_in_their_order(store):
    sites(store)
    assert [row["site"] for row in store.slices.metadata_of([4, 1, 2])] == ["B", "A", "B"]
    assert len(store.slices.sample()) == 12


def test_the_sample_has_several_values_of_a_column_that_repeats_itself(store, monkeypatch):
    monkeypatch.setattr("labeler.store.slices.SAMPLE", 10)
    store.items.add([NewItem(f"{i:06d}", "s", f"t{i}", metadata={"view": str(i % 10)}) for i in range(100)])
    sampled = [row["view"] for row in store.slices.sample()]
    assert len(sampled) <= 10
    assert len({*sampled}) > 3
    assert [row["view"] for row in store.slices.sample()] == sampled


def test_items_and_labels_of_the_pool_by_text(store):
    sites(store)
    store.answers.add("kim", [Answer(f"r{i}", i, "label", label="good") for i in (2, 4, 5)])
    assert store.slices.counts("site") == ([("A", 6, 1), ("B", 3, 1)], 0)  # item 4 is of the holdout
    assert store.slices.counts("there is none") == ([("", 9, 2)], 0)


def test_of_many_items_a_part_is_counted_and_the_numbers_are_estimates(store):
    store.items.add(
        [NewItem(f"{i:06d}", "s", f"t{i}", split="pool", metadata={"site": "AB"[i % 2]}) for i in range(12)]
    )
    store.answers.add("kim", [Answer(f"{i}", i, "label", "good") for i in (1, 3)])
    assert store.slices.counts("site", most=4) == ([("A", 6, 2), ("B", 6, 0)], 4)
    assert store.slices.values("site", most=1) == (["A"], 1)
