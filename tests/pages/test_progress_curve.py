"""The curve and the stopping rules on the Progress page, through Streamlit's own test runner."""

import io
import json
import shutil
from dataclasses import replace

import pyarrow
import pytest

from labeler.core.items import Answer
from labeler.core.rounds import FinishedRound, Metrics, Remeasured, RoundResult
from labeler.core.settings import StoppingConfig, TeamConfig
from labeler.projects import project as projects
from tests.support.fill import add, add_labeled
from tests.support.pages import elements, everything, visit, widget


@pytest.fixture
def rounds(project):
    """Makes so many rounds of 20 labels each whose accuracy rises towards 0.9, measured on 400 items."""

    def make(n: int, **settings) -> None:
        changed = project.save(replace(project.config, **settings))
        with changed.store() as store:
            add(store, 3000)
            items = [item.id for item in store.items.all()]
            for i in range(1, n + 1):
                new = items[20 * (i - 1) : 20 * i]
                store.answers.add("ann", [Answer(f"a{k}", k, "label", "good", seconds=36.0) for k in new])
                accuracy = 0.9 - 0.4 / i
                measured = Metrics(400, accuracy, accuracy - 0.04, accuracy + 0.03, accuracy)
                with store.write():
                    store.rounds.request("test")
                    job = store.rounds.claim()
                result = RoundResult(20 * i, "margin", 1, measured, (), 0.1, 0.1)
                agreement = None if i == 1 else 1 - 0.5 / i**2
                store.rounds.finish(job, FinishedRound(i, result, agreement=agreement, uncertainty=0.5 / i))

    return make


def test_without_rounds_there_is_nothing_to_draw(project):
    assert "No round has been measured" in everything(visit("progress", "Curve"))
    assert "0 of 6 rules are met" in everything(visit("progress", "When to stop"))


def test_nobody_is_sent_to_label_where_nothing_is_left(project):
    with project.store() as store:
        add_labeled(store, 10, holdout=4)
    assert "Start labeling" not in [link.proto.label for link in visit("progress").get("page_link")]


def test_items_that_a_ranking_left_out_are_said(project):
    with project.store() as store:
        add(store, 50)
        store.rounds.request("test")
        result = RoundResult(0, "k_means", 1, None, (), 0.1, 0.1)
        store.rounds.finish(store.rounds.claim(), FinishedRound(1, result, left_out=38))
    shown = everything(visit("progress", "Curve"))
    assert "The latest ranking is of the 12 items that were embedded by then. The other 38 follow" in shown


def test_two_rounds_are_too_few_to_say_where_they_lead(rounds):
    rounds(2)
    shown = everything(visit("progress", "Curve"))
    assert "It takes three measured rounds" in shown
    assert "Dashed" not in shown
    assert "points wide" in shown


@pytest.mark.slow
def test_the_curve_says_when_the_target_is_expected(rounds):
    rounds(20, target_accuracy=0.89)
    app = visit("progress", "Curve")
    shown = everything(app)
    assert "The curve reaches it at about" in shown
    assert "h more" in shown
    assert "All rounds: query strategy margin, backbone char_tfidf." in shown
    assert "cannot be told apart: the interval is 7.0 points wide" in shown
    assert len(app.get("vega_lite_chart")) == 1
    assert not app.get("download_button")  # a picture takes a while: it is made once somebody asks
    app.session_state["download"] = True
    app.run()
    assert [button.label for button in elements(app, "download_button")] == ["Rounds (CSV)", "Chart (SVG)"]


@pytest.mark.slow
def test_accuracy_versus_hours_and_versus_cost_where_there_is_one(rounds):
    rounds(5)
    app = visit("progress", "Curve")
    assert widget(app, "button_group", "Accuracy versus").options == ["Pool labels", "Hours"]
    widget(app, "button_group", "Accuracy versus").set_value("hours").run()
    assert not app.exception
    assert "hours of annotators" in app.get("vega_lite_chart")[0].proto.spec


@pytest.mark.slow
def test_with_a_rate_there_is_a_cost(rounds):
    rounds(5, team=TeamConfig(rate=30.0, currency="EUR"))
    app = visit("progress", "Curve")
    widget(app, "button_group", "Accuracy versus").set_value("cost").run()
    assert "cost, €" in json.dumps(json.loads(app.get("vega_lite_chart")[0].proto.spec), ensure_ascii=False)


