"""The form of the settings, on the Project page."""

from labeler.experiments import check_learner
from labeler.learner.estimators import NAMES
from labeler.projects import project as projects
from tests.support.fill import add
from tests.support.pages import visit, widget

LEARNER = """
class Mine:
    def fit(self, features, labels): ...
    def predict_proba(self, features): ...
"""


def test_saving_settings_keeps_the_comments_in_project_toml(project, store):
    add(store, 6)
    path = project.folder / projects.SETTINGS
    text = path.read_text(encoding="utf-8").replace("\nbudget = ", "\n# Paid for until May.\nbudget = ")
    path.write_text("# Ask Kim before changing this.\n" + text, encoding="utf-8")
    app = visit("project")
    widget(app, "number_input", "Budget").set_value(77)
    widget(app, "number_input", "Target accuracy (%)").set_value(90.5)
    widget(app, "slider", "Share of later items in the holdout").set_value(0.1)
    widget(app, "number_input", "Later items in the holdout in 30 days, at most").set_value(90)
    widget(app, "button", "Save from the next round on").click().run()
    assert not app.exception, app.exception
    saved = projects.open_project(project.folder).config
    assert (saved.budget, saved.target_accuracy) == (77, 0.905)
    assert (saved.evaluation.later_share, saved.evaluation.later_most) == (0.1, 90)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Ask Kim before changing this."
    assert lines[lines.index("budget = 77") - 1] == "# Paid for until May."


def errors_of(app) -> list[str]:
    return [error.value for error in app.error]


def saved_with(app, head: str, parameters: str = "", learner: str = "frozen"):
    widget(app, "selectbox", "Learner").set_value(learner)
    widget(app, "selectbox", "Head").set_value(head)
    widget(app, "text_input", "Parameters of the head").set_value(parameters)
    return widget(app, "button", "Save from the next round on").click().run()


def test_a_head_is_chosen_from_the_short_names_and_the_projects_learner_files(project, store, monkeypatch):
    add(store, 6)
    (project.folder / "mine.py").write_text(LEARNER, encoding="utf-8")
    (project.folder / "torn.py").write_text("class Torn(:\n", encoding="utf-8")
    tried = []
    monkeypatch.setattr(check_learner, "refusal", lambda learner, folder: tried.append(learner.head))
    app = visit("project")
    assert any("torn.py, line 1: invalid syntax" in warning.value for warning in app.warning)
    options = widget(app, "selectbox", "Head").options
    assert len(options) == 1 + len(NAMES) + 1
    assert options[0] == "linear: regression, discriminant (default)"
    assert options[-1] == "mine.py:Mine"
    app = saved_with(app, "mine.py:Mine", "sharpness = 2.0")
    learner = projects.open_project(project.folder).config.learner
    assert (learner.head, learner.head_parameters) == ("mine.py:Mine", {"sharpness": 2.0})
    assert widget(app, "text_input", "Parameters of the head").value == "sharpness = 2.0"
    app = widget(app, "button", "Save from the next round on").click().run()  # unchanged, it is not tried again
    app = saved_with(app, "linear")
    assert projects.open_project(project.folder).config.learner.head_parameters == {}
    assert tried == ["mine.py:Mine", "linear"]


def test_what_refuses_a_head_is_said_and_nothing_is_saved(project, store, monkeypatch):
    add(store, 6)
    monkeypatch.setattr(check_learner, "refusal", lambda learner, folder: "The head svm cannot be made.")
    before = (project.folder / projects.SETTINGS).read_bytes()
    app = visit("project")
    assert errors_of(saved_with(app, "svm")) == ["The head svm cannot be made. Nothing was saved."]
    assert "cannot be read; write `name = value`" in errors_of(saved_with(app, "svm", "C: 3"))[0]
    assert 'learner.kind = "finetune" trains them' in errors_of(saved_with(app, "svm", learner="finetune"))[0]
    assert "are those of another head" in errors_of(saved_with(app, "linear", "C = 3.0"))[0]
    widget(app, "selectbox", "Query strategy").set_value("badge")
    assert "takes gradients of linear heads" in errors_of(saved_with(app, "svm"))[0]
    assert (project.folder / projects.SETTINGS).read_bytes() == before
