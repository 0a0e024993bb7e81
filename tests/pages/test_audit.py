"""The Audit page: rows, filters, the check, and the file; only for those who may see it."""

from dataclasses import replace

import pytest

from labeler.core.actor import Actor
from labeler.projects.project import Project
from labeler.report.sentences.audit import ACTIONS, change_in_words, object_in_words, value_in_words
from tests.support.machine import ROOT
from tests.support.pages import everything, visit, widget


@pytest.fixture
def logged(project: Project) -> Project:
    """A project in which two people stopped and went on."""
    with project.store() as store:
        store.db.actor = Actor("", "page", "10.0.0.7")
        store.stops.stop("kim", "enough")
        store.stops.lift("lee")
    return project


def test_rows_are_filtered_by_who(logged: Project):
    app = visit("audit")
    assert app.dataframe[0].value["who"].tolist() == ["lee", "kim", "–"]
    assert app.dataframe[0].value["what"].tolist()[1] == "reason: enough"
    widget(app, "selectbox", "Who").select("kim")
    app.run()
    assert app.dataframe[0].value["action"].tolist() == ["labeling stopped"]
    assert app.dataframe[0].value["from where"].tolist() == ["10.0.0.7"]


def test_the_check_shows_the_head_and_the_row_that_was_changed(logged: Project):
    app = visit("audit")
    widget(app, "button", "Check the log").click().run()
    assert "All 3 rows are as they were written" in everything(app)
    with logged.store() as store:
        assert app.code[0].value == store.audit.head()
        store.db.execute("DROP TRIGGER audit_log_keep_values")
        store.db.execute("UPDATE audit_log SET by = 'ann' WHERE id = 2")
        store.db.connection.commit()
    widget(app, "button", "Check the log").click().run()
    assert "Row 2 is not as it was written" in everything(app)


def test_who_does_not_lead_does_not_see_the_log(logged: Project):
    logged.save(replace(logged.config, team=replace(logged.config.team, leads=("kim",))))
    app = visit("audit", annotator="ann")
    assert "Those who lead or audit this project" in everything(app)
    assert len(app.dataframe) == 0


def test_a_change_of_settings_names_each_with_what_was_before(logged: Project):
    logged.save(replace(logged.config, budget=77, target_accuracy=0.5))
    with logged.store() as store:
        text = change_in_words(store.audit.rows()[0])
    assert text == f"budget: {logged.config.budget} → 77, target_accuracy: {logged.config.target_accuracy} → 0.5"


def test_what_erasures_keep_for_the_check_is_not_shown():
    assert value_in_words({"digests": {"1": "ab"}}) == ""
    assert value_in_words({"budget": 5, "leads": ["kim"]}) == 'budget = 5, leads = ["kim"]'


def test_every_action_that_is_recorded_has_a_name():
    named = {f'"{action}"' for action in ACTIONS}
    text = "".join(path.read_text() for path in (ROOT / "labeler").rglob("*.py") if path.name != "audit.py")
    assert {name for name in named if name not in text} == set()


def test_an_object_is_one_line(logged: Project):
    with logged.store() as store:
        assert object_in_words(store.audit.rows()[0]) == ""
