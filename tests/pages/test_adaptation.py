"""Adapting the backbone on the Project page: it only asks, shows what runs and what is kept, and switches it on."""

from dataclasses import replace

import numpy as np
import pytest

from labeler.access.users import local_user
from labeler.backbones.adapted import FILE, Adaptation, Gain, hash_of, save
from labeler.core.settings import LearnerConfig
from labeler.jobs import adaptations
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import everything, visit, widget

TENSORS = {"stages.1.weight": np.ones(3, dtype=np.float32)}
GAIN = Gain(300, 1000, 0.673, 0.695, 0.007, 0.036)
ABOUT = Adaptation("k", "masked words", 2, 118.6, 240, (10.4, 6.9), 0, "h", 8566, hash_of(TENSORS), GAIN)


@pytest.fixture
def minilm(project, store):
    add(store, 40)
    return project.save(replace(project.config, learner=LearnerConfig()))


def labels(app):
    return [button.label for button in app.button]


def test_the_page_asks_and_shows_what_runs(minilm, store):
    app = visit("project")
    assert adaptations.MEASURED["text"] in everything(app)
    assert not any(label.startswith("Use the") for label in labels(app))  # there is nothing to use
    widget(app, "number_input", "Seconds of training").set_value(30)
    widget(app, "button", "Adapt to the pool").click().run()
    (job,) = store.adaptations.all()
    assert (job.state, job.request.seconds, job.request.use, job.requested_by) == (
        "queued",
        30.0,
        False,
        local_user().name,
    )
    assert "waiting for the worker" in everything(app)
    assert "Adapt to the pool" not in labels(app)  # one at a time
    store.adaptations.claim()
    store.adaptations.report(job.id, "adapting", 120, 240)
    app.run()
    (bar,) = app.get("progress")
    assert (bar.proto.value, bar.proto.text) == (50, "adapting, 120 of 240 …")
    widget(app, "button", "Cancel").click().run()
    assert store.adaptations.all()[0].state == "cancelled"
    assert "Adapt to the pool" in labels(app)


def test_what_went_wrong_is_said(minilm, store):
    store.adaptations.fail(store.adaptations.request(adaptations.AdaptationRequest(), "kim"), "The disk is full.")
    assert "The adaptation failed: The disk is full." in everything(visit("project"))


def test_what_is_kept_is_told_and_switched_on_and_off(minilm):
    save(minilm.embeddings / FILE, TENSORS, ABOUT)
    app = visit("project")
    text = everything(app)
    assert "learned from 8,566 items of the pool by masked words: 240 steps in 119 s" in text
    assert "+2.2 points (95% interval +0.7 to +3.6), so it helps" in text
    assert "Rounds use the pretrained weights." in text
    widget(app, "button", "Use the adapted weights").click().run()
    assert projects.open_project(minilm.folder).config.learner.adapted
    assert "Rounds use the adapted weights." in everything(app)
    # other settings leave it as it is
    widget(app, "number_input", "Budget").set_value(77)
    widget(app, "button", "Save from the next round on").click().run()
    now = projects.open_project(minilm.folder).config
    assert (now.budget, now.learner.adapted) == (77, True)
    widget(app, "button", "Use the pretrained weights again").click().run()
    assert not projects.open_project(minilm.folder).config.learner.adapted


def test_a_damaged_file_is_not_switched_on(minilm):
    save(minilm.embeddings / FILE, TENSORS, replace(ABOUT, weights="another hash"))
    app = visit("project")
    widget(app, "button", "Use the adapted weights").click().run()
    assert "is damaged: run `python -m labeler adapt` again" in everything(app)
    assert not projects.open_project(minilm.folder).config.learner.adapted


def test_char_tfidf_has_nothing_to_adapt(project):
    app = visit("project")
    assert "char_tfidf is no network: there is nothing to adapt." in everything(app)
    assert "Adapt to the pool" not in labels(app)
