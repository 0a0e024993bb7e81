"""The control arm grows as far as it speaks against a watched strategy, and no other strategy loses a place."""

import json
from dataclasses import replace
from math import exp, sqrt

import numpy as np
import pytest

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


def test_without_evidence_the_doubt_is_what_was_believed_before():
    # of 95%, as often as a normal gain of 1.5 ± 1 points is below 0: Φ(−1.5); of 5%, of −4 ± 3 points: Φ(4/3)
    assert doubt(gain(0.0, 1e4)) == pytest.approx(0.95 * 0.066807 + 0.05 * 0.908789, abs=1e-4)


def test_the_doubt_weighs_what_was_believed_by_what_was_measured():
    # five points lost, ± 3: so likely is this for a strategy that gains, and for one that loses
    gains, loses = 0.95 * exp(-((0.065 / 0.0316228) ** 2) / 2) / 0.0316228, 0.05 * exp(-0.0277778) / 0.0424264
    assert (gains, loses) == (pytest.approx(3.633, abs=1e-3), pytest.approx(1.146, abs=1e-3))
    # then the gain is 0.85 ± 0.949 points, or −4.5 ± 2.121: below 0 with 0.1851 or 0.9830
    assert doubt(gain(-0.05, 0.03)) == pytest.approx((gains * 0.1851 + loses * 0.9830) / (gains + loses), abs=1e-4)


@pytest.mark.parametrize(
    ("measured", "low", "high"),
    [
        (gain(-0.2, 0.03), 0.99, 1),
        (gain(-0.05, 0.013), 0.95, 1),
        (gain(-0.05, 0.03), 0.3, 0.5),
        (gain(0, 0.03), 0.09, 0.2),
        (gain(0.05, 0.02), 0, 0.02),
    ],
)
def test_a_disaster_is_believed_soon_and_a_small_loss_slowly(measured, low, high):
    assert low <= doubt(measured) <= high


def test_in_the_long_run_a_loss_of_half_a_point_is_left_to_random_draws():
    doubts = [doubt(gain(-0.005, 0.4 / sqrt(labels))) for labels in (100, 1_000, 10_000, 100_000)]
    assert doubts == sorted(doubts)
    assert doubts[0] < 0.2
    assert doubts[-1] > 0.99


@pytest.mark.parametrize("error", [0.0, 0.01, 0.03, 0.1])
def test_the_doubt_is_a_probability_that_falls_as_the_gain_rises(error):
    doubts = [doubt(gain(points / 100, error)) for points in range(-100, 31)]
    assert doubts == sorted(doubts, reverse=True)
    assert 0 <= doubts[-1] < doubts[0] <= 1


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
