"""The audit log: what it records, that nobody changes it unnoticed, and that names leave it without breaking it."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from labeler.core.actor import Actor
from labeler.core.class_changes import ClassChange
from labeler.core.errors import ProjectError
from labeler.core.jobs import TakeoutRequest
from labeler.projects import project as projects
from labeler.projects.exporter import export_labels
from labeler.projects.importer import import_source, undo_import
from labeler.projects.project import Project
from labeler.projects.shelf import bring_back, put_away
from labeler.store import Store
from labeler.store.accounts import Accounts
from labeler.store.audit import AuditLog
from labeler.store.database import Connection
from labeler.store.driver import sqlite3
from labeler.store.schema import create_audit_log
from tests.support.fill import add
from tests.support.samples import text_config

LEE = Actor("lee", "page", "10.0.0.7")


def actions(store: Store) -> list[str]:
    return [row.action for row in store.audit.rows()[::-1]]


def lift_triggers(connection: sqlite3.Connection) -> None:
    for name in ("audit_log_keep_rows", "audit_log_keep_values"):
        connection.execute(f"DROP TRIGGER {name}")


@pytest.fixture
def log(store: Store) -> AuditLog:
    """Five rows after that of the project's creation."""
    for number in range(5):
        store.audit.record(LEE, "tried", {"number": number}, {"by": "kim"}, ["lee", "kim"])
    return store.audit


def test_everything_that_leads_do_is_recorded(store, tmp_path):
    add(store, 4)
    store.db.actor = LEE
    store.stops.stop("kim", "enough")
    store.stops.lift("kim")
    store.decisions.add("kim", "r", 1, "label", "good", "clear")
    store.decisions.undo("kim")
    store.asked_next.ask([2, 3], 1, "kim", "two items")
    store.asked_next.take_back(store.asked_next.waiting()[0])
    store.team.assign("ann", "novice", [])
    store.team.assign("ann", "novice", [])
    store.team.set_rate("ann", 12.0)
    store.class_changes.add(ClassChange("rename", ("bad",), ("poor",)), "kim")
    store.takeouts.request(TakeoutRequest("model"), "kim")
    assert actions(store) == [
        "project created",
        "labeling stopped",
        "stop lifted",
        "decided",
        "decision undone",
        "items asked next",
        "items not asked next any more",
        "annotator changed",
        "annotator changed",
        "classes changed",
        "take-out requested",
    ]
    decided = store.audit.rows(action="decided")[0]
    assert (decided.by, decided.how, decided.address) == ("kim", "page", "10.0.0.7")
    assert (decided.what["item"], decided.before, decided.after) == (1, None, "good")
    assert store.audit.rows(action="annotator changed")[0].by == "lee"


def test_imports_and_exports_are_recorded(project: Project, tmp_path: Path):
    table = tmp_path / "reviews.csv"
    table.write_text("text,label\nfine,good\nawful,bad\n")
    import_source(project, table)
    undo_import(project, 1, "kim")
    export_labels(project, tmp_path / "labels.csv")
    with project.store() as store:
        rows = store.audit.rows()[::-1]
    assert [row.action for row in rows] == ["project created", "imported", "import undone", "exported"]
    assert rows[1].what == {"import": 1, "source": "reviews.csv"}
    assert rows[1].after == {"duplicates": 0, "items": 2, "labels": 0}
    assert rows[3].what == {"file": "labels.csv", "format": "csv", "rows": "answers"}


def test_an_archived_project_has_its_way_in_its_log(project: Project):
    home = project.folder.parent
    folder = bring_back(put_away(project, home, "archive"), home, LEE)
    with projects.open_project(folder).store() as store:
        assert actions(store)[-2:] == ["project archived", "project brought back"]
        assert store.audit.rows()[0].by == "lee"


def test_a_change_of_the_settings_is_recorded_with_what_was_before(project: Project):
    project = replace(project, actor=LEE)
    project.save(replace(project.config, budget=77))
    with project.store() as store:
        (row,) = store.audit.rows(action="settings changed")
    assert (row.by, row.before, row.after) == ("lee", {"budget": project.config.budget}, {"budget": 77})


