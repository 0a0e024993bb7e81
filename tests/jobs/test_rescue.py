"""What people did since the last backup comes back from a damaged database once, and never over something newer."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from labeler.core.class_changes import ClassChange
from labeler.core.items import Answer
from labeler.cycle.class_changes import change_classes
from labeler.jobs.rescue import put_back
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.copies import rescue
from labeler.store.rescued import PutBack
from labeler.store.rescued_rows import TABLES
from tests.support.fill import add

DOCS = Path(__file__).parents[2] / "docs" / "backups.md"


@pytest.fixture
def restored(project: Project, tmp_path: Path) -> Project:
    """The project as it was before all that a test does to it; two items that came later have other numbers."""
    with project.store() as store:
        add(store, 6)
    shutil.copytree(project.folder, tmp_path / "restored")
    copy = Project(tmp_path / "restored", project.config)
    for of, first in ((project, 10), (copy, 11)):
        with of.store() as store:
            add(store, 2 if of is project else 1, first=first)
            if of is copy:
                add(store, 1, first=10)
    return copy


@pytest.fixture
def rescued(project: Project, restored: Project, tmp_path: Path) -> Callable[[], PutBack]:
    """What puts all that is in the project back into the restored one."""

    def put() -> PutBack:
        file = tmp_path / "answers.jsonl"
        rescue(project.database, file)
        return put_back(projects.open_project(restored.folder), file)

    return put


def row(store: Store, item: str) -> dict:
    """What is kept of the item with this content."""
    (found,) = store.db.rows("SELECT label, adjudicated, wanted, flagged, open FROM items WHERE text = ?", [item])
    return found


def test_decisions_come_back_once_with_those_that_were_taken_back(project, restored, rescued):
    with project.store() as store:
        store.decisions.add("lea", "d1", 1, "label", "good", "as agreed")
        store.decisions.add("lea", "d2", 2, "exclude")
        store.decisions.add("lea", "d3", 8, "label", "bad")  # another number there
        store.decisions.add("lea", "d4", 4, "exclude")
        store.decisions.undo("lea")
        store.answers.add("kim", [Answer("a1", 3, "label", "good"), Answer("a2", 5, "flag")])
        store.decisions.add("lea", "d5", 5, "return")
        before = {text: row(store, text) for text in ("t0", "t1", "t2", "t3", "t4", "t11")}
    assert rescued().stored == {"annotations": 2, "adjudications": 6}
    again = rescued()
    assert (again.stored, again.there["adjudications"], again.unfit) == ({}, 6, {})
    with restored.store() as store:
        assert {text: row(store, text) for text in before} == before
        assert [(d["by"], d["reason"], d["undone"]) for d in store.decisions.latest()][-1] == ("lea", "as agreed", 0)
        assert store.decisions.count() == 4


def test_a_flag_that_came_after_the_decision_still_waits_for_the_lead(project, restored, rescued):
    with project.store() as store:
        store.decisions.add("lea", "d1", 1, "return")
        store.answers.add("kim", [Answer("a1", 1, "flag")])
        with store.write():
            store.db.execute("DROP TRIGGER annotations_keep_values")
            store.db.execute("UPDATE annotations SET at = '2999-01-01'")
    rescued()
    with restored.store() as store:
        assert row(store, "t0")["flagged"] == 1


def test_a_newer_decision_stays(project, restored, rescued):
    with project.store() as store:
        store.decisions.add("lea", "old", 1, "label", "good")
    with restored.store() as store:
        store.decisions.add("max", "new", 1, "label", "bad")
    result = rescued()
    assert (result.stored, [*result.unfit.values()]) == (
        {},
        ["somebody has decided about this item since, and that decision stays"],
    )
    with restored.store() as store:
        assert row(store, "t0")["label"] == "bad"


def test_changes_of_the_classes_come_back_before_the_answers_that_were_given_under_them(project, restored, rescued):
    with project.store() as store:
        store.answers.add("kim", [Answer("a1", 1, "label", "good")])
    changed, _ = change_classes(project, ClassChange("rename", ("good",), ("fine",)), "lea")
    changed, _ = change_classes(changed, ClassChange("add", (), ("odd",)), "lea")
    with changed.store() as store:
        store.answers.add("kim", [Answer("a2", 2, "label", "odd", class_change=2)])
        store.decisions.add("lea", "d1", 3, "label", "odd")
        labels = store.items.labels()
    result = rescued()
    assert (result.stored["class_changes"], result.unfit) == (2, {})
    assert rescued().stored == {}
    now = projects.open_project(restored.folder)
    assert now.config.classes == changed.config.classes
    with now.store() as store:
        assert store.items.labels() == labels
        assert [change.by for change in store.class_changes.all()] == ["lea", "lea"]


def test_other_changes_of_the_classes_stay_and_are_said(project, restored, rescued):
    change_classes(project, ClassChange("add", (), ("odd",)), "lea")
    change_classes(restored, ClassChange("add", (), ("even",)), "max")
    assert [*rescued().unfit.values()] == ["the classes were changed otherwise since, and that stays"]
    assert projects.open_project(restored.folder).config.classes[-1] == "even"


def test_stops_items_asked_next_refused_answers_and_settings_of_people_come_back(project, restored, rescued):
    with project.store() as store:
        store.team.assign("kim", "expert", ["clinic"], paused=True)
        store.team.set_rate("kim", 40.0)
        store.asked_next.ask([2, 3], 2, "lea", "two items")
        store.stops.stop("lea", "enough")
        store.refused.record("kim", "r1", 1, {"action": "label", "label": "gone"}, "no class")
    assert rescued().stored == {"annotators": 1, "asked_next": 2, "stops": 1, "refused_answers": 1}
    with restored.store() as store:
        (kim,) = store.team.all()
        assert (kim.role, kim.groups, kim.paused, store.team.own_rates()) == ("expert", ("clinic",), True, {"kim": 40})
        assert [(s.by, s.waiting) for s in store.asked_next.waiting()] == [("lea", 2)]
        assert store.stops.current()["by"] == "lea"
        assert [refused.request_id for refused in store.refused.all()] == ["r1"]
        store.team.assign("kim", "novice", [])
    with project.store() as store:
        store.stops.lift("lea")
    result = rescued()
    assert (result.stored, [*result.unfit.values()]) == (
        {"stops": 1},
        ["the settings of kim were changed since, and they stay"],
    )
    with restored.store() as store:
        assert store.stops.current() is None


def test_what_is_damaged_in_the_file_is_said_and_the_rest_comes_back(restored, tmp_path):
    file = tmp_path / "answers.jsonl"
    tables = [f'{{"table": "{table}", "id": 1, "at": 7}}' for table in TABLES]
    file.write_text("\n".join([*tables, "{", '{"table": "stops", "id": 2, "by": "lea", "at": "2026", "reason": "r"}']))
    result = put_back(restored, file)
    assert result.stored == {"stops": 1}
    assert [*result.unfit] == [*range(1, len(TABLES) + 2)]


@pytest.mark.parametrize(
    "row",
    [
        {
            "table": "class_changes",
            "number": 0,
            "kind": "add",
            "old": "[]",
            "new": '["a"]',
            "before": "[]",
            "by": "lea",
        },
        {"table": "adjudications", "item_id": 1, "request_id": "d", "by": "lea", "action": "exclude"},
        {"table": "refused_answers", "annotator": "kim", "request_id": "r", "answer": "{}", "reason": "no class"},
    ],
    ids=lambda row: row["table"],
)
def test_a_row_without_one_of_its_values_is_said(restored, tmp_path, row):
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"id": 1, "at": "2999-01-01"} | row))
    result = put_back(restored, file)
    assert (result.stored, result.unfit) == ({}, {1: "it cannot be read"})


def test_the_documentation_says_of_every_table_whether_it_comes_back(store: Store):
    section = DOCS.read_text().split("## What comes back")[1].split("\n## ")[0]
    fates = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    documented = {name: fate.strip() for names, fate in fates for name in re.findall(r"`(\w+)`", names)}
    own = {name for (name,) in store.db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert documented.keys() == own - {"_sqlite_migrations", "sqlite_sequence"}
    assert {name for name, fate in documented.items() if fate == "brought back"} == {*TABLES}
    assert {*documented.values()} == {"brought back", "can be made again", "lost"}
