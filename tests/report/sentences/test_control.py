"""What is said of the labels saved: with both ends, with one, or that it cannot be said."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from labeler.core.jobs import AuditRequest
from labeler.core.settings import QueryConfig
from labeler.measure.intervals import Estimate
from labeler.progress.control import Control, NumberOfLabels, Point
from labeler.report.charts import control as control_charts
from labeler.report.sentences.control import drawn_at_random, sentences
from tests.support.fill import add, rank
from tests.support.pages import everything, visit

CURVES: dict[str, Any] = {
    "random": [Point(80, 0.6, 0.55, 0.65), Point(160, 0.66, 0.62, 0.7)],
    "own": [Point(20, 0.5, 0.45, 0.55), Point(160, 0.69, 0.65, 0.73)],
}
FOUND = Control(
    arm=338,
    holdout=300,
    **CURVES,
    size=160,
    gain=Estimate(0.03, 0.01, 0.05),
    needed=NumberOfLabels(104.0, 80.2, 139.4),
    saved=NumberOfLabels(56.0, 20.6, 79.8),
)


def sentence(**changes: Any) -> str:
    return " ".join(sentences(asdict(replace(FOUND, **changes))))


def test_labels_saved_and_gain_have_their_intervals():
    assert sentence() == (
        "The project reached the accuracy of 160 random labels with 104 pool labels (95%: 80 to 139): 35% saved (95%:"
        " 13% to 50%). At 160 pool labels the query strategy has gained +3.0 points of accuracy (95%: +1.0 to"
        " +5.0). The query strategy pays: keep it."
    )


def test_lost_labels_are_reported_as_well():
    text = sentence(needed=NumberOfLabels(200.0, 150.0, 280.0), gain=Estimate(-0.02, -0.05, 0.01))
    assert "with 200 pool labels (95%: 150 to 280): −25% saved (95%: −75% to 6%)." in text
    assert "−2.0 points of accuracy" in text
    assert "(95%: −5.0 to +1.0), which may be chance." in text


@pytest.mark.parametrize(
    ("needed", "text"),
    [
        (
            NumberOfLabels(30.0, None, 120.0),
            "with 120 pool labels at most (upper end of the 95% interval): 25% saved, or more.",
        ),
        (
            NumberOfLabels(None, 120.0, None),
            "with 120 pool labels at least (lower end of the 95% interval): 25% saved, or less.",
        ),
        (
            NumberOfLabels(90.0, None, None),
            "do not show whether the project needed more or fewer pool labels than the 160 random ones",
        ),
    ],
)
def test_an_open_interval_is_described_by_its_end(needed, text):
    assert text in sentence(needed=needed)


def test_no_bound_on_the_labels_saved_is_given_beside_a_gain_that_may_be_chance():
    text = sentence(needed=NumberOfLabels(30.0, None, 102.0), gain=Estimate(0.0022, -0.0631, 0.0676))
    assert text.startswith(
        "At 160 pool labels the difference from random sampling is +0.2 points of accuracy (95%: −6.3 to +6.8)"
    )
    assert "% saved" not in text
    assert "whether it saved labels is not known" in text


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("holdout", "300 holdout items have a label; 50 are needed."),
        ("rounds", "4 rounds with different numbers of pool labels are needed"),
        (
            "arm",
            "338 pool and holdout labels were drawn at random; 40 are needed, and twice as many as",
        ),
    ],
)
def test_a_comparison_without_enough_data_names_what_is_missing(missing, text):
    only = sentence(needed=None, saved=None, gain=None, missing=missing)
    assert only.startswith("Not enough data yet: ")
    assert text in only
    assert "saved" not in only


def test_labels_are_not_called_saved_beside_a_gain_that_may_be_chance():
    text = sentence(gain=Estimate(-0.001, -0.031, 0.029))  # and 80 to 139 labels were needed for 160 random ones
    assert "saved (95%" not in text
    assert "the difference from random sampling is −0.1 points of accuracy" in text
    assert "whether it saved labels is not known" in text


def test_the_gain_is_reported_even_if_the_labels_saved_are_unknown():
    text = sentence(needed=None, saved=None, missing="precision")
    assert text.startswith("At 160 pool labels the query strategy has gained +3.0 points")
    assert "Whether this saved labels is not known yet" in text


def test_the_chart_has_both_curves_and_the_way_between_them():
    frame = control_charts.control_frame(asdict(FOUND))
    assert frame["curve"].tolist() == ["random", "random", "own", "own"]
    chart = control_charts.control_chart(asdict(FOUND)).to_dict()
    marks = [layer["mark"]["type"] for layer in chart["layer"]]
    assert marks == ["area", "line", "rule", "point", "point"]
    (way,) = [rows for rows in chart["datasets"].values() if "needed" in rows[0]]
    assert way == [{"labels": 160, "needed": 104.0, "accuracy": 0.66}]
    without = control_charts.control_chart(asdict(replace(FOUND, needed=None))).to_dict()
    assert [layer["mark"]["type"] for layer in without["layer"]] == ["area", "line", "point"]


def test_the_chart_has_no_arrow_where_the_sentences_tell_no_labels_saved():
    by_chance: dict[str, Any] = {"gain": Estimate(-0.003, -0.033, 0.027), "needed": NumberOfLabels(104.0, 80.2, 139.4)}
    assert "whether it saved labels is not known" in sentence(**by_chance)
    chart = control_charts.control_chart(asdict(replace(FOUND, **by_chance))).to_dict()
    assert [layer["mark"]["type"] for layer in chart["layer"]] == ["area", "line", "point"]


def test_the_page_shows_the_latest_audits_report(project):
    with project.store() as store:
        add(store, 3)
        add(store, 1, split="holdout", first=3)
    assert "measured after each round" in everything(visit("progress", "Against random"))
    with project.save(replace(project.config, query=QueryConfig(random_share=0.1))).store() as store:
        rank(store, [1, 2], strategy="auto", labels=2)
        store.audits.request(AuditRequest(1), "kim")
        store.audits.finish(store.audits.claim().id, {"round": 1, "control": asdict(FOUND)})
    shown = everything(visit("progress", "Against random"))
    assert "Of the items to ask next, 0% are drawn at random. The settings ask for 10%; auto draws more" in shown
    assert "with 104 pool labels (95%: 80 to 139): 35% saved" in shown
    assert "The orange arrow leads to the pool labels" in shown
    assert "Measured on 300 holdout items, with 338 pool and holdout labels drawn at random." in shown
    assert "Both curves are of the same head on frozen features" in shown
    project.save(replace(project.config, learner=replace(project.config.learner, kind="frozen", head="svm")))
    assert "from the next round on it is svm" in everything(visit("progress", "Against random"))


def test_a_clear_loss_is_called_one_and_says_what_to_do():
    text = sentence(needed=NumberOfLabels(200.0, 180.0, 240.0), gain=Estimate(-0.03, -0.05, -0.01))
    assert "needed 200 pool labels (95%: 180 to 240) for the accuracy of 160 random labels: 25% more" in text
    assert "has cost accuracy: −3.0 points" in text
    assert text.endswith("choose another strategy on the Strategies page.")


def test_the_head_of_both_curves_is_named_where_it_is_not_the_linear_one():
    assert "Both curves are of the head svm" in sentence(head="svm")
    assert "head" not in sentence()
    report = asdict(replace(FOUND, head="svm", own=[], gain=None, needed=None, missing="slow"))
    assert sentences(report) == [
        "There is no comparison with random sampling: it fits the head svm about a hundred times, which would take"
        " more than 30 minutes after each round. A faster head has one."
    ]


@pytest.mark.parametrize(
    ("strategy", "share", "least"), [("margin", 0.1, 0.1), ("auto", None, 0.1), ("auto", 0.3, 0.0), ("gone", 0.3, 0.1)]
)
def test_nothing_is_said_of_the_share_that_the_settings_alone_decide(strategy, share, least):
    assert drawn_at_random(strategy, share, QueryConfig(random_share=least)) is None
