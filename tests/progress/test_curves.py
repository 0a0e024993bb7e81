"""Learning curves on numbers worked out by hand, and on made curves whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.progress.curves import FLAT, TOO_FEW, Projection, area_under_curve, fit_curve, labels_to_reach, paired_gain


def test_area_is_the_mean_accuracy_along_the_way():
    assert area_under_curve([10, 20, 40], [0.5, 0.7, 0.7]) == pytest.approx((0.6 * 10 + 0.7 * 20) / 30)
    assert area_under_curve([10], [0.5]) == 0.5


def test_paired_gain_with_students_interval():
    mean, low, high = paired_gain([0.6, 0.7, 0.8], [0.5, 0.5, 0.8])
    # differences .1, .2, 0: mean .1, s = .1, t(.975, 2) = 4.3027
    assert mean == pytest.approx(0.1)
    assert (low, high) == (pytest.approx(0.1 - 0.24841, abs=1e-5), pytest.approx(0.1 + 0.24841, abs=1e-5))
    assert paired_gain([0.6], [0.5])[1:] == (None, None)


def test_labels_to_reach_a_target():
    assert labels_to_reach([10, 20, 30], [0.5, 0.6, 0.8], 0.7) == pytest.approx(25)
    assert labels_to_reach([10, 20], [0.5, 0.6], 0.4) == 10
    assert labels_to_reach([10, 20], [0.5, 0.6], 0.9) is None


# ---------------------------------------------------------------- where a curve leads


def power_law(labels, a=0.95, b=1.5, c=0.5):
    return a - b * np.asarray(labels, dtype=float) ** -c


def test_a_curve_without_noise_is_recovered():
    labels = np.arange(50, 1050, 50)
    curve = fit_curve(labels, power_law(labels), None)
    assert curve.a == pytest.approx(0.95, abs=0.01)
    assert curve.c == pytest.approx(0.5, abs=0.1)
    assert curve.b * 1000**-curve.c == pytest.approx(curve.a - power_law(1000), abs=1e-3)
    # 0.95 − 1.5 n^(−1/2) = 0.92 at n = (1.5/0.03)² = 2500
    projection = curve.projection(0.92)
    assert projection.expected == pytest.approx(2500, rel=0.15)
    assert projection.low < 2500 < projection.high
    expected, low, high = curve.band([500, 1000, 4000]).tolist()
    assert expected == pytest.approx(power_law([500, 1000, 4000]), abs=0.005)
    assert all(lo <= e <= hi for lo, e, hi in zip(low, expected, high, strict=True))


def test_the_gain_of_the_next_batch():
    labels = np.arange(50, 1050, 50)
    gain = fit_curve(labels, power_law(labels), None).gain(1000)
    # 1.5 (1000^(−1/2) − 2000^(−1/2)) = 0.01389
    assert gain.low < 0.01389 < gain.high
    assert gain.value == pytest.approx(0.01389, abs=0.002)


def test_a_target_that_is_reached_already_is_not_ahead():
    labels = np.arange(50, 1050, 50)
    projection = fit_curve(labels, power_law(labels), None).projection(0.8)
    # 0.95 − 1.5 n^(−1/2) = 0.8 at n = 100
    assert projection.expected == pytest.approx(100, rel=0.1)


def test_a_target_above_where_the_curve_levels_off_is_never_reached():
    labels = np.arange(100, 2100, 100)
    projection = fit_curve(labels, power_law(labels, 0.8, 5, 1), 2000).projection(0.9)
    assert (projection.expected, projection.low, projection.high, projection.why_not) == (None, None, None, "")


def test_a_projection_ends_at_the_pool():
    labels = np.arange(50, 1050, 50)
    curve = fit_curve(labels, power_law(labels), None)
    assert curve.projection(0.92, most=1500).expected is None


@pytest.mark.parametrize("labels", [[], [20], [20, 40], [20, 40, 40, 40]])
def test_too_few_rounds_say_so(labels):
    curve = fit_curve(labels, [0.5 + n / 100 for n in labels], 200)
    assert curve.projection(0.9) == Projection(None, None, None, TOO_FEW)


def test_a_flat_curve_says_so():
    rng = np.random.default_rng(0)
    labels = np.arange(20, 420, 20)
    assert fit_curve(labels, 0.7 + rng.normal(0, 0.02, 20), 300).why_not == FLAT
    assert fit_curve(labels, [0.7] * 20, 300).why_not == FLAT
    falling = 0.9 - np.arange(20) / 100
    assert fit_curve(labels, falling, 300).why_not == FLAT


def test_the_holdouts_error_shifts_all_rounds_and_so_widens_the_band():
    labels = np.arange(50, 1050, 50)
    widths = []
    for holdout in (None, 5000, 200):
        _expected, low, high = fit_curve(labels, power_law(labels), holdout).band([1000])
        widths.append(high[0] - low[0])
    assert widths[0] < widths[1] < widths[2]
    # of 200 items, at an accuracy of 0.9026: 2 · 1.96 √(p(1−p)/200) = 0.0822
    assert widths[2] == pytest.approx(0.0822, rel=0.15)


def test_the_same_rounds_give_the_same_curve_and_more_rounds_than_are_fitted_one_by_one_as_well():
    labels = np.arange(10, 2010, 10)
    accuracy = power_law(labels) + np.random.default_rng(1).normal(0, 0.01, 200)
    first, again = fit_curve(labels, accuracy, 500), fit_curve(list(labels), list(accuracy), 500)
    assert (first.a, first.projection(0.93)) == (again.a, again.projection(0.93))
    assert first.band([2000])[0, 0] == pytest.approx(power_law(2000), abs=0.01)


@given(
    steps=st.lists(st.integers(1, 300), min_size=3, max_size=60),
    seed=st.integers(0, 1000),
    holdout=st.sampled_from([None, 1, 30, 5000]),
    target=st.floats(0, 1),
)
def test_the_ends_of_any_projection_are_ordered(steps, seed, holdout, target):
    labels = np.cumsum(steps)
    rng = np.random.default_rng(seed)
    accuracy = np.sort(rng.uniform(size=len(labels))) + rng.normal(0, 0.02, len(labels))
    accuracy = accuracy.clip(0, 1)
    curve = fit_curve(labels, accuracy, holdout)
    projection = curve.projection(target)
    ends = [n for n in (projection.low, projection.expected, projection.high) if n is not None]
    assert ends == sorted(ends)
    if projection.high is not None:
        assert projection.expected is not None
    if projection.expected is not None:
        assert projection.low is not None
    if curve.why_not:
        assert projection == Projection(None, None, None, curve.why_not)
        assert (curve.band([100]), curve.gain(20)) == (None, None)
        return
    expected, low, high = curve.band([labels[-1], 2 * labels[-1]])
    assert (low <= expected).all()
    assert (expected <= high).all()
    assert low.min() >= 0
    assert high.max() <= 1
    gain = curve.gain(20)
    assert 0 <= gain.low <= gain.value <= gain.high + 1e-9
