"""Simulation: the control always runs, all start alike, gains are paired, and the report is what was promised."""

import csv

import numpy as np
import pandas as pd
import psutil
import pytest

import strategies
from labeler.core.errors import LabelerError, SourceError
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.cycle.round import run_round
from labeler.experiments.dataset import load_task, read_labeled
from labeler.experiments.simulate import Design, compare, run
from labeler.experiments.summary import Run, labels_saved, summarise
from labeler.files.sources import SourceColumns
from tests.support.samples import reviews
from tests.support.warm_processes import forked, simulate_in_warm_processes


def curve(strategy: str, seed: int, accuracy: list[float]) -> Run:
    labels = [20, 40, 60]
    return Run(strategy, seed, labels, accuracy, accuracy, [0.0] * 3, [0.0] * 3)


def test_the_summary_on_curves_worked_out_by_hand():
    runs = [
        curve("random", 0, [0.5, 0.6, 0.7]),
        curve("random", 1, [0.5, 0.6, 0.7]),
        curve("margin", 0, [0.5, 0.7, 0.8]),
        curve("margin", 1, [0.5, 0.7, 0.8]),
    ]
    margin, random = summarise(runs)
    assert (margin["strategy"], random["strategy"]) == ("margin", "random")
    assert random["aulc_mean"] == pytest.approx(0.6)
    assert margin["aulc_mean"] == pytest.approx(0.675)
    assert margin["gain_over_random"] == margin["gain_low"] == margin["gain_high"] == pytest.approx(0.075)
    assert margin["saved"]["percent"] == pytest.approx(100 * (1 - 40 / 60))
    assert random["saved"] is None


def test_a_strategy_that_never_reaches_randoms_accuracy_needs_more_labels():
    worse = summarise([curve("random", 0, [0.5, 0.6, 0.7]), curve("entropy", 0, [0.5, 0.5, 0.6])])[1]
    assert worse["saved"]["percent"] == pytest.approx(100 * (1 - 60 / 40))  # random has its 0.6 at 40 labels
    assert (worse["gain_low"], worse["gain_high"]) == (None, None)  # one seed has no interval


def test_labels_saved_are_those_for_the_highest_accuracy_that_both_reach():
    control = curve("random", 0, [0.5, 0.6, 0.7])
    ahead = labels_saved([(curve("margin", 0, [0.5, 0.7, 0.8]), control)])
    assert ahead["percent"] == pytest.approx(100 * (1 - 40 / 60))
    assert (ahead["low"], ahead["high"], ahead["fewer"]) == (None, None, 1)  # one seed has no interval
    behind = labels_saved([(curve("margin", 0, [0.4, 0.5, 0.6]), control)])
    assert behind["percent"] == pytest.approx(100 * (1 - 60 / 40))  # random has 0.6 at 40 labels
    assert labels_saved([(control, control)] * 2) == {
        "percent": 0.0, "low": 0.0, "high": 0.0, "accuracy": pytest.approx(0.7), "fewer": 0,
    }  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "films.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "split", "label"])
        rows.writerows([text, "test" if i % 4 == 0 else "train", label] for i, (text, label) in enumerate(reviews(160)))
        rows.writerow([reviews(1)[0][0], "train", "good"])  # a duplicate of a test row
        rows.writerow(["no label here", "train", ""])
    return path


@pytest.fixture(scope="module")
def task(table, tmp_path_factory):
    query, learner = QueryConfig(seed_size=8, batch=10), LearnerConfig(backbone="char_tfidf")
    return load_task(read_labeled(table), query, learner, cache=tmp_path_factory.mktemp("cache"))


def test_the_split_column_is_kept_and_duplicates_do_not_straddle(task):
    assert (len(task.pool), len(task.holdout), len(task.dataset)) == (120, 40, 160)
    assert not set(task.pool) & set(task.holdout)


def test_without_a_split_column_a_fifth_is_held_out_always_the_same(tmp_path):
    path = tmp_path / "films.csv"
    path.write_text("text,label\n" + "\n".join(f'"{text}",{label}' for text, label in reviews(100)))
    first, second = (load_task(read_labeled(path), cache=tmp_path) for _ in range(2))
    assert len(first.holdout) == 20
    assert (first.holdout == second.holdout).all()


def test_all_strategies_of_a_seed_start_from_the_same_labels_and_repeat(task):
    a, b, again = run(task, "margin", 3, 4), run(task, "random", 3, 4), run(task, "margin", 3, 4)
    assert a.labels == b.labels == [8, 18, 28, 38, 48]
    assert a.accuracy[0] == b.accuracy[0]
    assert a.accuracy == again.accuracy
    assert run(task, "random", 4, 1).accuracy != b.accuracy[:2]
    assert a.accuracy[-1] > 0.8  # the labels can be learned


def test_a_watched_strategy_has_its_control_arm_and_others_choose_everything(task, monkeypatch):
    asked = []

    def spy(state, config, seed, depth, *rest):
        turn = run_round(state, config, seed, depth, *rest)
        asked.append([r.strategy for r in turn.result.ranking])
        return turn

    monkeypatch.setattr("labeler.experiments.simulate.run_round", spy)
    run(task, "auto", seed=0, rounds=2, seeding="k_means")
    assert asked[0] == ["k_means"] * 8
    assert [names.count("random") for names in asked[1:]] == [1] * 3
    asked.clear()
    run(task, "margin", seed=0, rounds=1)
    assert asked == [["random"] * 8, ["margin"] * 10, ["margin"] * 10]


