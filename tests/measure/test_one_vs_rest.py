"""ROC and precision-recall curves of one class."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from labeler.measure.one_vs_rest import POINTS, _resampled, yes_no


def test_curves_by_hand():
    # ranked: yes, no, yes, no: 3 of 4 pairs in order; precision 1 at recall 1/2, 2/3 at recall 1
    curves = yes_no(np.array([0.9, 0.8, 0.7, 0.1]), np.array([1, 0, 1, 0]))
    assert curves is not None
    assert curves.area.value == 0.75
    assert curves.average_precision.value == pytest.approx((1 + 2 / 3) / 2)
    assert (curves.false_positives[0], curves.true_positives[0]) == (0, 0)
    assert (curves.false_positives[-1], curves.true_positives[-1]) == (1, 1)
    assert curves.share == 0.5
    assert 0 <= curves.area.low < 0.75 < curves.area.high <= 1


def test_the_area_below_the_steps_of_precision_is_the_average_precision():
    # ranked: no, yes, no, yes, no, yes: no precision is 1, and recall 1/3 is reached with precision 1/2
    curves = yes_no(np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]), np.array([0, 1, 0, 1, 0, 1, 0]))
    assert curves is not None
    assert curves.recall == pytest.approx((1, 2 / 3, 1 / 3, 0))
    assert -np.diff(curves.recall) @ curves.precision[:-1] == pytest.approx(curves.average_precision.value)


def test_without_both_answers_there_is_no_curve():
    assert yes_no(np.array([0.1, 0.9]), np.array([1, 1])) is None
    assert yes_no(np.array([0.1, 0.9]), np.array([0, 0])) is None


def test_a_perfect_ranking_of_few_items_is_not_certain():
    curves = yes_no(np.array([0.9] * 5 + [0.1] * 5), np.array([1] * 5 + [0] * 5))
    assert curves is not None
    assert curves.area.value == 1
    assert curves.area.low < 0.8


def test_long_curves_are_thinned():
    rng = np.random.default_rng(0)
    curves = yes_no(rng.random(5000), rng.random(5000) < 0.3)
    assert curves is not None
    assert len(curves.false_positives) <= POINTS
    assert curves.false_positives[-1] == 1


def test_resampling_measures_as_scikit_learn_does_with_ties_too():
    rng = np.random.default_rng(0)
    scores, truth = np.round(rng.random(60), 1), rng.random(60) < 0.4
    areas, averages = _resampled(scores, truth, None, 7, np.arange(60))
    times = np.random.default_rng(7).multinomial(60, np.full(60, 1 / 60), 500)
    for i in range(20):
        some = np.repeat(np.arange(60), times[i])
        assert areas[i] == pytest.approx(roc_auc_score(truth[some], scores[some]))
        assert averages[i] == pytest.approx(average_precision_score(truth[some], scores[some]))


@pytest.mark.slow
def test_the_interval_of_the_area_covers():
    rng, held = np.random.default_rng(2), 0
    for seed in range(100):
        truth = rng.random(120) < 0.3
        scores = rng.normal(size=120) + 1.5 * truth
        curves = yes_no(scores, truth, seed=seed)
        assert curves is not None
        held += curves.area.low <= 0.8556 <= curves.area.high  # Φ(1.5 / √2)
    assert 0.9 <= held / 100 <= 0.99
