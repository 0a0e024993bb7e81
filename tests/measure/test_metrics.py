"""Metrics on numbers worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from labeler.core.rounds import Forecast
from labeler.measure.metrics import calibration_error, f1, metrics, stability
from tests.support.samples import text_config, topics_config


def test_calibration_error_by_hand():
    # confidence .9 (bin 13), right 1 of 2; confidence .6 (bin 9), right 2 of 2: (2 |.9 − .5| + 2 |.6 − 1|) / 4
    proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    assert calibration_error(proba, np.array([0, 1, 1, 1])) == pytest.approx(0.4)
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([1])) == 1


def test_over_and_under_confidence_in_one_bin_cancel_out():
    proba = np.array([[0.75, 0.25]] * 4)
    assert calibration_error(proba, np.array([0, 0, 0, 1])) == pytest.approx(0)  # right 3 of 4


def test_accuracy_and_its_wilson_interval():
    proba = np.array([[0.9, 0.1]] * 8 + [[0.2, 0.8]] * 2)
    measured = metrics(proba, np.zeros(10, dtype=int))
    # Wilson with z = 1.96, 8 of 10: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)
    assert (measured.n, measured.accuracy) == (10, 0.8)
    assert measured.low == pytest.approx(0.4902, abs=1e-4)
    assert measured.high == pytest.approx(0.9433, abs=1e-4)


def test_macro_f1_counts_each_class_alike():
    proba = np.eye(2)[[0, 0, 0, 1]]
    # class 0: precision 2/3, recall 1 → 0.8; class 1: precision 1, recall 1/2 → 2/3
    assert metrics(proba, np.array([0, 0, 1, 1])).macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)


def test_the_interval_stays_within_zero_and_one():
    measured = metrics(np.array([[1.0, 0.0]]), np.array([0]))
    assert 0 < measured.low < measured.high <= 1


def test_several_classes_by_hand():
    # yeses found: class 0 at items 0 and 1, class 1 at item 0, class 2 never
    proba = np.array([[0.9, 0.8, 0.1], [0.7, 0.1, 0.2], [0.4, 0.3, 0.2], [0.1, 0.2, 0.4]])
    truth = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]], dtype=np.int8)
    measured = metrics(proba, truth)
    assert (measured.n, measured.accuracy) == (4, 0.5)  # whole sets: the first and the last
    # class 0: 1 right, 1 too many, 1 missed → 1/2; class 1: 1; class 2 neither is there nor was found
    assert measured.macro_f1 == pytest.approx(0.75)
    assert measured.micro_f1 == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert measured.low < 0.5 < measured.high
    assert metrics(np.array([[0.8, 0.2]]), np.array([0])).micro_f1 is None


def test_the_calibration_of_several_classes_is_that_of_all_decisions():
    # confidence .9, right 1 of 2; confidence .6, right 2 of 2, as in the example of one class
    proba = np.array([[0.9, 0.1], [0.4, 0.6]])
    assert metrics(proba, np.array([[1, 1], [0, 1]])).calibration_error == pytest.approx(0.4)


def test_nothing_to_find_and_nothing_found_is_perfect():
    measured = metrics(np.full((3, 2), 0.2), np.zeros((3, 2), dtype=np.int8))
    assert (measured.accuracy, measured.macro_f1, measured.micro_f1) == (1, 1, 1)


def test_metrics_of_one_and_several_classes_agree_on_items_of_one_class():
    rng = np.random.default_rng(0)
    proba, targets = rng.dirichlet(np.full(3, 0.3), 200), rng.integers(0, 3, 200)
    macro, micro = f1(proba.argmax(axis=1), targets, 3)
    assert f1(np.eye(3, dtype=bool)[proba.argmax(axis=1)], np.eye(3, dtype=int)[targets], 3) == (macro, micro)
    assert macro == pytest.approx(f1_score(targets, proba.argmax(axis=1), average="macro"))
    assert micro == pytest.approx((proba.argmax(axis=1) == targets).mean())


# ---------------------------------------------------------------- successive models


def forecast(items: list[int], first: list[float]) -> Forecast:
    return Forecast(np.array(items), np.array([[p, 1 - p] for p in first], dtype=np.float32))


def test_agreement_of_two_models_is_kappa_on_the_items_that_both_saw():
    before = forecast([1, 2, 3, 4, 9], [0.9, 0.9, 0.1, 0.1, 0.9])
    now = forecast([4, 3, 2, 1], [0.2, 0.8, 0.8, 0.8])
    # agree on 3 of 4: by chance (3/4)(2/4) + (1/4)(2/4) = 0.5, so kappa = (0.75 - 0.5) / 0.5
    agreement, uncertainty = stability(now, before, text_config())
    assert agreement == pytest.approx(0.5)
    assert uncertainty == pytest.approx(0.2)


def test_models_that_say_the_same_of_all_agree_wholly():
    same = forecast([1, 2], [0.9, 0.8])
    assert stability(same, same, text_config())[0] == 1.0


def test_without_a_model_before_there_is_no_agreement():
    assert stability(forecast([1], [0.7]), None, text_config()) == (None, pytest.approx(0.3))
    assert stability(forecast([1], [0.7]), forecast([2], [0.7]), text_config())[0] is None


def test_several_classes_agree_by_decision():
    predicted = Forecast(np.array([1, 2]), np.array([[0.9, 0.2], [0.4, 0.6]]))
    agreement, uncertainty = stability(predicted, predicted, topics_config(classes=("a", "b")))
    assert (agreement, uncertainty) == (1.0, pytest.approx((0.1 + 0.2 + 0.4 + 0.4) / 4))
