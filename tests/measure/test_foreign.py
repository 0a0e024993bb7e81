"""Somebody else's models on the holdout: figures that were worked out by hand, beside rounds on the same items."""

import math
from collections.abc import Collection

import numpy as np
import pytest

from labeler.core.class_changes import ClassChange, config_after
from labeler.core.foreign import ForeignModel
from labeler.core.rounds import FinishedRound, Forecast, Ranked, RoundResult
from labeler.measure.forecasts import remeasured
from labeler.measure.foreign import compared
from labeler.store import Store
from labeler.store.foreign import NewForeign
from tests.support.fill import add_labeled, forget_audits

HELD = 40
EVERY = range(1, HELD + 1)


@pytest.fixture
def held(store: Store) -> Store:
    """Forty items of the holdout with alternating labels, and twenty of the pool."""
    add_labeled(store, 60, HELD)
    return store


def name_of(item: int, is_right: bool) -> str:
    return ("good", "bad")[(item - 1) % 2 ^ (not is_right)]


def add_model(
    store: Store, right: Collection[int], of: Collection[int] = EVERY, confidence: float | None = None
) -> ForeignModel:
    """A model that is right on some of the items that it predicts."""
    model = store.foreign.begin("GPT-like", str(len(store.foreign.all())), "gpt.csv", store.class_changes.latest())
    store.foreign.put(model, [NewForeign(i, name_of(i, i in right), confidence=confidence) for i in of])
    store.foreign.finish([model])
    return store.foreign.all()[0]


def finish_round(store: Store, right: Collection[int]) -> None:
    """A finished round whose model is right on some items of the holdout."""
    said = [("good", "bad").index(name_of(i, i in right)) for i in EVERY]
    proba = np.where(np.eye(2, dtype=bool)[said], 0.8, 0.2).astype(np.float32)
    result = RoundResult(20, "margin", 7, None, (Ranked(0, "margin", 1.0),), 0.1, 0.2)
    with store.write():
        store.rounds.request("test")
        finished = FinishedRound(
            store.rounds.next_number(),
            result,
            [HELD + 1],
            forecasts={"holdout": Forecast(np.array(EVERY), proba)},
            model="models/m",
        )
        job = store.rounds.claim()
        assert job is not None
        store.rounds.finish(job, finished, lambda: remeasured(store))
        forget_audits(store)


def paired(better: int, worse: int, n: int) -> tuple[float, float, float]:
    """Bonett and Price's interval, written down once more from their paper."""
    up, down = (better + 1) / (n + 2), (worse + 1) / (n + 2)
    half = 1.959964 * math.sqrt((up + down - (up - down) ** 2) / (n + 2))
    return (better - worse) / n, up - down - half, up - down + half


def test_the_accuracy_is_that_of_the_labeled_holdout_alone(held: Store):
    pool = range(HELD + 1, 61)
    add_model(held, right=range(5, 41), of=[*EVERY, *pool])  # it is wrong about the whole pool
    (of,) = compared(held)
    assert (of.labeled, of.metrics.n) == (40, 40)
    # Wilson 1927 with 36 of 40
    assert (of.metrics.accuracy, of.metrics.low, of.metrics.high) == pytest.approx((0.9, 0.7695, 0.9604), abs=1e-4)
    assert (of.latest, of.passed, of.calibration) == (None, None, None)


def test_items_that_it_did_not_predict_are_left_out_and_counted(held: Store):
    add_model(held, right=range(1, 9), of=range(1, 11))
    finish_round(held, right=range(9, 41))
    (of,) = compared(held)
    assert (of.labeled, of.metrics.n, of.metrics.accuracy) == (40, 10, pytest.approx(0.8))
    # on those ten it alone is right on eight, and the round alone on two
    assert (of.latest.n, of.latest.difference.value) == (10, pytest.approx(0.6))
    assert (of.latest.difference.low, of.latest.difference.high) == pytest.approx(paired(8, 2, 10)[1:], abs=1e-6)


def test_it_is_beside_the_latest_round_and_behind_the_first_ones_in_order(held: Store):
    add_model(held, right=range(5, 41))
    finish_round(held, right=range(21, 41))
    finish_round(held, right=range(17, 41))
    (of,) = compared(held)
    assert (of.latest.round, of.latest.is_better, of.passed.round) == (2, True, 2)
    assert tuple(vars(of.latest.difference).values()) == pytest.approx(paired(12, 0, 40), abs=1e-6)
    finish_round(held, right=EVERY)
    (of,) = compared(held)
    assert (of.latest.round, of.passed.round) == (3, 2)
    assert tuple(vars(of.latest.difference).values()) == pytest.approx(paired(0, 4, 40), abs=1e-6)
    assert not of.latest.is_better
    assert not of.latest.is_worse  # −0.1, but the interval holds 0
    finish_round(held, right=range(21, 41))
    (of,) = compared(held)
    assert (of.latest.round, of.latest.is_better, of.passed.round) == (4, True, 2)  # round 3 ends the order


def test_labels_that_change_change_what_is_measured(held: Store):
    add_model(held, right=range(5, 41))
    held.decisions.add("lead", "r", 1, "label", name_of(1, False))
    (of,) = compared(held)
    assert of.metrics.accuracy == pytest.approx(37 / 40)


def test_confidence_is_compared_with_how_often_it_is_right(held: Store):
    add_model(held, right=range(5, 41), confidence=0.6)
    (of,) = compared(held)
    assert of.calibration.error == pytest.approx(0.3)
    held.foreign.put(of.model.id, [])
    model = held.foreign.begin("GPT-like", "0", "gpt.csv", 0)
    held.foreign.put(model, [NewForeign(1, "good", confidence=0.9), NewForeign(2, "good")])
    held.foreign.finish([model])
    assert compared(held)[0].calibration is None  # one of the two has none


def test_nothing_is_measured_of_a_model_that_predicted_no_labeled_item(held: Store):
    add_model(held, right=(), of=[HELD + 1])
    assert compared(held)[0].metrics is None


def test_labels_of_unknown_classes_leave_nothing_to_measure(held: Store):
    add_model(held, right=range(5, 41))
    held.config = config_after(held.config, ClassChange("rename", ("bad",), ("poor",)))  # the labels do not follow
    assert compared(held) == []


def test_a_model_whose_predictions_say_nothing_any_more_is_not_measured_on_the_others(held: Store):
    add_model(held, right=range(5, 41))
    finish_round(held, right=EVERY)
    for change in (
        ClassChange("split", ("bad",), ("poor", "awful")),
        ClassChange("merge", ("poor", "awful"), ("bad",)),
    ):
        held.class_changes.add(change, "lead")
        held.config = config_after(held.config, change)
        if change.kind == "split":  # on those that it called good it is always right
            (of,) = compared(held)
            assert (of.metrics, of.unreadable) == (None, 20)
    (of,) = compared(held)
    assert (of.metrics.n, of.metrics.accuracy, of.latest.round) == (40, pytest.approx(0.9), 1)
