"""The pages through Streamlit's own test runner: what they show, and that every one asks who is there."""

import ast
import re
from typing import get_args

import pytest

from labeler.core.errors import LabelerError
from labeler.core.items import Answer, NewItem
from labeler.core.rounds import Epoch, FinishedRound, Metrics, RoundResult, Training
from labeler.jobs import attendance
from labeler.jobs.attendance import Troubles
from labeler.projects import project as projects
from labeler.report.sentences import training as reading
from tests.support.fill import add
from tests.support.machine import ROOT
from tests.support.pages import everything, visit, widget
from tests.support.samples import text_config

PAGES = sorted(path.parent.name for path in (ROOT / "pages").glob("*/page.py"))


def test_every_page_begins_with_require_user():
    for name in PAGES:
        tree = ast.parse((ROOT / "pages" / name / "page.py").read_text())
        calls = [
            node.value.func.id
            for node in tree.body
            if isinstance(node, ast.Expr | ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
        ]
        assert calls[0] == "require_user", name


def test_every_page_is_in_the_navigation():
    listed = (ROOT / "pages" / "app.py").read_text()
    for name in PAGES:
        assert re.search(rf'\(\s*"{name}",', listed), name


@pytest.mark.parametrize("page", ["label", "progress"])
def test_without_a_project_a_page_says_where_to_make_one(page):
    assert "Create one on the **Project** page" in everything(visit(page))


def test_a_project_is_created_on_the_page(own_home):
    app = visit("project")
    widget(app, "text_input", "Name").input("Kundenpost")
    widget(app, "radio", "Items").set_value("text")
    widget(app, "text_area", "Classes").input("gut\nschlecht")
    widget(app, "button", "Create project").click().run()
    project = projects.open_project(own_home / "kundenpost")
    assert (project.config.classes, project.config.modality) == (("gut", "schlecht"), "text")


def test_what_is_wrong_with_a_new_project_is_said(own_home):
    app = visit("project")
    widget(app, "text_input", "Name").input("x")
    widget(app, "text_area", "Classes").input("only one")
    widget(app, "button", "Create project").click().run()
    assert "at least two" in app.error[0].value
    assert projects.in_home(own_home) == []


def test_an_empty_project_says_what_to_do(project):
    assert "Import images or texts" in everything(visit("label"))


def test_import_from_a_path_reports_rows_and_problems(project, tmp_path):
    (tmp_path / "t.csv").write_text("text,label\nwarm,good\n,bad\n")
    app = visit("project")
    widget(app, "radio", "From").set_value("path").run()
    widget(app, "text_input", "Path").input(str(tmp_path / "t.csv")).run()
    assert widget(app, "selectbox", "Column to label").value == "text"
    assert widget(app, "selectbox", "Known labels").value == "label"
    widget(app, "checkbox", "Keep only").uncheck()
    app.button(key="import").click().run()
    assert "pool 1 item, 1 labeled · holdout 0 items" in app.caption[0].value
    assert "1 item added, 0 already there, 1 label." in app.success[0].value
    assert "1 row could not be imported" in app.warning[0].value
    with project.store() as store:
        assert store.rounds.waiting()


def test_settings_are_saved_and_wrong_ones_are_not(project):
    app = visit("project")
    widget(app, "selectbox", "Query strategy").set_value("entropy")
    widget(app, "number_input", "Budget").set_value(77)
    widget(app, "button", "Save").click().run()
    assert "Saved" in everything(app)
    saved = projects.open_project(project.folder).config
    assert (saved.query.strategy, saved.budget) == ("entropy", 77)
    assert saved.classes == text_config().classes


@pytest.mark.slow
def test_modifiers_are_chosen_beside_the_strategy_and_shown_again(project):
    app = visit("project")
    assert widget(app, "multiselect", "Modifiers").value == []
    widget(app, "selectbox", "Query strategy").set_value("margin")
    widget(app, "multiselect", "Modifiers").set_value(["balanced", "distinct"])
    widget(app, "button", "Save").click().run()
    assert projects.open_project(project.folder).config.query.strategy == "balanced(distinct(margin))"
    app = visit("project")
    assert widget(app, "selectbox", "Query strategy").value == "margin"
    assert widget(app, "multiselect", "Modifiers").value == ["balanced", "distinct"]
    assert "no near-duplicates in a batch" in widget(app, "multiselect", "Modifiers").options
    widget(app, "multiselect", "Modifiers").set_value([])
    widget(app, "button", "Save").click().run()
    assert projects.open_project(project.folder).config.query.strategy == "margin"


def test_a_broken_strategy_of_the_projects_own_is_reported_and_the_others_can_be_chosen(project):
    project.strategies.mkdir()
    (project.strategies / "mine.py").write_text("import numpy as np\n1 / 0\n")
    app = visit("project")
    assert "Strategy file mine.py: line 2: ZeroDivisionError" in everything(app)
    assert any(o.startswith("margin") for o in widget(app, "selectbox", "Query strategy").options)


def test_retrain_now_asks_for_a_round(project):
    with project.store() as store:
        add(store, 4)
        store.answers.add("kim", [Answer("1", 1, "label", "good"), Answer("2", 2, "label", "bad")])
    app = visit("project")
    widget(app, "button", "Retrain now").click().run()
    with project.store() as store:
        assert store.rounds.latest_job().reason == "retrain now"


def test_progress_shows_what_was_measured_with_its_interval(project):
    with project.store() as store:
        add(store, 9)
        add(store, 5, split="holdout", first=9)
        store.answers.add("kim", [Answer(str(i), i, "label", "good") for i in range(1, 5)])
        job = store.rounds.claim()
        result = RoundResult(4, "margin", 1, Metrics(5, 0.8, 0.376, 0.964, 0.7), (), 0.1, 0.2)
        store.rounds.finish(job, FinishedRound(1, result))
    app = visit("progress")
    shown = everything(app)
    assert "Accuracy 80.0%" in shown
    assert "95%: 37.6 – 96.4% (n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}5)" in shown
    assert "Pool labels 4" in shown


@pytest.mark.slow
def test_a_project_of_several_classes_an_item_is_created_and_its_accuracy_is_called_what_it_is(own_home):
    app = visit("project")
    widget(app, "text_input", "Name").input("Kundenpost")
    widget(app, "radio", "Classes of an item").set_value("several")
    widget(app, "radio", "Items").set_value("text").run()
    widget(app, "text_area", "Classes").input("배송\n환불")
    widget(app, "button", "Create project").click().run()
    project = projects.open_project(own_home / "kundenpost")
    assert project.config.several
    with project.store() as store:
        store.items.add([NewItem("1", "row 1", text="t", split="pool", label='["배송","환불"]')])
        store.rounds.request("test")
        measured = Metrics(5, 0.8, 0.376, 0.964, 0.7, 0.1, 0.75)
        result = RoundResult(1, "margin", 1, measured, (), 0.1, 0.2)
        store.rounds.finish(store.rounds.claim(), FinishedRound(1, result))
        [finished] = store.rounds.all()
    assert finished.metrics == measured
    app = visit("progress", "Rounds")
    assert "Subset accuracy 80.0%" in everything(app)
    [row] = app.dataframe[-1].value.to_dict("records")
    assert (row["subset accuracy"], row["micro F1"]) == pytest.approx((80, 75))  # percent


def test_progress_says_why_a_round_failed(project):
    with project.store() as store:
        store.rounds.request("test")
        store.rounds.fail(store.rounds.claim(), "there is no strategy 'x'.")
    assert "there is no strategy 'x'." in everything(visit("progress"))


# Validation is lowest in epoch 2 and rises in all three that follow; training goes on.
OVERFIT = Training(
    tuple(
        Epoch(number, *row)
        for number, row in enumerate(
            [
                (1.2, 0.60, 0.9, 0.70),
                (0.8, 0.80, 0.5, 0.82),
                (0.6, 0.90, 0.7, 0.80),
                (0.4, 0.95, 0.9, 0.79),
                (0.3, 0.99, 1.1, 0.78),
            ],
            1,
        )
    ),
    {"epochs": 5, "learning_rate": 0.001, "label_smoothing": 0.1, "augment": [], "early_stopping": False},
    0.6,
    "It was better on 31 of 200 labels.",
    200,
)


def train(project, *trainings: Training | None, model: str | None = "models/m.safetensors") -> None:
    """A finished round for each training, numbered from 1; round n has 10 n labels."""
    with project.store() as store:
        for training in trainings:
            store.rounds.request("test")
            number = store.rounds.next_number()
            measured = Metrics(50, 0.8, 0.67, 0.89, 0.8)
            result = RoundResult(10 * number, "margin", 1, measured, (), 0.1, 0.2, training)
            store.rounds.finish(store.rounds.claim(), FinishedRound(number, result, model=model))


@pytest.mark.slow
def test_progress_shows_how_the_latest_round_was_trained(project):
    train(project, None, OVERFIT)
    app = visit("progress", "Rounds")
    assert widget(app, "selectbox", "Round").options[0] == "the latest, round 2, 20 pool labels"
    shown = everything(app)
    assert "It was better on 31 of 200 labels." in shown
    weights = "In the predictions the fine-tuned network has a weight of 60%, and the frozen heads have the rest."
    assert f"{weights} The values chosen" in shown
    assert "**Over-fitting.** The validation loss was lowest in epoch 2" in app.warning[0].value
    assert "`epochs = 2` (was 5)" in app.warning[0].value
    assert "token_dropout" in app.warning[0].value  # the project's items are texts
    assert "the training loss cannot fall below 0.20" in shown  # two classes, smoothing 0.1
    levers = next(d.value for d in app.dataframe if "lever" in d.value)
    assert levers.to_dict("list") == {
        "lever": ["epochs", "learning_rate", "label_smoothing", "augment", "early_stopping"],
        "value": ["5", "0.001", "0.1", "none", "false"],
    }
    assert len(app.get("vega_lite_chart")) == 2  # the pool has no labels to draw


def test_a_chosen_round_stays_chosen_when_others_follow_and_the_latest_follows_them(project):
    train(project, Training(note="The first."), Training(note="The second."))
    app = visit("progress", "Rounds")
    assert "The second." in everything(app)
    widget(app, "selectbox", "Round").set_value(1).run()
    train(project, Training(note="The third."))
    app.run()
    assert widget(app, "selectbox", "Round").value == 1
    assert "The first." in everything(app)
    widget(app, "selectbox", "Round").set_value(0).run()
    assert "The third." in everything(app)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "networks", "sentence"),
    [
        (0.0, 1, "The frozen heads alone make the predictions."),
        (1.0, 1, "The fine-tuned network alone makes the predictions."),
        (1.0, 2, "The fine-tuned networks alone make the predictions."),
        (0.5, 2, "the fine-tuned networks together have a weight of 50%"),
    ],
)
def test_the_page_says_whether_heads_or_networks_predict(project, share, networks, sentence):
    train(project, Training(OVERFIT.epochs, {**OVERFIT.chosen, "networks": networks}, share))
    assert sentence in everything(visit("progress", "Rounds"))


