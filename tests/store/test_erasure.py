"""Erasure in the database: a name leaves every table, an item loses what it holds, and what was counted stays."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.core.class_changes import ClassChange
from labeler.core.items import Answer, NewItem
from labeler.core.jobs import AdaptationRequest, TakeoutRequest
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.driver import sqlite3
from labeler.store.erasure import PEOPLE, AboutPerson
from tests.support.fill import add, rank
from tests.support.samples import text_config

NAME = "kim minjun"
SECRET = "the patient of room 12"


@pytest.fixture
def worked(store: Store) -> Store:
    """A project in which the person has left traces of every kind."""
    store.items.add([NewItem("a" * 32, SECRET, SECRET, split="pool", metadata={"room": SECRET}, group=SECRET)])
    add(store, 5)
    rank(store, [1, 2, 3])
    store.db.actor = replace(store.db.actor, name=NAME, address="10.0.0.7")
    store.desk.reserve(NAME, f"python-1-{NAME}", 3)
    store.answers.add(
        NAME, [Answer(f"{NAME}:items:1", 1, "label", "good", 1.0, f"python-1-{NAME}", note=f"not sure: {SECRET}")]
    )
    store.answers.add("lee", [Answer("r2", 1, "label", "bad")])
    store.decisions.add(NAME, f"{NAME}:review:2", 2, "label", "bad")
    store.stops.stop(NAME)
    store.stops.lift(NAME)
    store.asked_next.ask([1, 3], 2, NAME, "two items")
    store.team.assign(NAME, "novice", [])
    store.class_changes.add(ClassChange("rename", ("bad",), ("poor",)), NAME)
    store.takeouts.request(TakeoutRequest("model"), NAME)
    for who in (NAME, "lee"):
        store.refused.record(who, f"{who}-1", 1, {"note": f"{who}: {SECRET}"}, "no")
    store.refused.discard(store.refused.all()[0], NAME)
    store.adaptations.request(AdaptationRequest(), NAME)
    store.settings_log.changed(
        text_config().as_dict(), replace(text_config(), team=replace(text_config().team, leads=(NAME,))).as_dict()
    )
    store.explanations.get_or_request("a" * 32, "m", "saw")
    return store


def cells(store: Store) -> list[str]:
    """Every value in the database, as text."""
    tables = [r["name"] for r in store.db.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    return [f"{t}: {cell}" for t in tables for row in store.db.execute(f"SELECT * FROM {t}") for cell in row]


def test_a_name_is_in_no_cell_any_more(worked: Store):
    version, work = worked.version(), worked.effort.work()
    assert NAME in set(work["annotator"])
    assert worked.erasure.about(NAME) == AboutPerson(answers=1, notes=1, decisions=1)
    opaque = worked.erasure.person(NAME, notes=False)
    assert [cell for cell in cells(worked) if NAME in cell or "10.0.0.7" in cell] == []
    assert worked.erasure.about(NAME) is None
    assert worked.version() != version
    assert set(worked.effort.work()["annotator"]) == {opaque, "lee"}
    assert worked.answers.get(opaque, 1)["label"] == "good"
    assert worked.audit.verify().broken is None


def test_notes_go_where_that_is_asked_for(worked: Store):
    worked.erasure.person(NAME, notes=False)
    assert any(f"not sure: {SECRET}" in cell for cell in cells(worked))
    worked.erasure.person("lee", notes=True)
    (opaque,) = [m.name for m in worked.team.all() if m.role == "novice"]
    worked.erasure.person(opaque, notes=True)
    assert not any("not sure" in cell for cell in cells(worked))


def test_every_column_of_names_is_known(store: Store):
    columns = {
        (table["name"], column["name"])
        for table in store.db.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'audit_log'")
        for column in store.db.rows(f"PRAGMA table_info({table['name']})")
        if column["name"] in ("by", "annotator", "name") or column["name"].endswith("_by")
    }
    assert columns - {("_sqlite_migrations", "name"), ("sqlite_stat1", "name"), ("sqlite_sequence", "name")} == set(
        PEOPLE
    )


def test_an_item_keeps_its_label_and_nothing_of_its_content(worked: Store):
    counts, labels, exported = worked.items.counts(), worked.items.labels(), len(worked.answers.export())
    (erased,) = worked.erasure.items([1, 1, 99])
    assert (erased.id, erased.content_hash) == (1, "a" * 32)
    assert [cell for cell in cells(worked) if SECRET in cell or "a" * 32 in cell] == []
    assert worked.items.labels() == labels
    assert len(worked.answers.export()) == exported
    assert replace(worked.items.counts(), open=counts.open) == counts
    assert worked.audit.verify().holds
    assert worked.erasure.items([1]) == []


def test_nobody_is_given_an_erased_item_or_can_answer_it(worked: Store):
    worked.erasure.items([1, 3, 4])
    held = {r.item.id for r in worked.desk.reserve("ann", "t", 20)}
    assert held == {5, 6}
    assert worked.items.get(3) is None
    (receipt,) = worked.answers.add("ann", [Answer("r9", 3, "label", "good")])
    assert not receipt.ok
    assert [item.id for item in worked.items.all()] == [2, 5, 6]


def test_after_an_erasure_tables_are_append_only_again(worked: Store):
    worked.erasure.person(NAME, notes=True)
    for table in ("annotations", "adjudications", "class_changes", "audit_log"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            worked.db.execute(f"DELETE FROM {table}")
        worked.db.connection.rollback()


def test_an_erasure_that_fails_leaves_all_as_it_was(worked: Store, monkeypatch: pytest.MonkeyPatch):
    def fails(*values: object) -> None:
        raise RuntimeError

    before = cells(worked)
    monkeypatch.setattr(worked.audit, "record", fails)
    with pytest.raises(RuntimeError):
        worked.erasure.person(NAME, notes=True)
    assert cells(worked) == before
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        worked.db.execute("DELETE FROM annotations")


def test_nothing_is_left_in_the_databases_files(project: Project, worked: Store):
    files = list(project.folder.glob("labels.sqlite*"))
    assert any(SECRET.encode() in file.read_bytes() for file in files)
    worked.db.execute("PRAGMA secure_delete = ON")
    worked.erasure.items([1])
    worked.erasure.person(NAME, notes=True)
    assert worked.erasure.finish()
    assert [f.name for f in files if SECRET.encode() in f.read_bytes() or NAME.encode() in f.read_bytes()] == []


@settings(max_examples=5)
@given(st.lists(st.sampled_from(["ann", "bob", "cho", "import2"]), min_size=1, max_size=6), st.integers(0, 3))
def test_the_log_holds_after_any_erasures(names: list[str], which: int):
    with Store(":memory:", text_config()) as store:
        for number, name in enumerate(names):
            store.stops.stop(name, f"{number}")
            store.stops.lift(name)
        for name in dict.fromkeys(names[which:]):
            store.erasure.person(name, notes=False)
        assert store.audit.verify().holds
        left = json.dumps([row.by for row in store.audit.rows()])
        assert not any(f'"{name}"' in left for name in names[which:])