@pytest.mark.slow
def test_the_rules_stand_side_by_side_with_what_they_would_have_done(rounds):
    rounds(20, stopping=StoppingConfig(("stable",), kappa=0.98, uncertainty=0.05))
    shown = everything(visit("progress", "When to stop"))
    # uncertainty is 0.5/i: 0.05 at round 10; agreement 1 − 0.5/i²: the mean of the last three is 0.98 at round 7
    assert "Would have stopped at round 10, 2.0 points below today, 200 pool labels earlier." in shown
    assert "Would have stopped at round 7, 3.7 points below today, 260 pool labels earlier." in shown
    assert "mean uncertainty is 2.5%" in shown
    assert "At round 20, 400 answers of a budget of 1,000 were paid." in shown
    assert shown.count("stops automatically") == 1


@pytest.mark.slow
def test_the_lead_stops_labeling_and_lets_it_go_on(project, rounds):
    rounds(3)
    app = visit("progress", "When to stop")
    widget(app, "text_input", "Reason").input("Good enough for the pilot")
    widget(app, "button", "Stop now").click().run()
    with project.store() as store:
        assert store.stops.current()["reason"] == "Good enough for the pilot"
    assert "Good enough for the pilot" in everything(app)
    widget(app, "button", "Go on").click().run()
    with project.store() as store:
        assert store.stops.current() is None
    assert "Labeling goes on." in everything(app)


def test_the_lead_chooses_the_rules_that_stop_labeling(project):
    app = visit("progress", "When to stop")
    widget(app, "multiselect", "Rules that stop labeling").set_value(["target", "gain"])
    widget(app, "number_input", "Little left to gain").set_value(0.4)
    widget(app, "button", "Save").click().run()
    saved = projects.open_project(project.folder).config.stopping
    assert (saved.stop_when, saved.gain, saved.kappa) == (("target", "gain"), 0.004, 0.99)
    assert everything(app).count("stops automatically") == 2


def test_who_does_not_lead_sees_the_rules_and_no_buttons(project, rounds):
    rounds(3, team=TeamConfig(leads=("somebody else",)))
    app = visit("progress", "When to stop")
    assert "The lead decides." in everything(app)
    assert not [b for b in app.button if b.label in ("Stop now", "Go on", "Save")]
    assert projects.open_project(project.folder).config.team.leads == ("somebody else",)


def drawn_accuracies(app) -> set[float]:
    """The accuracies of the rounds that the curve is drawn through."""
    for dataset in app.get("vega_lite_chart")[0].proto.datasets:
        frame = pyarrow.ipc.open_stream(io.BytesIO(dataset.data.data)).read_pandas()
        if "holdout" in frame:
            return set(frame["accuracy"])
    raise AssertionError("no rounds are drawn")


def test_the_curve_shows_what_the_figure_above_it_says_while_an_audit_measures_the_rounds_anew(project, rounds):
    rounds(1)
    half, three_quarters = Metrics(4, 0.5, 0.15, 0.85, 0.5), Metrics(4, 0.75, 0.30, 0.95, 0.75)
    with project.store() as store:
        store.rounds.update_metrics(Remeasured({1: half}))
    assert drawn_accuracies(visit("progress", "Curve")) == {0.5}
    with project.store() as store:  # as an audit begins; it is not done yet
        store.rounds.update_metrics(Remeasured({1: three_quarters}))
    app = visit("progress", "Curve")
    assert widget(app, "metric", "Accuracy").value == "75.0%"
    assert drawn_accuracies(app) == {0.75}


def test_a_project_that_was_deleted_and_created_anew_does_not_show_the_curve_of_the_first(project, rounds):
    rounds(1)
    assert drawn_accuracies(visit("progress", "Curve")) == {0.5}
    shutil.rmtree(project.folder)
    with projects.create(project.folder, project.config).store() as store:
        add(store, 3000)
        items = [item.id for item in store.items.all()[:20]]
        store.answers.add("ann", [Answer(f"a{k}", k, "label", "good", seconds=36.0) for k in items])
        with store.write():
            store.rounds.request("test")
            job = store.rounds.claim()
        result = RoundResult(20, "margin", 1, Metrics(4, 0.75, 0.30, 0.95, 0.75), (), 0.1, 0.1)
        store.rounds.finish(job, FinishedRound(1, result))
    assert drawn_accuracies(visit("progress", "Curve")) == {0.75}