def test_a_pool_that_runs_out_ends_the_curve(task):
    assert run(task, "random", 0, 99).labels[-1] == 120


@pytest.fixture
def processes_begin_warm(monkeypatch):
    """Those that simulate have torch loaded when they start."""
    simulate_in_warm_processes(monkeypatch)


@pytest.mark.slow
@pytest.mark.usefixtures("processes_begin_warm")
def test_compare_reports_every_run_and_its_progress(task):
    progress = []
    report = compare(task, Design(["margin"], 2, 2), processes=2, on_progress=lambda d, t: progress.append((d, t)))
    assert set(report) == {"dataset", "config", "runs", "summary"}
    assert {(r["strategy"], r["seed"]) for r in report["runs"]} == {
        (s, i) for s in ("random", "margin") for i in (0, 1)
    }
    fields = {"strategy", "seed", "labels", "accuracy", "macro_f1", "micro_f1", "query_seconds", "train_seconds"}
    assert all(
        set(r) == fields and len({len(r[f]) for f in fields - {"strategy", "seed"}}) == 1 for r in report["runs"]
    )
    assert progress[-1] == (16, 16)
    assert report["runs"][1]["accuracy"] == run(task, "margin", 0, 2).accuracy


def test_an_unknown_strategy_is_refused_before_anything_runs(task):
    with pytest.raises(strategies.UnknownStrategy, match="marginn"):
        compare(task, Design(["marginn"], 1, 1))


def test_a_table_that_cannot_be_compared_on_is_refused(tmp_path):
    table = tmp_path / "one.csv"
    table.write_text("text,label\na,x\nb,x\n")
    with pytest.raises(SourceError, match="two or more"):
        load_task(read_labeled(table), cache=tmp_path)
    few = tmp_path / "few.csv"
    few.write_text("text,label\n" + "\n".join(f'"{t}",{y}' for t, y in reviews(10)))
    with pytest.raises(SourceError, match="fewer than the 20 first labels"):
        load_task(read_labeled(few), cache=tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("processes_begin_warm")
def test_strategies_of_a_folder_are_known_in_the_processes_too(task, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from strategies.base import scores\n@scores(needs='proba')\ndef mine(c, rng):\n    return c.proba[:, 0]\n"
    )
    report = compare(task, Design(["mine"], 1, 1), processes=1, plugins=tmp_path)
    assert {row["strategy"] for row in report["summary"]} == {"mine", "random"}
    (tmp_path / "mine.py").write_text("1 / 0")
    with pytest.raises(strategies.UnknownStrategy, match=r"'mine'.*mine\.py: line 1: ZeroDivisionError"):
        compare(task, Design(["mine"], 1, 1), processes=1, plugins=tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("processes_begin_warm")
def test_the_first_failure_ends_the_comparison(task, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from strategies.base import scores\n@scores(needs='proba')\ndef mine(c, rng):\n    return c.probability\n"
    )
    progress = []
    with pytest.raises(strategies.StrategyError, match=r"mine\.py, line 4: AttributeError"):
        compare(task, Design(["mine"], 200, 50), 1, lambda d, t: progress.append((d, t)), tmp_path)
    assert all(done < total / 10 for done, total in progress)  # long before all was done


@pytest.mark.slow
@pytest.mark.usefixtures("processes_begin_warm")
def test_what_on_progress_raises_ends_the_comparison_and_its_processes(task):
    simulating = []

    def cancel(done: int, total: int) -> None:
        if done > 3:
            simulating.extend(forked())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(task, Design(["margin"], 200, 50), processes=2, on_progress=cancel)
    assert len(simulating) == 2
    assert forked() == []


def test_a_killed_process_is_reported_in_a_sentence(task):
    """The process is spawned, as those of people are; what it loads takes seconds."""

    def kill(done: int, total: int) -> None:
        for child in psutil.Process().children():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()

    with pytest.raises(LabelerError, match="ended from outside"):
        compare(task, Design(["margin"], 200, 50), processes=1, on_progress=kill)


def test_groups_of_a_table_are_wholly_held_out_or_not_at_all(tmp_path):
    rows = [(text, label, f"customer {number % 20}") for number, (text, label) in enumerate(reviews(200))]
    table = tmp_path / "reviews.csv"
    pd.DataFrame(rows, columns=["text", "label", "customer"]).to_csv(table, index=False)
    labeled = read_labeled(table, SourceColumns(label="label", group="customer"))
    task = load_task(labeled, QueryConfig(seed_size=10), LearnerConfig(backbone="char_tfidf"), tmp_path / "cache")
    assert len(task.holdout) == 40
    groups = task.dataset.groups
    assert not np.isin(groups[task.holdout], groups[task.pool]).any()
    split = [(*row, "test" if number < 50 else "") for number, row in enumerate(rows)]
    pd.DataFrame(split, columns=["text", "label", "customer", "split"]).to_csv(table, index=False)
    with pytest.raises(SourceError, match="puts the group 'customer 10' in the pool, but it is in the holdout"):
        load_task(read_labeled(table, SourceColumns(label="label", group="customer")))