def test_a_change_in_the_file_by_hand_is_recorded_with_the_next_change(project: Project):
    path = project.folder / "project.toml"
    path.write_text(path.read_text().replace(f"budget = {project.config.budget}", "budget = 12"))
    project.save(replace(project.config, target_accuracy=0.5))
    with project.store() as store:
        found, changed = store.audit.rows()[1::-1]
    assert (found.action, found.by, found.after) == ("settings found changed", "", {"budget": 12})
    assert changed.after == {"target_accuracy": 0.5}
    assert projects.open_project(project.folder).config.budget == 12


def test_settings_that_cannot_be_written_leave_no_row(project: Project, monkeypatch: pytest.MonkeyPatch):
    def fails(path: Path, text: str) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(projects, "write_whole", fails)
    with pytest.raises(ProjectError, match=r"were not saved: .*project\.toml cannot be written \(disk full\)"):
        project.save(replace(project.config, budget=77))
    with project.store() as store:
        assert actions(store) == ["project created"]


def test_what_is_rolled_back_leaves_no_row(store: Store):
    def fails() -> None:
        with store.write():
            store.stops.stop("kim")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert actions(store) == ["project created"]


@pytest.mark.parametrize("statement", ["DELETE FROM audit_log WHERE id = 2", "UPDATE audit_log SET by = 'x'"])
def test_rows_can_neither_be_changed_nor_deleted(log: AuditLog, statement: str):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        log.db.execute(statement)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit_log SET by = 'kim' WHERE id = 3", 3),
        ("UPDATE audit_log SET before = NULL WHERE id = 4", 4),
        ("UPDATE audit_log SET at = '2020-01-01' WHERE id = 2", 2),
        ("UPDATE audit_log SET how = 'job' WHERE id = 2", 2),
        ("UPDATE audit_log SET hash = digest WHERE id = 5", 5),
        ("DELETE FROM audit_log WHERE id = 3", 4),
        ("UPDATE audit_log SET id = -id WHERE id = 1", -1),
    ],
)
def test_the_first_row_that_was_changed_is_named(log: AuditLog, statement: str, broken: int):
    lift_triggers(log.db.connection)
    log.db.execute(statement)
    assert log.verify().broken == broken


@given(st.data())
def test_any_change_of_any_cell_is_noticed(data: st.DataObject):
    with Connection(":memory:", 1, lambda connection, where: create_audit_log(Database(connection))) as db:
        log = AuditLog(db)
        for number in range(3):
            log.record(Actor(data.draw(st.text(max_size=3))), "tried", {"n": number}, number, None)
        lift_triggers(db.connection)
        column = data.draw(st.sampled_from(["at", "action", "how", "by", "address", "what", "after", "salt", "digest"]))
        row = data.draw(st.integers(1, 3))
        value = data.draw(st.text(max_size=4))
        before = db.value(f"SELECT {column} FROM audit_log WHERE id = ?", [row])
        db.execute(f"UPDATE audit_log SET {column} = ? WHERE id = ?", [value, row])
        assert log.verify().broken == (None if value == before else row)


def test_an_end_that_was_cut_off_is_noticed_by_a_head_noted_before(log: AuditLog):
    head = log.head()
    assert log.verify(head).holds
    lift_triggers(log.db.connection)
    log.db.execute("DELETE FROM audit_log WHERE id = 6")
    assert log.verify().broken is None
    assert not log.verify(head).holds


def test_a_name_leaves_the_log_and_the_chain_holds(log: AuditLog):
    head = log.head()
    with log.db.write():
        lift_triggers(log.db.connection)
        digests = log.replace_name("kim", "erased-1")
        log.record(LEE, "person erased", {"now": "erased-1"}, None, {"digests": digests})
    assert "kim" not in str(log.rows())
    assert log.rows(action="tried")[0].after == ["lee", "erased-1"]
    assert log.verify(head).holds
    log.db.execute("UPDATE audit_log SET after = '[]' WHERE id = 3")
    assert log.verify().broken == 3


def test_the_accounts_of_a_home_have_a_log_too(tmp_path: Path):
    with Accounts(tmp_path / "accounts.sqlite") as accounts:
        accounts.audit.record(LEE, "logged in")
        assert accounts.audit.verify().rows == 1


def test_a_project_knows_who_works_with_it(project: Project):
    opened = projects.serve_project(project.folder.parent, project.uid, LEE)
    with opened.store() as store:
        store.stops.stop("", "a rule")
        assert store.audit.rows()[0].by == "lee"
    assert projects.create(project.folder.parent / "other", text_config(), LEE).actor == LEE
