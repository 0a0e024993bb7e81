"""The reliability diagram's bins by hand, and what chance does to a calibrated model."""

import numpy as np
import pytest

from labeler.measure.calibration import calibration
from labeler.measure.metrics import calibration_error


def test_bins_by_hand():
    # confidence .9 (bin 13), right 1 of 2; confidence .6 (bin 9), right 2 of 2
    proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    curve = calibration(proba, np.array([0, 1, 1, 1]))
    low, high = curve.bins
    assert (low.n, low.confidence, low.accuracy.value) == (2, pytest.approx(0.6), 1)
    assert (high.n, high.confidence, high.accuracy.value) == (2, pytest.approx(0.9), 0.5)
    assert (low.low, low.high) == (pytest.approx(9 / 15), pytest.approx(10 / 15))
    assert high.accuracy.low == pytest.approx(0.0945, abs=1e-4)  # Wilson, 1 of 2
    assert curve.error == pytest.approx(0.4)


def test_the_error_is_that_of_the_rounds():
    rng = np.random.default_rng(0)
    proba, targets = rng.dirichlet(np.ones(4), 500), rng.integers(0, 4, 500)
    assert calibration(proba, targets).error == pytest.approx(calibration_error(proba, targets))


def test_a_calibrated_model_has_no_more_error_than_chance_makes():
    rng, within = np.random.default_rng(1), 0
    for seed in range(200):
        yes = rng.uniform(0, 1, 100)
        curve = calibration(np.stack([1 - yes, yes], axis=1), (rng.random(100) < yes).astype(int), seed=seed)
        within += curve.error <= curve.by_chance
    assert 0.9 <= within / 200 <= 0.985


def test_an_overconfident_model_has_more():
    yes = np.full(300, 0.99)
    curve = calibration(np.stack([1 - yes, yes], axis=1), (np.arange(300) % 2))
    assert curve.error == pytest.approx(0.49)
    assert curve.by_chance < 0.05


def test_weights_count_as_so_many_items():
    proba, targets = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]]), np.array([0, 1, 1])
    twice = np.array([0, 0, 1, 2])
    plain, weighted = calibration(proba[twice], targets[twice]), calibration(proba, targets, np.array([2.0, 1.0, 1.0]))
    assert weighted.error == pytest.approx(plain.error)
    assert [b.accuracy.value for b in weighted.bins] == [b.accuracy.value for b in plain.bins]
