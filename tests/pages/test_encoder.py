"""What the Project page says of the encoder, and how another is chosen there."""

from dataclasses import replace

from labeler.backbones.catalogue import encoders_folder
from labeler.core.settings import LearnerConfig
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
