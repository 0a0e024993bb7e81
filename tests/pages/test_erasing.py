"""Erase a person on the Team page and an item on the Items page: leads only, said first, and confirmed."""

import pytest

from labeler.core.items import Answer
from labeler.core.settings import TeamConfig
from labeler.projects import project as projects
from labeler.projects.project import Project
from tests.support.fill import add
from tests.support.pages import elements, everything, visit, widget
from tests.support.samples import text_config


@pytest.fixture
def filled(own_home, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Three items, of which ann labeled the first; "lead" works."""
    monkeypatch.setattr("labeler.access.users.getpass.getuser", lambda: "lead")
    project = projects.create(own_home / "reviews", text_config(team=TeamConfig(leads=("lead",))))
    with project.store() as store:
        add(store, 3)
        store.answers.add("ann", [Answer("1", 1, "label", "good", note="hm")])
        store.team.join("ann")
    return project


def test_a_person_is_erased_once_the_name_was_typed(filled: Project):
    app = visit("team")
    widget(app, "selectbox", "Person").select("ann").run()
    assert "1 answer and 0 decisions stay" in everything(app)
    assert widget(app, "button", "Erase the name").disabled
    widget(app, "checkbox", "Delete this person's notes").check()
    widget(app, "text_input", "To confirm, type the name").input("ann").run()
    widget(app, "button", "Erase the name").click().run()
    assert "The name is erased. In its place stands erased-" in everything(app)
    with filled.store() as store:
        assert store.erasure.about("ann") is None
        (answer,) = store.answers.export()
        assert (answer["label"], answer["note"]) == ("good", None)
        assert store.audit.rows()[0].by == "lead"


def test_an_item_is_erased_once_its_number_was_typed(filled: Project):
    app = visit("items")
    app.query_params["item"] = f"{filled.slug}:1"
    app.run()
    assert "Its labels stay counted" in everything(app)
    widget(app, "text_input", "To confirm, type the item's number").input("1").run()
    widget(app, "button", "Erase the item").click().run()
    with filled.store() as store:
        assert (store.items.get(1), store.items.labels()) == (None, {1: "good"})
        assert store.audit.rows()[0].what == {"items": [1]}


def test_who_does_not_lead_erases_nobody(filled: Project):
    app = visit("team", annotator="ann")
    assert [box.label for box in elements(app, "selectbox") if box.label == "Person"] == []
