"""Intervals of items in groups: by hand, and how often they hold the truth."""

import numpy as np
import pytest
from scipy.stats import t

from labeler.measure import clusters
from labeler.measure.holdout import evaluation
from labeler.measure.intervals import Estimate, Z, estimate, wilson
from labeler.measure.metrics import metrics
from labeler.measure.one_vs_rest import yes_no
from labeler.measure.paired import paired_difference
from labeler.measure.slices import Column, slices

# Four patients with two, two, four and two items, of which two, one, two and two are right: 7 of 10.
GROUPS = np.repeat([3, 5, 8, 9], [2, 2, 4, 2])
RIGHT = np.array([1, 1, 1, 0, 1, 1, 0, 0, 1, 1], dtype=bool)


STUDENT = (Z / t.ppf(0.975, 3)) ** 2  # with 3 degrees of freedom
ALIKE = (4 + 4 + 16 + 4) / 100  # 1 / the number of items if all items of a patient are alike: 3.57


def test_the_effective_number_of_items_by_hand():
    # residuals by patient, right − 0.7 · items: 0.6, −0.4, −0.8, 0.6, which sum to 0
    variance = 4 / 3 * (0.36 + 0.16 + 0.64 + 0.36) / 100
    # two patients have errors: their variance counts twice, that of alike items once
    items = 3 / (2 * variance / 0.21 + ALIKE)
    share, n = clusters.effective_mean(RIGHT, GROUPS)
    assert share == pytest.approx(0.7)
    assert items == pytest.approx(6.342, abs=0.001)
    assert n == pytest.approx(items * STUDENT)


def test_items_that_err_together_count_as_few():
    right = np.array([1, 1, 0, 0, 1, 1, 1, 1, 1, 1], dtype=bool)  # a whole patient is wrong: 8 of 10
    variance = 4 / 3 * (0.4**2 + 1.6**2 + 0.8**2 + 0.4**2) / 100
    assert clusters.effective_mean(right, GROUPS)[1] == pytest.approx(2 / (variance / 0.16 + ALIKE) * STUDENT)


def test_where_all_are_right_the_items_of_a_group_count_as_alike_and_a_single_group_as_nothing():
    ones = np.ones(10, dtype=bool)
    assert clusters.effective_mean(ones, GROUPS)[1] == pytest.approx(STUDENT / ALIKE)
    assert clusters.effective_mean(~ones, GROUPS)[1] == pytest.approx(STUDENT / ALIKE)
    assert clusters.effective_mean(ones, np.zeros(10))[1] == 0


def test_an_error_in_one_of_many_groups_does_not_count_as_if_all_items_were_independent():
    patients, right = np.repeat(np.arange(40), 15), np.ones(600, dtype=bool)
    right[:3] = False  # the one patient's errors have a variance of 600 items that resemble each other a little
    between = clusters.variance(np.array([12 - 0.995 * 15, *[0.005 * 15] * 39])) / 600**2 / (0.995 * 0.005)
    n = clusters.effective_mean(right, patients)[1]
    assert n == pytest.approx(2 / (between + 1 / 40) * (Z / t.ppf(0.975, 39)) ** 2)
    assert 40 < n < 80


def test_groups_of_one_item_are_nearly_independent_items():
    right = np.arange(200) % 5 > 0
    assert clusters.effective_mean(right, np.arange(200))[1] == pytest.approx(200, rel=0.03)


