"""Items: added once, the holdout drawn once, labels read through a view."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from labeler.core.errors import LabelerError, NewerError
from labeler.core.groups import codes
from labeler.core.items import Action, Answer, NewItem
from labeler.core.settings import LabelingConfig
from labeler.i18n.messages import mark
from labeler.store import IMPORT, Store, schema
from labeler.store.driver import sqlite3
from tests.support.fill import add
from tests.support.samples import text_config


def memory() -> Store:
    return Store(":memory:", text_config())


def test_equal_content_is_stored_once_within_and_across_calls(store):
    twice = [NewItem("a", "row 2", text="x"), NewItem("a", "row 3", text="x"), NewItem("b", "row 4", text="y")]
    assert store.items.add(twice).added == 2
    again = store.items.add(twice)
    assert (again.added, again.duplicates) == (0, 3)
    store.holdout.draw(0)
    assert [i.source for i in store.items.all()] == ["row 2", "row 4"]


def test_a_known_label_is_an_annotation_by_import_and_fills_in_later(store):
    assert store.items.add([NewItem("a", "1", text="x", split="pool")]).labels_added == 0
    assert store.items.add([NewItem("a", "1", text="x", label="good")]).labels_added == 1
    assert store.items.add([NewItem("a", "1", text="x", label="bad")]).labels_added == 0
    assert list(store.items.labels().values()) == ["good"]
    assert store.answers.export()[0]["annotator"] == IMPORT
    assert store.items.labels_spent() == 0  # nobody's time was spent on it


def test_items_are_not_seen_before_the_holdout_is_drawn(store):
    add(store, 5, split=None)
    assert store.items.all() == []
    assert store.desk.reserve("kim", "t", 5) == []
    store.holdout.draw(1)
    assert len(store.items.all()) == 5


@pytest.mark.parametrize("at_once", [2, 100])
def test_columns_are_those_of_all_items(store, at_once, monkeypatch):
    monkeypatch.setattr("labeler.store.items.READ_AT_ONCE", at_once)
    texts = [
        NewItem(f"h{9 - i}", f"row {i}", text=f"text {i}", group=f"g{i // 2}" if i < 6 else None) for i in range(9)
    ]
    store.items.add(texts)
    assert len(store.items.columns()) == 0  # nothing is in the pool yet
    store.holdout.draw(3)
    store.erasure.items([2])
    store.set_aside.put({5: mark("the file is gone")})
    items, columns = store.items.all(), store.items.columns()
    assert columns.ids.tolist() == [item.id for item in items] == [1, 3, 4, 6, 7, 8, 9]
    assert [columns.hash_of(row) for row in range(7)] == [item.content_hash for item in items]
    assert columns.holdout.tolist() == [item.split == "holdout" for item in items]
    assert columns.groups.tolist() == codes([item.group for item in items]).tolist()


def test_what_items_hold_is_read_in_the_order_that_is_asked_for(store):
    store.items.add([NewItem("a", "1", text="x"), NewItem("b", "2", media="media/b.png")])
    assert [content[:2] for content in store.items.contents([2, 1])] == [(None, "media/b.png"), ("x", None)]
    store.holdout.draw(0)
    store.erasure.items([2])
    with pytest.raises(LabelerError, match="erased while it was being read"):
        store.items.contents([1, 2])


def test_annotations_cannot_be_changed_or_deleted(store):
    add(store, 1)
    store.answers.add("kim", [Answer("r1", 1, "label", "good")])
    for sql in ("UPDATE annotations SET label = 'bad'", "DELETE FROM annotations"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.db.execute(sql)
    assert store.items.labels() == {1: "good"}


def test_most_votes_decide_then_the_latest(store):
    add(store, 1)
    for annotator, label in (("a", "good"), ("b", "bad")):
        store.answers.add(annotator, [Answer(annotator, 1, "label", label)])
    assert store.items.labels() == {1: "bad"}
    store.answers.add("c", [Answer("c", 1, "label", "good")])
    assert store.items.labels() == {1: "good"}


def test_counts_tell_pool_from_holdout(store):
    add(store, 4)
    add(store, 2, split="holdout", first=4)
    store.answers.add("kim", [Answer(f"r{i}", i, "label", "good" if i > 1 else "bad") for i in (1, 2, 5)])
    counts = store.items.counts("kim")
    assert (counts.pool, counts.holdout, counts.labeled, counts.holdout_labeled) == (4, 2, 2, 1)
    assert (counts.mine, counts.answers_by_people, dict(counts.per_class)) == (3, 3, {"good": 1, "bad": 1})


def test_a_database_of_a_newer_labeler_is_refused(project):
    with project.store() as store:
        future = {"migration_set": schema.migrations.name, "name": "m999_future", "applied_at": "2030"}
        store.db.insert("_sqlite_migrations", future)
        store.db.execute(f"PRAGMA user_version = {schema.migrations.version + 1}")
    with pytest.raises(NewerError, match="newer version"):
        project.store()


def test_a_database_made_anew_in_the_place_of_another_gets_its_tables(project):
    item = NewItem("a", "1", text="x")
    with project.store() as store:
        store.items.add([item])
    number = project.database.stat().st_ino
    project.database.write_bytes(b"")  # in the same inode, as a file system gives one out again
    assert project.database.stat().st_ino == number
    with project.store() as store:
        assert store.items.split_of(["1"]) == {}
        store.items.add([item])


def test_a_failed_write_changes_nothing(store):
    with pytest.raises(sqlite3.IntegrityError):
        store.items.add([NewItem("a", "1", text="x"), NewItem("b", "2")])  # the second has no content
    assert store.items.split_of(["a", "b"]) == {}


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["kim", "lee"]), st.sampled_from(["good", "skip", "undo"])))
)
def test_the_counts_that_are_kept_are_those_of_the_answers(answers):
    store = memory()
    store.items.add(
        [NewItem(f"{i}", f"row {i}", text=f"t{i}", label="bad" if i == 0 else None, split="pool") for i in range(3)]
    )
    for number, (item, who, choice) in enumerate(answers):
        label = choice if choice == "good" else None
        action: Action = "label" if label else choice
        store.answers.add(who, [Answer(f"r{number}", item, action, label)])
    current = store.db.rows("SELECT annotator, item_id FROM answers WHERE action = 'label'")
    assert store.items.labels_spent() == sum(row["annotator"] != IMPORT for row in current)
    assert store.items.count_labeled() == len({row["item_id"] for row in current})
    assert store.items.labels_by("kim") == sum(row["annotator"] == "kim" for row in current)


def test_a_project_of_an_older_version_keeps_its_answers_and_counts_them(tmp_path):
    path = tmp_path / "labels.sqlite"
    old = Database(sqlite3.connect(path))
    schema.migrations.known().apply(old, stop_before="m007_desk")
    old.conn.execute(
        "INSERT INTO items (content_hash, split, text, source, added_at) VALUES ('a', 'pool', 't', 'r', '')"
    )
    for number, (who, action, label) in enumerate(
        [("import", "label", "bad"), ("kim", "label", "good"), ("lee", "skip", None)]
    ):
        old.conn.execute(
            "INSERT INTO annotations (request_id, item_id, annotator, action, label, at) VALUES (?, 1, ?, ?, ?, '')",
            [str(number), who, action, label],
        )
    old.conn.commit()
    old.close()
    store = Store(path, text_config())
    assert (
        store.items.labels_spent(),
        store.items.count_labeled(),
        store.items.labels_by("kim"),
        store.items.labels_by("lee"),
    ) == (1, 1, 1, 0)
    assert store.items.labels() == {1: "good"}
    store.answers.add("kim", [Answer("x", 1, "undo")])
    assert (store.items.labels_spent(), store.items.count_labeled()) == (0, 1)


@pytest.mark.parametrize(("overlap", "everything"), [(1, 4), (2, 9)])
def test_answers_that_are_open_are_counted(overlap: int, everything: int):
    with Store(":memory:", text_config(labeling=LabelingConfig(overlap=overlap))) as store:
        add(store, 6)
        store.answers.add("kim", [Answer("a", 1, "label", "good"), Answer("b", 2, "flag")])
        assert store.items.still_open().answers == everything
