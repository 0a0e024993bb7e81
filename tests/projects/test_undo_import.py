"""An import undone: its items go, all answers of people stay, and the same file can be imported again."""

import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pandas as pd
import pytest

from labeler.core.errors import LabelerError
from labeler.core.items import Answer
from labeler.files.sources import SourceColumns
from labeler.jobs.imports import import_once, is_import_waiting
from labeler.projects import project as projects
from labeler.projects.importer import import_source, undo_import
from labeler.store import IMPORT, imports
from labeler.store.imports import Imports
from tests.support.samples import reviews

WITH_LABELS = SourceColumns(label="label")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "films.csv"
    pd.DataFrame(reviews(40), columns=["text", "label"]).to_csv(path, index=False)
    return path


def pool_of(project) -> list[int]:
    with project.store() as store:
        return [item.id for item in store.items.all() if item.split == "pool"]


def test_items_that_people_answered_stay_and_the_others_go(project, table):
    import_source(project, table)
    first, second = pool_of(project)[:2]
    with project.store() as store:
        store.answers.add("kim", [Answer("1", first, "label", "good"), Answer("2", second, "flag")])
        [record] = store.imports.all()
    assert (record.source, record.items, record.answered) == ("films.csv", 40, 2)
    assert undo_import(project, record.id, "lead") == 38
    with project.store() as store:
        assert {item.id for item in store.items.all()} == {first, second}
        assert (store.items.counts().pool, store.items.counts().holdout) == (2, 0)
        assert [row["item_id"] for row in store.answers.export()] == [first, second]
        assert store.desk.reserve("lee", "tab", 5) == []  # one has its label, the other waits for the lead
        [record] = store.imports.all()
    assert (record.items, record.undone_by) == (2, "lead")
    with pytest.raises(LabelerError, match="undone before"):
        undo_import(project, record.id, "lead")


def test_wrong_labels_go_with_their_import_and_right_ones_come_with_the_next(project, tmp_path, table):
    wrong = tmp_path / "wrong.csv"
    frame = pd.read_csv(table)
    frame.assign(label=frame["label"].map({"good": "bad", "bad": "good"})).to_csv(wrong, index=False)
    import_source(project, wrong, WITH_LABELS)
    with project.store() as store:
        [record] = store.imports.all()
    assert undo_import(project, record.id, "lead") == 40
    with project.store() as store:
        assert store.items.labels() == {}
        assert store.answers.export() == []
        assert store.items.labels_by(IMPORT) == 0
    report = import_source(project, table, WITH_LABELS)
    assert (report.added, report.duplicates, report.labels_added) == (40, 0, 40)
    assert (report.pool, report.holdout) == (34, 6)
    with project.store() as store:
        labels, texts = store.items.labels(), {item.id: item.text for item in store.items.all()}
    assert {texts[item]: label for item, label in labels.items()} == dict(reviews(40))


def test_items_of_an_undone_import_are_not_asked_from_the_ranking(project, table):
    import_source(project, table)
    with project.store() as store:
        held = store.desk.reserve("kim", "tab", 3)
        [record] = store.imports.all()
    undo_import(project, record.id, "lead")
    with project.store() as store:
        assert store.desk.reserve("kim", "tab", 3) == []
        assert store.desk.reserve("lee", "tab", 3) == []
        assert store.answers.add("kim", [Answer("late", held[0].item.id, "label", "good")])[0].ok
        assert [item.id for item in store.items.all()] == [held[0].item.id]


def test_an_import_that_brings_nothing_is_not_listed(project, table):
    import_source(project, table)
    import_source(project, table)
    with project.store() as store:
        assert len(store.imports.all()) == 1


# ---------------------------------------------------------------- some items at a time


@pytest.fixture
def few_at_once(monkeypatch):
    """Parts of 7 items."""
    monkeypatch.setattr(imports, "AT_ONCE", 7)


def audited(project) -> list[tuple[str, dict]]:
    with project.store() as store:
        return [(row.by, row.what) for row in store.audit.rows() if row.action == "import undone"]


