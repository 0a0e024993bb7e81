"""Pool labels, holdout labels and answers are told apart on every page, and no figure exceeds what can be labeled."""

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from labeler.cli.base import main
from labeler.core.items import Answer, NewItem
from labeler.core.rounds import FinishedRound, Metrics, RoundResult
from labeler.core.settings import LabelingConfig, TeamConfig
from labeler.report.page import page
from tests.support.fill import add
from tests.support.pages import everything, visit, widget


@pytest.fixture
def mixed(project):
    """Ten pool items and five of the holdout, each to be answered by two people; every kind of count is another number.

    Seven pool labels (one of them imported), two holdout labels, eleven answers, and seventeen more that the data need.
    """
    mixed = project.save(replace(project.config, budget=50, labeling=LabelingConfig(overlap=2, overlap_share=1.0)))
    with mixed.store() as store:
        add(store, 10)
        add(store, 5, split="holdout", first=10)
        store.items.add([NewItem("000006", "row 6", text="t6", label="bad")])
        store.answers.add("kim", [Answer(f"k{i}", i, "label", "good", 2.0) for i in (1, 2, 3, 4, 5, 6, 11, 12)])
        store.answers.add("lee", [Answer(f"l{i}", i, "label", "good", 2.0) for i in (1, 2, 3)])
        measured = Metrics(2, 0.5, 0.1, 0.9, 0.5)
        store.rounds.finish(store.rounds.claim(), FinishedRound(1, RoundResult(7, "margin", 1, measured, (), 0.1, 0.1)))
    return mixed


def test_the_sum_is_shown_once_on_progress(mixed):
    app = visit("progress", "When to stop")
    shown = everything(app)
    assert shown.count("7 pool labels + 2 holdout labels = 9 labeled items.") == 1
    assert "11 answers of a budget of 50 are paid." in shown
    assert "At most 17 more answers can be given about these data, fewer than the budget still pays for." in shown
    assert widget(app, "metric", "Pool labels").value == "7"
    assert widget(app, "metric", "Answers left").value == "17"
    assert "of 28" in shown
    assert "At round 1, 11 answers of a budget of 50 were paid. The data need 28 answers in all" in shown
    assert "Today 3 items of the pool can still get a label." in shown


def test_team_and_status_count_the_same_answers(mixed):
    app = visit("team")
    assert widget(app, "metric", "Answers").value == "11"
    assert "of 28 to the goal" in everything(app)
    status = CliRunner().invoke(main, ["status", str(mixed.folder)]).output
    assert "7 of 10 pool items and 2 of 5 holdout items labeled" in status
    assert "7 pool labels + 2 holdout labels = 9 labeled items. 11 answers of a budget of 50 are paid." in status
    values = json.loads(CliRunner().invoke(main, ["status", str(mixed.folder), "--json"]).output)
    assert (values["labeled"], values["holdout_labeled"]) == (7, 2)
    assert (values["labels_spent"], values["answers_left"]) == (11, 17)


def test_before_the_first_round_annotators_see_no_number_of_pool_labels_rather_than_zero(project):
    led = project.save(replace(project.config, team=TeamConfig(leads=("somebody",))))
    with led.store() as store:
        add(store, 10)
        store.answers.add("kim", [Answer("k1", 1, "label", "good", 2.0)])
    app = visit("progress")
    assert widget(app, "metric", "Pool labels").value == "–"
    assert "1 answers of a budget of" in everything(app)


@pytest.mark.parametrize("part", ["Curve", "Holdout", "Against random", "When to stop", "Slices", "Rounds"])
def test_no_part_of_progress_counts_labels_without_saying_which(mixed, part):
    assert re.findall(r"[\d,]+ (?:more )?labels", everything(visit("progress", part))) == []


def test_team_and_report_count_no_labels_without_saying_which(mixed):
    assert re.findall(r"[\d,]+ (?:more )?labels", everything(visit("team"))) == []
    assert re.findall(r"[\d,]+ (?:more )?labels", page(mixed)) == []


def test_when_everything_is_labeled_no_figure_speaks_of_more(project):
    with project.store() as store:
        add(store, 5)
        store.answers.add("kim", [Answer(f"k{i}", i, "label", "good", 2.0) for i in range(1, 6)])
        store.rounds.finish(store.rounds.claim(), FinishedRound(1, RoundResult(5, "margin", 1, None, (), 0.1, 0.1)))
    app = visit("progress", "Curve")
    assert widget(app, "metric", "Until the next round").value == "–"
    assert widget(app, "metric", "Answers left").value == "0"
    assert "There is nothing left to label." in everything(app)
    team = everything(visit("team"))
    assert "of 5 to the goal" in team
    assert "The goal is reached." in team
