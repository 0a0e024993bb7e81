"""Figures on a holdout whose items were drawn at different rates, worked out by hand."""

import numpy as np
import pytest

from labeler.core.arrivals import Arrivals
from labeler.core.rounds import Forecast
from labeler.measure.active_testing import Drawn, estimate
from labeler.measure.forecasts import Sampling, evaluate, gain_between, measure, on_labels
from labeler.measure.intervals import wilson
from labeler.measure.metrics import metrics
from labeler.measure.mixture import Mixture, accuracy, is_in, mixture, stands_for
from tests.support.samples import text_config


def test_an_item_stands_for_its_part_of_what_it_was_drawn_from():
    # 100 items came first, of which 4 are in the holdout; of the later ones 1 in 5 and then 1 in 10 joined it
    arrivals = Arrivals({7: 0.2, 8: 0.2, 9: 0.1}, first=100)
    stand_for, later = stands_for(np.array([1, 2, 3, 4, 7, 8, 9]), arrivals)
    assert stand_for.tolist() == [25, 25, 25, 25, 5, 5, 10]
    assert later.tolist() == [False] * 4 + [True] * 3
    # two of the first and two of the later ones have a label: they stand for the others of their part
    parts = mixture(stand_for, later, np.array([0, 3, 4, 6]))
    assert parts.weights == pytest.approx([50, 50, 20 / 3, 40 / 3])


def test_the_accuracy_and_its_interval_by_hand():
    # 90 of the project's items came first, 30 later; 3 labeled items of each part stand for them
    parts = Mixture(np.array([30.0, 30, 30, 10, 10, 10]), np.array([False] * 3 + [True] * 3))
    right = np.array([True, True, False, False, False, True])
    value, n = accuracy(right, parts)
    assert value.value == pytest.approx(0.75 * 2 / 3 + 0.25 / 3)
    p, q = 3 / 5, 2 / 5  # with one more item that is right, and one that is wrong
    variance = 0.75**2 * p * (1 - p) / 3 + 0.25**2 * q * (1 - q) / 3
    expected = min(120**2 / (3 * 900 + 3 * 100), value.value * (1 - value.value) / variance)
    assert n == pytest.approx(expected)
    assert (value.low, value.high) == tuple(pytest.approx(end) for end in wilson(value.value, expected))


def test_figures_speak_of_a_part_once_enough_of_it_has_a_label():
    later = np.array([False] * 30 + [True] * 30)
    labeled = np.zeros(60, dtype=bool)
    labeled[:25] = labeled[30:49] = True
    assert is_in(labeled, later).tolist() == (labeled & ~later).tolist()  # 19 of the later ones
    labeled[49] = True
    assert is_in(labeled, later).tolist() == labeled.tolist()
    few = np.array([False, False, True, True])
    assert is_in(np.array([True, True, True, True]), few).all()  # all that there are
    assert is_in(np.array([True, False, False, True]), few).tolist() == [True, False, False, False]
    assert is_in(np.array([False, False, False, True]), few).tolist() == [False, False, False, True]


CONFIG = text_config()
GOOD, BAD = (0.9, 0.1), (0.2, 0.8)


def forecast(items: range, right: int) -> Forecast:
    """Of items that are all good: right about the first `right` of them."""
    return Forecast(np.array(items), np.array([GOOD if i < right else BAD for i in range(len(items))]))


def test_a_round_before_the_later_items_stays_what_it_was_and_one_after_is_of_all():
    arrivals = Arrivals(dict.fromkeys(range(40, 80), 0.5), first=800)
    labels, sampling = dict.fromkeys(range(80), "good"), Sampling(arrivals=arrivals)
    before, now = forecast(range(40), 36), forecast(range(80), 60)  # right on all 40 first, and on 20 of 40 later
    labeled = on_labels(before, labels, CONFIG, sampling)
    assert labeled is not None
    assert measure(labeled) == metrics(labeled.proba, labeled.targets)
    both = on_labels(now, labels, CONFIG, sampling)
    assert both is not None
    measured, evaluation = measure(both), evaluate(both, CONFIG)
    assert (measured.n, measured.later) == (80, 40)
    assert measured.accuracy == pytest.approx((800 + 40) / 880)
    shown = measured.accuracy, measured.low, measured.high
    assert shown == pytest.approx((evaluation.accuracy.value, evaluation.accuracy.low, evaluation.accuracy.high))
    gain = gain_between(now, before, labels, CONFIG, sampling)
    assert gain is not None
    assert gain.value == pytest.approx(4 / 40)  # on the items that both have predicted


def test_groups_make_the_interval_wide():
    parts = Mixture(np.array([30.0] * 20 + [10] * 20), np.arange(40) >= 20)
    right = np.arange(40) % 4 > 0
    alone, _n = accuracy(right, parts)
    together, _n = accuracy(right, parts, np.arange(40) // 10)
    assert together.value == alone.value
    assert together.width > 1.5 * alone.width


def test_active_testing_weighs_items_by_what_they_stand_for():
    # all four were drawn, so that the estimate is the plain weighted mean
    q, remaining = np.array([0.25, 1 / 3, 0.5, 1]), np.array([4.0, 3, 2, 1])
    error, _n = estimate(np.array([1.0, 0, 0, 1]), q, remaining, None, np.array([1.0, 1, 1, 5]))
    assert error.value == pytest.approx(6 / 8)
    alike, n = estimate(np.array([1.0, 0, 0, 0]), q, remaining, None, np.full(4, 3.0))
    plain, m = estimate(np.array([1.0, 0, 0, 0]), q, remaining)
    assert (alike.value, n) == (pytest.approx(plain.value), pytest.approx(m))


def test_under_active_testing_a_round_says_how_many_items_came_later():
    arrivals = Arrivals({2: 0.5, 3: 0.5}, first=20)
    drawn = Drawn(np.arange(4), np.array([0.25, 1 / 3, 0.5, 1]), np.array([4.0, 3, 2, 1]), np.ones(4, dtype=bool))
    labels = dict.fromkeys(range(4), "good")
    labeled = on_labels(forecast(range(4), 2), labels, CONFIG, Sampling(drawn, arrivals=arrivals))
    assert labeled is not None
    measured = measure(labeled)
    assert (measured.later, measured.accuracy) == (2, pytest.approx(20 / 24))


def test_two_rounds_are_compared_on_the_items_that_both_predicted_however_few_of_the_later_ones_these_are():
    arrivals = Arrivals(dict.fromkeys(range(40, 110), 0.5), first=800)
    labels, sampling = dict.fromkeys(range(110), "good"), Sampling(arrivals=arrivals)
    before, now = forecast(range(50), 40), forecast(range(110), 110)  # ten of the later items, then seventy
    gain = gain_between(now, before, labels, CONFIG, sampling)
    assert gain is not None
    assert gain.value == pytest.approx(20 / 820)  # ten items stand for 20, and 40 for 800
    lost = gain_between(before, now, labels, CONFIG, sampling)
    assert lost is not None
    assert lost.value == pytest.approx(-gain.value)
