"""The search for better settings on the Project page, through Streamlit's own test runner."""

from dataclasses import replace

import pytest

from labeler.core.items import NewItem
from labeler.core.jobs import TuningRequest
from labeler.core.settings import Config
from labeler.projects import project as projects
from tests.support.pages import everything, visit, widget
from tests.support.samples import reviews, text_config

TRIAL = {
    "number": 0,
    "name": "current settings",
    "state": "complete",
    "note": "",
    "backbone": "auto",
    "levers": {"unfrozen": "auto"},
    "log_likelihood": -0.5,
    "accuracy": 0.85,
    "low": 0.77,
    "high": 0.91,
    "items": 100,
    "share": 0.5,
    "seconds": 12.0,
}


def fill(project) -> None:
    with project.store() as store:
        store.items.add(
            [NewItem(f"{i:032x}", f"row {i}", text=text, split="pool", label=label) for i, (text, label) in
             enumerate(reviews(120))]
        )  # fmt: skip


@pytest.fixture
def labeled(project):
    fill(project)
    return project


def finished(project, proposal) -> int:
    """A finished search with two settings, the second of which may be proposed."""
    best = TRIAL | {"number": 2, "name": None, "levers": {"unfrozen": 4}, "log_likelihood": -0.4, "accuracy": 0.9}
    report = {
        "labels": 120,
        "folds": 3,
        "trials": [best, TRIAL],
        "learner": project.config.as_dict()["learner"],
        "proposal": proposal,
        "verdict": "Better settings were found: unfrozen 4.",
    }
    with project.store() as store:
        number = store.tunings.request(TuningRequest(), "kim")
        store.tunings.claim()
        store.tunings.finish(number, report)
    return number


def button(app, label: str):
    return next(b for b in app.button if b.label == label)


def test_too_few_labels_are_said_where_the_form_would_be(project):
    app = visit("project")
    assert "The labels are too few to tell settings apart: 0 of the pool" in everything(app)
    assert not [b for b in app.button if b.label == "Search for better settings"]


def test_a_search_is_asked_for_watched_and_cancelled(labeled):
    app = visit("project")
    widget(app, "number_input", "Minutes").set_value(5)
    widget(app, "selectbox", "How settings are drawn").set_value("random")
    widget(app, "text_input", "Other backbones").input("distilbert, bert-tiny")
    widget(app, "multiselect", "What is varied").set_value(["unfrozen", "token_dropout"])
    button(app, "Search for better settings").click().run()
    assert not app.error
    with labeled.store() as store:
        (search,) = store.tunings.all()
        assert search.request == TuningRequest(
            "random", 300.0, backbones=("distilbert", "bert-tiny"), levers=("unfrozen", "token_dropout")
        )
        assert "waiting for the worker" in everything(app)
        assert not [b for b in app.button if b.label == "Search for better settings"]  # one at a time
        store.tunings.claim()
        store.tunings.report(search.id, "3 settings tried; trying setting 3", 60, 300)
    app.run()
    (bar,) = app.get("progress")
    assert "4 min left: 3 settings tried; trying setting 3 …" in bar.proto.text
    app.button(key=f"cancel-tuning-{search.id}").click().run()
    assert "The search is cancelled. Its trials are kept" in everything(app)
    with labeled.store() as store:
        assert store.tunings.all()[0].state == "cancelled"


def test_augmentations_are_offered_for_images_only_and_none_is_chosen_for_the_lead(labeled, own_home):
    assert not [w for w in visit("project").multiselect if w.label.startswith("Augmentations")]
    images = projects.create(own_home / "a-images", Config("Images", ("good", "bad")))
    fill(images)
    app = visit("project")
    chosen = widget(app, "multiselect", "Augmentations")
    assert chosen.value == []
    chosen.set_value(["crop"])
    button(app, "Search for better settings").click().run()
    with images.store() as store:
        assert store.tunings.all()[0].request.augment == ("crop",)


def test_what_is_proposed_is_shown_with_its_evidence_and_saved_on_a_press_only(labeled):
    number = finished(labeled, {"finetune": {"unfrozen": 4}})
    app = visit("project")
    assert "Better settings were found: unfrozen 4." in everything(app)
    shown = app.dataframe[-1].value
    assert list(shown["settings"]) == ["setting 2", "current settings"]
    assert list(shown["accuracy"]) == [90.0, 85.0]
    assert list(shown["unfrozen"]) == ["4", "auto"]
    assert projects.open_project(labeled.folder).config == labeled.config
    app.button(key=f"take-over-{number}").click().run()
    assert projects.open_project(labeled.folder).config.learner.finetune.unfrozen == 4
    assert "Saved: these settings are used from the next round on." in everything(app)
    assert app.button(key=f"take-over-{number}").label == "In use"
    assert app.button(key=f"take-over-{number}").disabled


def test_what_was_judged_beside_other_settings_cannot_be_taken_over(labeled):
    number = finished(labeled, {"finetune": {"unfrozen": 4}})
    labeled.save(replace(text_config(), learner=replace(labeled.config.learner, input_size=64)))
    app = visit("project")
    assert app.button(key=f"take-over-{number}").disabled
    assert "settings have changed since this search" in everything(app)


def test_without_a_proposal_there_is_nothing_to_take_over(labeled):
    finished(labeled, None)
    assert not [b for b in visit("project").button if b.key and b.key.startswith("take-over")]


def test_why_a_search_failed_is_shown_beside_the_result_before(labeled):
    finished(labeled, None)
    with labeled.store() as store:
        store.tunings.request(TuningRequest(), "kim")
        store.tunings.fail(store.tunings.claim().id, "backbone 'x' cannot be loaded.")
    app = visit("project")
    assert "The search failed: backbone 'x' cannot be loaded." in app.error[0].value
    assert len([table for table in app.dataframe if "log likelihood" in table.value]) == 1
