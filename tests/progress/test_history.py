"""The rounds as the curve and the stopping rules see them, written down by hand."""

import time
from dataclasses import replace

import numpy as np
import pytest

from labeler.core.items import Answer
from labeler.core.rounds import FinishedRound, Forecast, Metrics, RoundResult
from labeler.core.settings import StoppingConfig
from labeler.progress.history import course, history, latest_step, thresholds
from labeler.progress.stopping import Thresholds
from tests.support.fill import add
from tests.support.samples import text_config


def answer(store, item: int, label: str, by: str = "ann", seconds: float = 36.0) -> None:
    (receipt,) = store.answers.add(by, [Answer(f"{by}-{item}", item, "label", label, seconds=seconds)])
    assert receipt.ok


def finish(store, labels: int, accuracy: float | None = None, **learned) -> None:
    """A round that took all labels so far."""
    with store.write():
        store.rounds.request("test")
        job = store.rounds.claim()
    measured = None
    if accuracy is not None:
        measured = Metrics(2, accuracy, accuracy - 0.1, min(1.0, accuracy + 0.1), accuracy)
    result = RoundResult(labels, "margin", 1, measured, (), 0.1, 0.1)
    store.rounds.finish(job, FinishedRound(store.rounds.next_number(), result, **learned))
    time.sleep(0.002)  # times are stored in milliseconds, and what is answered next comes later


@pytest.fixture
def items(store) -> list[int]:
    add(store, 10)
    add(store, 4, "holdout", first=10)
    return [item.id for item in store.items.all()]


def test_each_round_has_its_labels_metrics_and_cost(store, items):
    answer(store, items[0], "good")
    answer(store, items[1], "bad", seconds=72.0)
    answer(store, items[10], "bad", seconds=72.0)  # of the holdout: it costs, and teaches nothing
    finish(store, 2)
    add(store, 5, first=20)  # they come after the first round
    answer(store, items[2], "good")
    finish(store, 3, 0.75, agreement=0.8, uncertainty=0.3)
    answer(store, items[3], "good")  # after the last round
    rounds = course(store)
    assert rounds["round"].tolist() == [1, 2]
    assert rounds["labels"].tolist() == [2, 3]
    assert rounds["reachable"].tolist() == [10, 15]
    assert rounds["spent"].tolist() == [3, 4]
    assert rounds["hours"].tolist() == pytest.approx([0.05, 0.06])  # 36 + 72 + 72 s; 36 s more
    assert rounds["accuracy"].isna().tolist() == [True, False]
    assert rounds.iloc[1][["accuracy", "low", "high", "holdout"]].tolist() == pytest.approx([0.75, 0.65, 0.85, 2])
    assert rounds.iloc[1][["agreement", "uncertainty"]].tolist() == [0.8, 0.3]
    assert rounds["backbone"].tolist() == ["char_tfidf"] * 2

    asked = history(rounds, store.items.counts(), store.config)
    assert asked.accuracy == (None, 0.75)
    assert asked.agreement == (None, 0.8)
    assert (asked.spent, asked.pool_left) == ((3, 4), (8, 11))  # as of the first round, and today
    assert (asked.holdout, asked.budget, asked.batch) == (2, 1000, 3)


def test_without_rounds_there_is_an_empty_history(store, items):
    rounds = course(store)
    assert len(rounds) == 0
    assert len(history(rounds, store.items.counts(), store.config)) == 0
    assert latest_step(store) is None


def test_thresholds_are_those_of_the_settings():
    config = text_config(target_accuracy=0.8, stopping=StoppingConfig((), 0.97, 2, 0.1, 0.01))
    assert thresholds(config) == Thresholds(0.8, 0.97, 2, 0.1, 0.01)


def test_the_last_two_rounds_are_compared_on_the_same_labeled_items(store, items):
    holdout = items[10:]
    for item, label in zip(holdout[:3], ("good", "bad", "good"), strict=True):
        answer(store, item, label)
    good, bad = (0.9, 0.1), (0.1, 0.9)
    # right on the second of 3, then on all; the fourth item has no label, and their order is another one
    finish(store, 4, 0.3, forecasts={"holdout": Forecast(np.array(holdout), np.array([bad, bad, bad, bad]))})
    finish(store, 5, None)  # a round that was not measured is not one of the two
    finish(store, 6, 0.9, forecasts={"holdout": Forecast(np.array(holdout[::-1]), np.array([bad, good, bad, good]))})
    step = latest_step(store)
    assert step is not None
    assert (step.before, step.now, step.gain.value) == (1, 3, pytest.approx(2 / 3))
    assert step.gain.low < 2 / 3 < step.gain.high
    finish(store, 7, 0.9)  # a round of an earlier version kept no forecasts
    assert latest_step(store) is None


def test_the_backbone_of_each_round(store, items):
    finish(store, 2)
    learner = replace(store.config.learner, backbone="all-MiniLM-L6-v2", adapted=True)
    store.config = replace(store.config, learner=learner)
    finish(store, 3)
    assert store.rounds.backbones() == {1: "char_tfidf", 2: "all-MiniLM-L6-v2, adapted"}
