"""The Review page: what is doubtful comes up, and decisions are stored."""

import re
from typing import Any

import pytest

from labeler.core.items import Action, Answer
from labeler.core.settings import TeamConfig
from labeler.projects import project as projects
from pages.review.cases import waiting
from tests.support.fill import add
from tests.support.pages import everything, visit, widget
from tests.support.samples import text_config


@pytest.fixture
def filled(own_home, monkeypatch):
    """Item 1 was answered otherwise by two people, 2 flagged, 3 unsure, 4 is plain; "lead" works."""
    monkeypatch.setattr("labeler.access.users.getpass.getuser", lambda: "lead")
    project = projects.create(own_home / "reviews", text_config(team=TeamConfig(leads=("lead",))))
    with project.store() as store:
        add(store, 6)
        given: list[tuple[str, int, str | None, dict[str, Any]]] = [
            ("ann", 1, "good", {}),
            ("bob", 1, "bad", {"seconds": 2.5}),
            ("ann", 2, None, {"note": "half a sentence"}),
            ("ann", 3, "good", {"unsure": True}),
            ("ann", 4, "good", {}),
        ]
        for who, item, label, more in given:
            action: Action = "label" if label else "flag"
            store.answers.add(who, [Answer(f"{who}{item}", item, action, label, **more)])
    return project


def here(app) -> int:
    """The item that is shown."""
    return int(re.findall(r"Item (\d+) ·", everything(app))[0])


def press(app, label: str):
    widget(app, "button", label).click().run()
    assert not app.exception
    return app


def decided(project) -> list[tuple]:
    with project.store() as store:
        return [(d["item_id"], d["by"], d["action"], d["label"], d["before"]) for d in store.decisions.latest()]


def test_what_is_worth_most_comes_first_with_all_that_was_said(filled):
    app = visit("review")
    assert "**3** to look at" in app.get("progress")[0].proto.text
    assert here(app) == 2  # flagged, without a label
    html = " ".join(block.proto.body for block in app.get("html"))
    assert "half a sentence" in html
    press(app, "Next")
    assert here(app) == 1
    html = " ".join(block.proto.body for block in app.get("html"))
    assert "2.5 s" in html
    assert "bob" in html
    assert "**50%**" in everything(app)
    press(app, "Previous")
    assert here(app) == 2


@pytest.mark.slow
def test_decisions_are_stored_with_who_and_before_and_can_be_taken_back(filled):
    app = press(visit("review"), "Next")
    press(app, "good")
    assert decided(filled) == [(1, "lead", "label", "good", "bad")]
    assert here(app) == 3
    press(app, "Undo")
    assert here(app) == 1
    with filled.store() as store:
        assert store.items.labels()[1] == "bad"
    press(app, "Take out")
    press(app, "Give back")  # the unsure one
    assert [row[:3] for row in decided(filled)][:2] == [(3, "lead", "return"), (1, "lead", "exclude")]
    assert "You have passed over all 1" in everything(app)
    press(app, "Begin again")
    assert here(app) == 2
    press(app, "bad")
    assert "No item is waiting" in everything(app)


@pytest.mark.slow
def test_undo_takes_back_the_decision_that_the_page_was_drawn_with(filled):
    app = press(visit("review"), "good")
    with filled.store() as store:
        (shown,) = store.decisions.latest()
        store.decisions.add("lead", "in another tab", 1, "label", "good")
    press(app, "Undo")
    with filled.store() as store:
        assert [(row["item_id"], row["undone"]) for row in store.decisions.latest()] == [(1, 0), (shown["item_id"], 1)]


def test_buttons_decide_about_their_item_and_no_other(filled):
    app = visit("review")
    assert here(app) == 2
    keys = {button.key for button in app.button if button.label in ("good", "bad")}
    assert keys == {"review-2-label-good", "review-2-label-bad"}  # of this item and no other


def test_filters_leave_what_they_name(filled):
    app = visit("review")
    app.session_state["review-reason"] = "unsure"
    app.run()
    assert here(app) == 3
    app.session_state["review-reason"] = None
    widget(app, "selectbox", "Annotator").set_value("bob").run()
    assert here(app) == 1
    widget(app, "selectbox", "Class").set_value("bad").run()
    assert here(app) == 1
    press(app, "Next")
    assert "You have passed over all 1" in everything(app)


def test_only_leads_review(filled, monkeypatch):
    monkeypatch.setattr("labeler.access.users.getpass.getuser", lambda: "ann")
    app = visit("review")
    assert "The reviewers and leads of this project review the labels." in everything(app)
    assert not [button for button in app.button if button.label in ("good", "bad")]


def test_several_classes_are_chosen_and_then_decided(own_home):
    project = projects.create(own_home / "reviews", text_config(answers="several"))
    with project.store() as store:
        add(store, 2)
        store.answers.add("ann", [Answer("a", 1, "label", '["good"]', unsure=True)])
    app = visit("review")
    none = "With no class chosen, the item has none of the classes."
    app.session_state["review-1-chosen"] = []
    assert none in everything(app.run())
    app.session_state["review-1-chosen"] = ["good", "bad"]
    assert none not in everything(app.run())
    press(app, "Decide")
    with project.store() as store:
        assert store.items.labels()[1] == '["good","bad"]'


def finish_audit(project, item: int, n: int, of: int) -> None:
    """An audit that finds this item's label worth a second look."""
    with project.store() as store, store.write():
        store.db.execute("INSERT INTO audits (request, requested_by, requested_at) VALUES ('{\"round\": 1}', '', '')")
        lists = {"items": [item], "given": ["good"], "predicted": ["bad"], "confidence": [0.9], "wrong": [0.8]}
        report = {"errors": {"n": n, "of": of, "second_look": [1], "further": [0], **lists}}
        store.audits.finish(store.audits.claim().id, report)


def test_the_page_shows_the_findings_of_the_latest_audit_and_how_many_labels_it_checked(filled):
    finish_audit(filled, 4, 5, 5)
    app = visit("review")
    assert "**4** to look at" in app.get("progress")[0].proto.text
    assert "checked" not in everything(app)
    with filled.store() as store:
        store.answers.add("ann", [Answer("ann5", 5, "label", "good")])
    finish_audit(filled, 5, 2, 5)
    app.run()
    assert "checked 2 of 5 labels" in everything(app)
    with filled.store() as store:
        assert {case.item_id for case in waiting(filled, store.version())} == {1, 2, 3, 5}
