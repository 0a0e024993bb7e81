"""The name of who works: asked once, where something is answered or changed, and not of those who only look."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.machine import ROOT
from tests.support.pages import everything, visit, widget


def labels_of(widgets) -> list[str]:
    return [widget.label for widget in widgets]


def give_name(app, place: str) -> None:
    app.text_input(key=f"name-field-{place}").input("kim")
    app.button(key=f"FormSubmitter:name-{place}-Go on").click().run()
    assert not app.exception


def test_the_desk_asks_for_a_name_before_any_item_is_shown(project):
    with project.store() as store:
        add(store, 4)
    app = visit("label", annotator="")
    widget(app, "button", "Start labeling").click().run()
    assert "Type your name first." in everything(app)
    widget(app, "text_input", "Your name").input("import")
    widget(app, "button", "Start labeling").click().run()
    assert "choose another" in everything(app)
    widget(app, "text_input", "Your name").input("kim")
    widget(app, "button", "Start labeling").click().run()
    assert not [field for field in app.text_input if field.label == "Your name"]  # AppTest cannot draw the desk itself
    with project.store() as store:
        assert [annotator.name for annotator in store.team.all()] == ["kim"]


@pytest.mark.parametrize("name", ["import", "System"])
def test_an_address_gives_nobody_a_reserved_name(project, name):
    with project.store() as store:
        add(store, 1)
    app = visit("label", annotator=name)
    assert "Your name" in labels_of(app.text_input)
    with project.store() as store:
        assert store.team.all() == []


def test_the_teams_settings_ask_who_changes_them(project):
    app = visit("team", annotator="")
    assert "Nobody has answered yet." in everything(app)  # looking needs no name
    assert "Save" not in labels_of(app.button)
    give_name(app, "settings")
    assert "Save" in labels_of(app.button)
    assert "Your name" not in labels_of(app.text_input)


def test_stopping_and_going_on_ask_who_decides(project):
    app = visit("progress", "When to stop", annotator="")
    assert "Stop now" not in labels_of(app.button)
    give_name(app, "stop")
    assert "Stop now" in labels_of(app.button)
    with project.store() as store:
        store.stops.stop("lee", "Enough")
    app = visit("progress", "When to stop", annotator="")
    give_name(app, "go-on")
    widget(app, "button", "Go on").click().run()
    with project.store() as store:
        assert store.stops.current() is None


def test_strategies_ask_who_chooses_one_or_compares(project):
    app = visit("strategy", annotator="")
    assert "Start comparison" not in labels_of(app.button)
    assert "Use from the next round" not in labels_of(app.button)
    give_name(app, "comparison")
    assert "Start comparison" in labels_of(app.button)
    widget(app, "button", "Use from the next round").click().run()
    assert projects.open_project(project.folder).config.query.strategy != project.config.query.strategy


def test_the_name_of_an_address_outlasts_a_first_page_that_is_left_before_it_is_drawn(project, monkeypatch):
    app = AppTest.from_file(str(ROOT / "pages" / "app.py"), default_timeout=30)
    app.query_params["annotator"] = "kim"
    with monkeypatch.context() as leaving:
        leaving.setattr("pages.shared.access.visitor", st.stop)
        app.run()
    app.query_params.clear()  # another page begins with an empty address
    app.run()
    assert widget(app, "text_input", "Working as").value == "kim"
