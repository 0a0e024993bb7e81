"""Intervals against known values, and how often they hold the truth."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from labeler.measure.intervals import (
    effective,
    items_for,
    labels_to_halve,
    width,
    wilson,
)
from labeler.measure.paired import paired_difference


@given(st.integers(1, 2000), st.floats(0, 1))
def test_wilsons_interval_is_scipys(n, share):
    right = round(share * n)
    expected = binomtest(right, n).proportion_ci(method="wilson")
    low, high = wilson(right / n, n)
    assert (low, high) == (pytest.approx(expected.low, abs=1e-9), pytest.approx(expected.high, abs=1e-9))


def test_without_items_the_interval_is_zero_to_one():
    low, high = wilson(np.array([0.0, 0.5]), np.array([0, 10]))
    assert (low[0], high[0]) == (0, pytest.approx(1))
    assert low[1] == pytest.approx(0.2366, abs=1e-4)


def test_an_estimate_that_varies_as_a_plain_share_of_n_counts_as_n_items():
    assert effective(0.8, 0.8 * 0.2 / 40, most=100) == pytest.approx(40)
    assert effective(0.8, 0.8 * 0.2 / 400, most=100) == 100  # not more than there are
    assert effective(1.0, 0.0, most=30) == 30


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_stated_labels_halve_the_interval_and_one_fewer_does_not(n, share):
    more = labels_to_halve(share, n)
    assert width(share, n + more) <= width(share, n) / 2 < width(share, n + more - 1)


@given(st.integers(1, 5000), st.floats(0, 1))
def test_an_intervals_width_tells_how_many_items_it_is_of(n, share):
    assert items_for(share, width(share, n)) == n


def test_halving_takes_about_three_times_as_many_again():
    assert labels_to_halve(0.8, 300) == pytest.approx(900, abs=12)


def test_paired_difference_by_hand():
    now = np.array([1] * 12 + [0] * 3 + [1] * 80 + [0] * 5, dtype=bool)
    before = np.array([0] * 12 + [1] * 3 + [1] * 80 + [0] * 5, dtype=bool)
    difference = paired_difference(now, before)
    # 12 gained, 3 lost of 100: up 13/102, down 4/102; half = 1.96 √((17/102 − (9/102)²) / 102)
    half = 1.959964 * np.sqrt((17 / 102 - (9 / 102) ** 2) / 102)
    assert astuple(difference) == pytest.approx((0.09, 9 / 102 - half, 9 / 102 + half))
    assert difference.low > 0
    assert paired_difference(before, now).high < 0
    alike = paired_difference(now[3:], before[3:][::-1])
    assert alike.low < 0 < alike.high


def test_models_that_are_right_on_the_same_items_do_not_differ():
    right = np.arange(300) % 4 > 0
    difference = paired_difference(right, right)
    assert difference.value == 0
    assert difference.low < 0 < difference.high


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_interval_contains_the_difference_and_is_antisymmetric(pairs):
    now, before = np.array(pairs).T
    gain = paired_difference(now, before)
    assert -1 <= gain.low <= gain.value <= gain.high <= 1
    turned = paired_difference(before, now)
    assert astuple(turned) == pytest.approx((-gain.value, -gain.high, -gain.low))


@pytest.mark.parametrize(("n", "gained", "lost"), [(50, 0.04, 0.04), (100, 0.05, 0.01), (300, 0.02, 0.02)])
def test_the_paired_interval_covers_the_truth_where_few_items_differ(n, gained, lost):
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(2000):
        kind = rng.choice(3, n, p=[gained, lost, 1 - gained - lost])
        difference = paired_difference(kind != 1, kind != 0)
        held += difference.low <= gained - lost <= difference.high
    assert 0.94 <= held / 2000 <= 0.995
