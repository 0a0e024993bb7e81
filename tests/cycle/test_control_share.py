"""The control arm grows as far as it speaks against a watched strategy, and no other strategy loses a place."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

import strategies
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Config, QueryConfig
from labeler.cycle.control_share import control_share, doubt, measured_gain
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.learner.task import LearningTask
from labeler.measure.intervals import Estimate, Z

AUTO, MARGIN = strategies.get("auto"), strategies.get("margin")
TENTH = QueryConfig(random_share=0.1)


def gain(value: float, error: float) -> Estimate:
    return Estimate(value, value - Z * error, value + Z * error)


# ---------------------------------------------------------------- the rule


def test_without_evidence_the_doubt_is_the_chance_that_a_hybrid_strategy_loses():
    # Student's t with 3 degrees of freedom at −0.015/0.01: 1/2 − (0.8660/1.75 + arctan 0.8660)/π = 0.1153
    assert doubt(gain(0.0, 1e3)) == pytest.approx(0.1153, abs=1e-3)


def test_the_doubt_weighs_what_was_believed_by_what_was_measured():
    gains = np.linspace(-0.5, 0.5, 200_000)
    posterior = t(3, 0.015, 0.01).pdf(gains) * np.exp(-(((gains + 0.03) / 0.02) ** 2) / 2)
    expected = posterior[gains < 0].sum() / posterior.sum()
    assert doubt(gain(-0.03, 0.02)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("measured", "low", "high"),
    [
        (gain(-0.2, 0.03), 0.99, 1),
        (gain(-0.05, 0.013), 0.95, 1),
        (gain(-0.05, 0.03), 0.3, 0.5),
        (gain(0, 0.03), 0.1, 0.2),
        (gain(0.05, 0.02), 0, 0.02),
    ],
)
def test_a_disaster_is_believed_at_once_and_a_small_loss_slowly(measured, low, high):
    assert low <= doubt(measured) <= high


def test_in_the_long_run_a_loss_of_half_a_point_is_left_to_random_draws():
    doubts = [doubt(gain(-0.005, 0.4 / np.sqrt(labels))) for labels in (100, 1_000, 10_000, 100_000)]
    assert doubts == sorted(doubts)
    assert doubts[0] < 0.2
    assert doubts[-1] > 0.99


@settings(max_examples=30)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1))
def test_the_doubt_is_a_probability_that_falls_as_the_gain_rises(one, other, error):
    worse, better = (doubt(gain(value, error)) for value in sorted([one, other], reverse=False))
    assert 0 <= better <= worse + 1e-9 <= 1 + 1e-8


# ---------------------------------------------------------------- whose share it is


def test_the_share_is_the_doubt_but_never_below_that_of_the_settings():
    assert control_share(gain(-0.05, 0.013), AUTO, TENTH) == doubt(gain(-0.05, 0.013))
    assert control_share(gain(0.05, 0.01), AUTO, TENTH) == 0.1
    assert control_share(gain(0.05, 0.01), AUTO, QueryConfig(random_share=0.5)) == 0.5


@pytest.mark.parametrize(
    ("measured", "strategy", "config"),
    [
        (None, AUTO, TENTH),
        (gain(-0.2, 0.01), MARGIN, TENTH),
        (gain(-0.2, 0.01), AUTO, replace(TENTH, random_share=0.0)),
    ],
)
def test_the_settings_alone_decide_where_nothing_is_measured_or_watched(measured, strategy, config):
    assert control_share(measured, strategy, config) == config.random_share


def test_a_modified_strategy_is_watched_as_it_is():
    assert strategies.get("balanced(distinct(auto))").watched
    assert not strategies.get("distinct(margin)").watched


# ---------------------------------------------------------------- in the cycle


def random_items(measured: Estimate | None) -> float:
    """The share of a ranking that is drawn at random, where that gain was measured."""
    rng = np.random.default_rng(0)
    targets = np.arange(200) % 2
    features = (rng.normal(size=(200, 4)) + targets[:, None]).astype(np.float32)
    dataset = Dataset([f"text {i}" for i in range(200)], features, (4,))
    nothing = np.empty(0, dtype=np.intp)
    task = LearningTask.of(dataset, Labels(np.arange(20), targets[:20]), 2)
    state = State(task, np.arange(20, 200), Labels(nothing, nothing), gain=measured)
    ranking = run_round(state, Config("films", ("a", "b"), "text", query=TENTH), seed=1, depth=40).result.ranking
    assert len({r.position for r in ranking}) == 40
    return float(np.mean([r.strategy == "random" for r in ranking]))


def test_never_is_all_asked_by_a_strategy_that_loses():
    assert random_items(gain(-0.2, 0.02)) == 1
    assert random_items(gain(-0.05, 0.03)) == pytest.approx(doubt(gain(-0.05, 0.03)), abs=0.02)
    assert random_items(gain(0.05, 0.02)) == random_items(None) == 0.1


def test_the_gain_is_that_of_the_latest_audit(store, monkeypatch):
    assert measured_gain(store) is None
    for control in (None, {"gain": None}):
        monkeypatch.setattr(store.audits, "latest_report", lambda control=control: {"control": control})
        assert measured_gain(store) is None
    report = json.loads('{"control": {"gain": {"value": -0.01, "low": -0.03, "high": 0.01}}}')
    monkeypatch.setattr(store.audits, "latest_report", lambda: report)
    assert measured_gain(store) == Estimate(-0.01, -0.03, 0.01)
