"""Learning curves on numbers worked out by hand, and on made curves whose truth is known."""

import pytest

from labeler.curves import area_under_curve, labels_to_reach, paired_gain


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