def die_in_the_middle(folder: Path) -> None:
    """Undo the first import, and be killed while it is undone."""
    between = Imports._take_out_between

    def take_out_and_die(self: Imports, number: int, first: int, last: int) -> None:
        if self.taken_out(number):
            os.kill(os.getpid(), signal.SIGKILL)
        between(self, number, first, last)

    Imports._take_out_between = take_out_and_die  # type: ignore[method-assign]
    undo_import(projects.open_project(folder), 1, "kim")


@pytest.fixture
def half_undone(project, table, few_at_once):
    """A project in which the undoing of an import of 40 known items was killed when 7 of them were taken out."""
    import_source(project, table, WITH_LABELS)
    process = multiprocessing.get_context("fork").Process(target=die_in_the_middle, args=(project.folder,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with project.store() as store:
        [record] = store.imports.all()
        assert (record.items, record.undone_by, record.undoing) == (33, "kim", True)
    assert audited(project) == []
    return project


def test_an_undoing_that_is_killed_in_the_middle_is_completed_by_the_worker(half_undone):
    with half_undone.store() as store:
        assert is_import_waiting(store)
    assert not import_once(half_undone)  # no job is asked for
    with half_undone.store() as store:
        assert not is_import_waiting(store)
        [record] = store.imports.all()
        assert (record.items, record.undoing) == (0, False)
        assert store.items.labels() == {}
        assert store.answers.export() == []
    assert audited(half_undone) == [("kim", {"import": 1, "items": 40})]


def test_a_second_click_completes_an_undoing_that_was_cut_off(half_undone):
    assert undo_import(half_undone, 1, "lee") == 40
    assert audited(half_undone) == [("kim", {"import": 1, "items": 40})]
    with pytest.raises(LabelerError, match="undone before"):
        undo_import(half_undone, 1, "lee")


def test_an_import_of_the_same_content_behind_an_undoing_that_was_cut_off_brings_all_back(half_undone, table):
    report = import_source(half_undone, table, WITH_LABELS)
    assert (report.added, report.duplicates, report.labels_added) == (40, 0, 40)
    with half_undone.store() as store:
        assert [(record.id, record.items) for record in store.imports.all()] == [(2, 40), (1, 0)]
        assert len(store.items.labels()) == 40


def test_what_people_answer_between_two_parts_stays_and_others_can_write_there(project, table, monkeypatch):
    import_source(project, table)
    late, pauses = pool_of(project)[-1], []

    def answer(db, rows):
        pauses.append(rows)
        with project.store() as other:  # in a transaction of its own
            assert other.answers.add("lee", [Answer(f"{len(pauses)}", late, "label", "good")])[0].ok

    monkeypatch.setattr(imports, "AT_ONCE", 7)
    monkeypatch.setattr(imports, "let_others_write", answer)
    before = version(project)
    assert undo_import(project, 1, "kim") == 39
    assert pauses == [7, 7, 7, 7, 7, 5]  # also behind a part of which an item stays
    assert version(project) != before
    with project.store() as store:
        assert [item.id for item in store.items.all()] == [late]
        assert (store.items.counts().pool, store.items.counts().open.pool) == (1, 0)
        assert [(record.items, record.answered) for record in store.imports.all()] == [(1, 1)]


def version(project) -> tuple[int, ...]:
    with project.store() as store:
        return store.version()


def test_an_undoing_waits_for_an_import_at_work_and_is_decided_meanwhile(project, table):
    import_source(project, table)
    with project.lock("import.lock"):
        undoing = threading.Thread(target=undo_import, args=(project, 1, "kim"))
        undoing.start()
        while not wanted(project):
            undoing.join(0.01)
        with project.store() as store:
            assert [record.items for record in store.imports.all()] == [40]
    undoing.join(60)
    assert audited(project) == [("kim", {"import": 1, "items": 40})]


def wanted(project) -> list[int]:
    with project.store() as store:
        return store.imports.being_undone()
