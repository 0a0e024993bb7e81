"""What the Project page says of the encoder, and how another is chosen there."""

from dataclasses import replace

from labeler.access.users import local_user
from labeler.backbones.weights import encoders_folder
from labeler.core.jobs import EncoderRequest
from labeler.core.settings import LearnerConfig
from labeler.experiments.encoder_verdict import verdict
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import everything, visit, widget


def test_the_choice_is_shown_with_its_reason_and_another_is_taken_in_its_place(project, store):
    add(store, 6)
    project.save(replace(project.config, learner=LearnerConfig()))
    (encoders_folder() / "multilingual-e5-small").mkdir(parents=True)
    app = visit("project")
    shown = everything(app)
    chosen = "multilingual-e5-small"
    assert f"Encoder: {chosen}, the strongest" in shown
    assert widget(app, "selectbox", "Encoder").options[0] == f"auto: {chosen}"
    widget(app, "selectbox", "Encoder").set_value("char_tfidf").run()
    app = widget(app, "button", "Use it from the next round on").click().run()
    assert not app.exception, app.exception
    assert projects.open_project(project.folder).config.learner.backbone == "char_tfidf"
    assert "Encoder: char_tfidf, as the settings say." in everything(app)


def test_the_search_for_better_encoders_is_set_there(project, store):
    add(store, 6)
    app = visit("project")
    label = "Encoders on this machine, from 50 labels on and whenever labels have doubled"
    assert widget(app, "selectbox", label).value == "off"  # as the tests' projects have it
    app = widget(app, "selectbox", label).set_value("switch").run()
    assert not app.exception, app.exception
    assert projects.open_project(project.folder).config.learner.backbone_search == "switch"
    assert "Saved." in everything(app)


REPORT = {
    "labels": 60,
    "queried": 36,
    "items": 3300,
    "class_change": 0,
    "round_seconds": 0.2,
    "encoders": [
        {
            "name": "bge-small-en-v1.5",
            "gain": 0.147,
            "low": 0.094,
            "high": 0.201,
            "reading_seconds": 31.0,
            "round_seconds": 0.1,
        },
        {"name": "multilingual-e5-small", "note": "To read all items takes too long."},
    ],
    "proposal": "bge-small-en-v1.5",
}


def proposed(store) -> int:
    """The id of a finished comparison that proposes an encoder in place of the project's."""
    number = store.encoder_comparisons.request(EncoderRequest(60, ("char_tfidf", "bge-small-en-v1.5")), "")
    store.encoder_comparisons.claim()
    report = REPORT | {"present": "char_tfidf"}
    store.encoder_comparisons.finish(number, report | {"verdict": verdict(report)})
    return number


def test_an_encoder_is_proposed_with_its_evidence_and_declined(project, store):
    add(store, 6)
    project.save(replace(project.config, learner=LearnerConfig(backbone="char_tfidf")))
    proposed(store)
    app = visit("project")
    shown = everything(app)
    assert "bge-small-en-v1.5 is better than char_tfidf on this project's labels: +14.7 points of accuracy" in shown
    assert "(+9.4 to +20.1, allowing for 1 tried), by cross-validation on 60 labels." in shown
    assert "to read all 3,300 items once about 31 s" in shown
    assert "by now" not in shown  # there are no more labels than it rests on
    app = widget(app, "button", "Keep the present encoder").click().run()
    assert not app.exception, app.exception
    assert "proposed again only with twice the labels" in everything(app)
    assert "Keep the present encoder" not in [button.label for button in app.button]
    assert [(answer.answer, answer.by) for answer in store.encoder_comparisons.answers()] == [
        ("declined", local_user().name)
    ]
    assert projects.open_project(project.folder).config.learner.backbone == "char_tfidf"


def test_a_proposed_encoder_is_taken_over(project, store):
    add(store, 6)
    project.save(replace(project.config, learner=LearnerConfig(backbone="char_tfidf")))
    proposed(store)
    app = widget(visit("project"), "button", "Switch from the next round on").click().run()
    assert not app.exception, app.exception
    assert projects.open_project(project.folder).config.learner.backbone == "bge-small-en-v1.5"
    assert "Saved: bge-small-en-v1.5 reads the items from the next round on." in everything(app)
