"""Forecasts of rounds: compact, thinned with age, and in every form with the decisions that the model made."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from labeler.core.class_changes import ClassChange
from labeler.core.decisions import predicted
from labeler.core.items import Answer
from labeler.core.rounds import FinishedRound, Forecast, Ranked, RoundResult
from labeler.measure.forecasts import gain_between, remeasured
from labeler.measure.metrics import BINS as BINS_OF_CALIBRATION
from labeler.measure.metrics import metrics
from labeler.projects import project as projects
from labeler.store.driver import sqlite3
from labeler.store.forecast_forms import BINS, FINE, ROUGH, YOUNG, Form, form_at, packed, unpacked
from labeler.store.schema import migrations
from tests.support.fill import add_labeled, forget_audits
from tests.support.samples import text_config

HELD = 40
CLASSES = ("good", "bad", "mixed")


@pytest.fixture
def project(tmp_path):
    """Three classes, and forty labeled items in the holdout."""
    made = projects.create(tmp_path / "reviews", text_config(classes=CLASSES))
    with made.store() as store:
        add_labeled(store, 60, HELD)
    return made


def probabilities(seed: int, n: int = HELD, classes: int = 3) -> np.ndarray:
    raw = np.random.default_rng(seed).gamma(1.0, size=(n, classes))
    return (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)


def finish(store, proba: np.ndarray) -> None:
    """A finished round whose model says this of the holdout."""
    result = RoundResult(20, "margin", 7, None, (Ranked(0, "margin", 1.0),), 0.1, 0.2)
    with store.write():
        store.rounds.request("test")
        number, holdout = store.rounds.next_number(), Forecast(np.arange(1, len(proba) + 1), proba)
        finished = FinishedRound(number, result, [HELD + 1], forecasts={"holdout": holdout}, model="models/m")
        store.rounds.finish(store.rounds.claim(), finished, lambda: remeasured(store))
        forget_audits(store)


def forms(store) -> dict[int, str]:
    return {row["round"]: row["form"] for row in store.db.rows("SELECT round, form FROM forecasts ORDER BY round")}


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(2, 9), st.sampled_from([1, 3, 10, FINE]))
def test_each_form_keeps_the_decisions(seed, n, classes, steps):
    drawn = np.random.default_rng(seed).integers(0, steps + 1, size=(n, classes)) / steps  # with many equal ones
    one = (drawn / np.maximum(drawn.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)
    of_one: tuple[Form, ...] = ("probabilities", "decisions")
    for form in of_one:
        again = unpacked(packed(one, form, several=False), form, n, classes)
        assert (predicted(again, several=False) == predicted(one, several=False)).all()
        assert np.abs(again.max(axis=1) - one.max(axis=1)).max() < 1.6 / FINE
    several = drawn.astype(np.float32)
    of_several: dict[Form, float] = {"probabilities": 1 / FINE, "rough": 1 / ROUGH}
    for form, error in of_several.items():
        again = unpacked(packed(several, form, several=True), form, n, classes)
        assert (predicted(again, several=True) == predicted(several, several=True)).all()
        assert np.abs(again - several).max() < error + 1e-6


def test_the_calibration_error_of_several_classes_moves_by_less_than_a_step():
    rng = np.random.default_rng(0)
    proba = rng.beta(0.3, 1.5, size=(300, 9)).astype(np.float32)
    proba[:15] = np.linspace(0, 1, 16)[1:, None]  # on the edges of the bins
    targets = (rng.random(proba.shape) < proba).astype(np.intp)
    exact = metrics(proba.astype(float), targets)
    steps: dict[Form, int] = {"probabilities": FINE, "rough": ROUGH}
    for form, n_steps in steps.items():
        again = metrics(unpacked(packed(proba, form, several=True), form, *proba.shape).astype(float), targets)
        assert replace(again, calibration_error=0) == replace(exact, calibration_error=0)
        assert again.calibration_error == pytest.approx(exact.calibration_error, abs=1 / n_steps)


def test_a_forecast_that_was_thinned_never_was_needed_whole_again():
    before = {*range(1, 400)}
    for latest in range(1, 400):
        whole = {n for n in range(1, latest + 1) if form_at(n, latest, 3, several=False) == "probabilities"}
        assert whole - {latest} <= before
        assert {*range(max(1, latest - YOUNG + 1), latest + 1)} <= whole
        before = whole
    assert len(before) < 70


def test_thinning_changes_neither_the_curve_nor_a_comparison_also_when_labels_change(project):
    rounds = {number: probabilities(number) for number in range(1, 50)}
    with project.store() as store:
        for proba in rounds.values():
            finish(store, proba)
        assert {n for n, form in forms(store).items() if form == "decisions"} >= {1, 3, 5, 27, 29}
        store.decisions.add("lead", "r1", 1, "label", "mixed")
        store.answers.add("kim", [Answer("k2", 2, "label", "mixed")])
        store.rounds.update_metrics(remeasured(store))
        labels = store.items.holdout_labels()
        targets = np.array([CLASSES.index(labels[item]) for item in range(1, HELD + 1)])
        for stored in store.rounds.all():
            exact = metrics(rounds[stored.number].astype(float), targets)
            assert replace(stored.metrics, calibration_error=0) == replace(exact, calibration_error=0)
            assert stored.metrics.calibration_error == pytest.approx(exact.calibration_error, abs=1 / FINE)
        assert BINS == BINS_OF_CALIBRATION
        thinned = [store.forecasts.get(n, "holdout") for n in (3, 5)]
        whole = [Forecast(np.arange(1, HELD + 1), rounds[n]) for n in (3, 5)]
        assert [f.complete for f in thinned if f] == [False, False]
        gains = [gain_between(now, before, labels, store.config) for before, now in (thinned, whole)]
        assert gains[0] == gains[1] is not None


def test_rounds_share_the_ids_of_their_items(project):
    with project.store() as store:
        for number in range(1, 6):
            finish(store, probabilities(number))
        finish(store, probabilities(6, HELD - 1))
        assert store.db.value("SELECT COUNT(*) FROM forecast_axes") == 2


def test_a_merge_leaves_the_points_of_rounds_whose_probabilities_are_kept(project):
    with project.store() as store:
        for number in range(1, 30):
            finish(store, probabilities(number))
        merge = ClassChange("merge", ("bad", "mixed"), ("bad",))
        thinned = [n for n, form in forms(store).items() if form == "decisions"]
        assert store.forecasts.lost_by(merge) == len(thinned) == 5
        assert store.forecasts.lost_by(ClassChange("rename", ("bad",), ("poor",))) == 0
        assert store.forecasts.lost_by(ClassChange("add", (), ("other",))) == 0
        store.class_changes.add(merge, "lead")
        store.config = replace(store.config, classes=("good", "bad"))
        store.rounds.update_metrics(remeasured(store))
        assert [r.number for r in store.rounds.all() if r.metrics is None] == thinned
        kept = store.forecasts.get(2, "holdout").proba
        assert kept[:, 0] == pytest.approx(probabilities(2)[:, 0], abs=1 / FINE)
        assert store.forecasts.rounds() == [n for n in range(1, 30) if n not in thinned]


def test_rounds_are_measured_again_only_when_what_they_are_measured_on_changed(project):
    with project.store() as store:
        for number in range(1, 4):
            finish(store, probabilities(number))
        assert remeasured(store).metrics == {}
        store.decisions.add("lead", "r1", 1, "label", "mixed")
        assert [*remeasured(store).metrics] == [1, 2, 3]
        store.rounds.update_metrics(remeasured(store))
        assert remeasured(store).metrics == {}
        assert [*remeasured(store, anew=True).metrics] == [1, 2, 3]


def test_the_forecasts_of_an_older_version_are_converted(tmp_path):
    """A database as it was before forecasts were compact: ids of eight bytes, probabilities of four."""
    path, connection = tmp_path / "labels.sqlite", sqlite3.connect(tmp_path / "labels.sqlite")
    older = Database(connection)
    migrations.known().apply(older, stop_before="m028_compact_forecasts")
    config = json.dumps(text_config(classes=CLASSES).as_dict())
    rounds = {number: probabilities(number) for number in range(1, 31)}
    for number, proba in rounds.items():
        connection.execute(
            "INSERT INTO jobs (id, reason, state, labels, requested_at) VALUES (?, '', 'done', 1, '')", [number]
        )
        connection.execute(
            "INSERT INTO rounds (number, job_id, labels, strategy, seed, config, train_seconds, query_seconds,"
            " finished_at) VALUES (?, ?, 1, 'margin', 1, ?, 1, 1, '')",
            [number, number, config],
        )
        ids = np.arange(1, HELD + 1).astype("<i8").tobytes()
        for kind in ("holdout", "stop")[: 2 if number > 28 else 1]:
            connection.execute("INSERT INTO forecasts VALUES (?, ?, ?, ?)", [number, kind, ids, proba.tobytes()])
    connection.commit()
    connection.close()
    made = projects.create(tmp_path / "reviews", text_config(classes=CLASSES))
    path.replace(made.database)
    with made.store() as store:
        read = dict(store.forecasts.each("holdout"))
        assert [*read] == [*rounds]
        for number, forecast in read.items():
            assert (forecast.items == np.arange(1, HELD + 1)).all()
            assert (forecast.proba.argmax(axis=1) == rounds[number].argmax(axis=1)).all()
            assert forecast.complete == (form_at(number, 30, 3, several=False) == "probabilities")
        assert store.forecasts.get(29, "stop").proba == pytest.approx(rounds[29], abs=1 / FINE)