def test_a_rounds_metrics_say_how_many_groups_there_are_and_have_their_interval():
    proba = np.where(RIGHT[:, None], [0.9, 0.1], [0.2, 0.8])
    figures = metrics(proba, np.zeros(10, dtype=int), GROUPS)
    expected = estimate(*clusters.effective_mean(RIGHT, GROUPS))
    assert (figures.n, figures.groups) == (10, 4)
    assert (figures.low, figures.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


@pytest.fixture
def clustered():
    """40 patients with 10 items each, whose errors and classes go together; probabilities and targets."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    targets = (rng.random(400) < np.repeat(rng.beta(1, 1, 40), 10)).astype(int)
    right = rng.random(400) < np.repeat(rng.beta(4, 1, 40), 10)
    predicted = np.where(right, targets, 1 - targets)
    return np.eye(2)[predicted] * 0.6 + 0.2, targets, groups


def test_every_figure_is_less_certain_in_groups(clustered):
    proba, targets, groups = clustered
    alone, together = (evaluation(proba, targets, "ab", groups=by) for by in (None, groups))
    assert (alone.groups, together.groups) == (None, 40)
    pairs = [(alone.accuracy, together.accuracy), (alone.macro_f1, together.macro_f1)]
    pairs += [(a.recall, b.recall) for a, b in zip(alone.classes, together.classes, strict=True)]
    pairs += [(alone.calibration.bins[0].accuracy, together.calibration.bins[0].accuracy)]
    for of_items, of_groups in pairs:
        assert of_groups.value == pytest.approx(of_items.value)
        assert of_groups.width > 1.1 * of_items.width
    assert together.calibration.by_chance > 1.3 * alone.calibration.by_chance


def test_the_interval_of_accuracy_is_that_of_the_bootstrap_over_groups(clustered):
    proba, targets, groups = clustered
    right = proba.argmax(axis=1) == targets
    sums = np.bincount(groups, weights=right)
    drawn = np.random.default_rng(1).integers(0, 40, (4000, 40))
    low, high = np.quantile(sums[drawn].sum(axis=1) / 400, [0.025, 0.975])
    accuracy = evaluation(proba, targets, "ab", groups=groups).accuracy
    assert (accuracy.low, accuracy.high) == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))


def test_the_areas_under_curves_are_less_certain_in_groups(clustered):
    proba, targets, groups = clustered
    alone, together = (yes_no(proba[:, 1], targets == 1, groups=by) for by in (None, groups))
    assert together.area.value == alone.area.value
    assert together.area.width > 1.3 * alone.area.width


def test_the_limits_of_a_mean_over_classes_follow_from_those_of_the_classes():
    figures = [Estimate(0.9, 0.6, 1.0), Estimate(0.5, 0.1, 0.9)]
    apart, together = np.array([[0.5, 0], [0.5, 0], [0, 0.5], [0, 0.5]]), np.full((4, 2), 0.25)
    mean = clusters.mean_of_classes(figures, apart)  # the classes' groups differ: limits add as roots of squares
    assert (mean.value, mean.low) == (pytest.approx(0.7), pytest.approx(0.7 - np.hypot(0.3, 0.4) / 2))
    assert mean.high == pytest.approx(0.7 + np.hypot(0.1, 0.4) / 2)
    mean = clusters.mean_of_classes(figures, together)  # each group has its share of both: they add as they are
    assert (mean.low, mean.high) == (pytest.approx(0.35), pytest.approx(0.95))


def test_a_mean_over_classes_is_as_uncertain_as_a_class_that_one_patient_has():
    patients, targets = np.repeat(np.arange(30), 10), np.repeat([0] * 20 + [1] * 9 + [2], 10)
    proba = np.eye(3)[np.where(np.arange(300) % 9 > 0, targets, 0)]
    figures = evaluation(proba, targets, "abc", groups=patients)
    assert figures.classes[2].recall.width == pytest.approx(1)
    assert figures.classes[2].f1.width == pytest.approx(1)
    assert figures.balanced_accuracy.width > 1 / 3
    assert figures.macro_f1.width > 1 / 3


def test_the_area_under_a_curve_without_an_error_is_known_by_the_groups_of_the_rarer_class():
    patients, truth = np.repeat(np.arange(30), 10), np.repeat([True] * 5 + [False] * 25, 10)
    area = yes_no(truth * 0.5 + 0.2, truth, groups=patients).area
    parts = np.array([1 / 10] * 5 + [1 / 50] * 25)
    expected = estimate(1.0, (Z / t.ppf(0.975, 4)) ** 2 / (parts**2).sum())
    assert (area.value, area.low) == (1, pytest.approx(expected.low))


def test_two_rounds_that_differ_in_one_patient_cannot_be_told_apart():
    before = np.ones(120, dtype=bool)
    before[:10] = False
    now = np.ones(120, dtype=bool)
    assert paired_difference(now, before).low > 0
    patients = np.repeat(np.arange(12), 10)
    assert paired_difference(now, before, groups=patients).low < 0
    assert paired_difference(now, before, groups=patients).value == pytest.approx(10 / 120)
    assert paired_difference(now, before, groups=np.zeros(120)).low == pytest.approx(-1)  # one patient tells nothing


def test_a_slice_of_one_bad_patient_is_not_marked_and_one_of_many_is():
    patients = np.repeat(np.arange(20), 10)
    rows = [{"site": "A" if patient < 5 else "B"} for patient in patients]
    column = [Column("site", ("A", "B"))]
    one_bad, all_bad = np.ones(200, dtype=bool), np.ones(200, dtype=bool)
    one_bad[:10] = False
    all_bad[:50] = np.arange(50) % 3 > 0
    all_bad[50:] = np.arange(150) % 20 > 0
    assert slices(column, rows, one_bad)["site"][0].weak
    (site, _) = slices(column, rows, one_bad, groups=patients)["site"]
    assert (site.weak, site.groups, site.n) == (False, 5, 50)
    assert slices(column, rows, all_bad, groups=patients)["site"][0].weak


@pytest.mark.parametrize(("accuracy", "correlation"), [(0.9, 1 / 9), (0.97, 0.5)])
def test_the_interval_covers_where_wilsons_does_not(accuracy, correlation):
    rng, groups, both = np.random.default_rng(0), np.repeat(np.arange(20), 15), np.zeros(2)
    size = (1 - correlation) / correlation
    for _ in range(400):
        within = rng.beta(accuracy * size, (1 - accuracy) * size, 20)
        right = rng.random(300) < np.repeat(within, 15)
        own = estimate(*clusters.effective_mean(right, groups))
        low, high = wilson(right.mean(), 300)
        both += [own.low <= accuracy <= own.high, float(low) <= accuracy <= float(high)]
    assert 0.93 <= both[0] / 400 <= 0.995
    assert both[1] / 400 < 0.88