@pytest.mark.parametrize(
    ("model", "sentence"),
    [("models/m.safetensors", "An older version of labeler trained this round"), (None, "trained no model")],
)
def test_a_round_without_a_training_says_why(project, model, sentence):
    train(project, None, model=model)
    assert sentence in everything(visit("progress", "Rounds"))


def test_each_kind_of_reading_has_a_callout():
    source = ast.parse((ROOT / "pages" / "progress" / "training.py").read_text())
    (callouts,) = [
        node.value
        for node in source.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Dict)
        and getattr(node.targets[0], "id", "") == "CALLOUTS"
    ]
    assert {ast.literal_eval(key) for key in callouts.keys} == set(get_args(reading.Kind))


def test_a_projects_page_says_why_the_worker_left_it_out_and_asks_it_to_try_again(project, own_home, monkeypatch):
    monkeypatch.setattr(attendance, "FIRST_WAIT", 1e6)
    monkeypatch.setattr(attendance, "LONGEST_WAIT", 1e6)
    Troubles(own_home, "explainer").note(own_home / "another", LabelerError("It is another project's trouble."))
    troubles = Troubles(own_home, "worker")
    troubles.note(project.folder, LabelerError("The disk with {path} is full.", path="/data"))
    app = visit("progress")
    assert "No round and no other job runs in this project since 20" in everything(app)
    assert "The disk with /data is full." in everything(app)
    assert "another project" not in everything(app)
    assert troubles.due([project.folder]) == []
    widget(app, "button", "Try again now").click().run()
    assert troubles.due([project.folder]) == [project.folder]
    troubles.over(project.folder)
    assert "No round and no other job" not in everything(app.run())


@pytest.mark.parametrize(
    ("left", "says"),
    [
        ({"ended": "outside"}, "Attempt 2: the worker was restarted in the middle of the round."),
        ({"ended": "memory"}, "Attempt 2, with smaller batches: memory was short."),
        ({"ended": "crashed"}, "The worker crashed by itself in this round 1 time. After 3 times it waits"),
    ],
)
def test_why_a_round_was_taken_up_again_is_on_the_page(project, left, says):
    with project.store() as store:
        add(store, 3)
        store.rounds.request("test")
        store.rounds.claim()
        store.rounds.claim(**left)
    assert says in everything(visit("progress"))


def test_a_project_with_broken_settings_says_so(project):
    (project.folder / "project.toml").write_text("name =")
    assert "not valid TOML" in everything(visit("progress"))
