"""The evaluation on numbers worked out by hand, and how often its intervals hold the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score

from labeler.measure.holdout import evaluation
from labeler.measure.intervals import labels_to_halve
from labeler.measure.metrics import metrics


def answers(pairs: list[tuple[int, int]], classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and targets of items with these (true, predicted) classes."""
    true, predicted = np.array(pairs).T
    return 0.1 / classes + 0.9 * np.eye(classes)[predicted], true


def test_an_evaluation_by_hand():
    proba, targets = answers([(0, 0)] * 3 + [(0, 1)] + [(1, 1)] * 4 + [(1, 0)] * 2, 3)
    evaluated = evaluation(proba, targets, ("a", "b", "c"))
    assert evaluated.n == 10
    assert evaluated.accuracy.value == 0.7
    assert evaluated.balanced_accuracy.value == pytest.approx((3 / 4 + 4 / 6) / 2)  # "c" does not occur
    assert evaluated.macro_f1.value == pytest.approx((2 * 3 / 9 + 2 * 4 / 11) / 2)
    assert evaluated.micro_f1 is None
    assert sorted(evaluated.confusion) == [(0, 0, 3), (0, 1, 1), (1, 0, 2), (1, 1, 4)]
    a, _b, c = evaluated.classes
    assert (a.name, a.support, a.predicted, a.right) == ("a", 4, 5, 3)
    assert (a.precision.value, a.recall.value) == (pytest.approx(0.6), pytest.approx(0.75))
    assert a.f1.value == pytest.approx(2 * 0.6 * 0.75 / 1.35)
    # 3 of the 6 that are "a" or are said to be: Wilson from q to 2 q / (1 + q)
    q = binomtest(3, 6).proportion_ci(method="wilson")
    assert (a.f1.low, a.f1.high) == (pytest.approx(2 * q.low / (1 + q.low)), pytest.approx(2 * q.high / (1 + q.high)))
    assert (c.support, c.precision, c.recall, c.f1) == (0, None, None, None)
    assert evaluated.to_halve == labels_to_halve(0.7, 10)


def test_the_evaluation_agrees_with_the_rounds_metrics():
    rng = np.random.default_rng(0)
    proba, targets = rng.dirichlet(np.full(4, 0.4), 200), rng.integers(0, 4, 200)
    evaluated, of_round = evaluation(proba, targets, "abcd"), metrics(proba, targets)
    assert (evaluated.accuracy.value, evaluated.accuracy.low) == (
        pytest.approx(of_round.accuracy),
        pytest.approx(of_round.low),
    )
    assert evaluated.macro_f1.value == pytest.approx(of_round.macro_f1)
    assert evaluated.calibration.error == pytest.approx(of_round.calibration_error)
    assert evaluated.balanced_accuracy.value == pytest.approx(balanced_accuracy_score(targets, proba.argmax(axis=1)))


def test_several_classes_are_evaluated_as_separate_decisions():
    proba = np.array([[0.9, 0.8, 0.1], [0.7, 0.1, 0.2], [0.4, 0.3, 0.2], [0.1, 0.2, 0.4]])
    truth = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]], dtype=np.int8)
    evaluated = evaluation(proba, truth, "abc")
    assert (evaluated.accuracy.value, evaluated.confusion, evaluated.balanced_accuracy) == (0.5, (), None)
    assert evaluated.micro_f1.value == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert evaluated.macro_f1.value == pytest.approx(metrics(proba, truth).macro_f1)
    a, b, c = evaluated.classes
    assert (a.support, a.predicted, a.right) == (2, 2, 1)
    assert (b.f1.value, c.f1) == (1, None)


def test_without_errors_the_intervals_still_have_a_width():
    evaluated = evaluation(*answers([(0, 0), (1, 1)] * 10, 2), "ab")
    for estimate in (
        evaluated.macro_f1,
        evaluated.balanced_accuracy,
        evaluated.classes[0].f1,
        evaluated.classes[0].recall,
    ):
        assert estimate.value == pytest.approx(1)
        assert 0.6 < estimate.low < 0.95


def test_a_whole_weight_counts_as_that_many_items():
    rng = np.random.default_rng(1)
    proba, targets, times = rng.dirichlet(np.ones(3), 40), rng.integers(0, 3, 40), rng.integers(1, 4, 40)
    weighted = evaluation(proba, targets, "abc", times.astype(float))
    plain = evaluation(np.repeat(proba, times, axis=0), np.repeat(targets, times), "abc")
    assert weighted.accuracy.value == pytest.approx(plain.accuracy.value)
    assert weighted.macro_f1.value == pytest.approx(plain.macro_f1.value)
    assert weighted.balanced_accuracy.value == pytest.approx(plain.balanced_accuracy.value)
    for repeated, once in zip(weighted.classes, plain.classes, strict=True):
        assert repeated.f1.value == pytest.approx(once.f1.value)
        assert repeated.f1.high - repeated.f1.low > once.f1.high - once.f1.low  # copies of an item tell nothing new


@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 1000), st.booleans())
def test_every_figure_lies_in_its_interval(n, classes, seed, several):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(classes), n)
    targets = rng.integers(0, 2, (n, classes)) if several else rng.integers(0, classes, n)
    evaluated = evaluation(proba, targets, [str(i) for i in range(classes)])
    each = [x for c in evaluated.classes for x in (c.precision, c.recall, c.f1)]
    for estimate in [evaluated.accuracy, evaluated.macro_f1, evaluated.balanced_accuracy, evaluated.micro_f1, *each]:
        if estimate is not None:
            assert 0 <= estimate.low <= estimate.value + 1e-12 <= estimate.high + 2e-12 <= 1 + 3e-12
    assert sum(k for _true, _said, k in evaluated.confusion) == (0 if several else n)
    assert sum(b.n for b in evaluated.calibration.bins) == (n * classes if several else n)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "classes", "accuracy"), [(50, 2, 0.95), (100, 5, 0.9), (200, 4, 0.6)])
def test_the_intervals_of_means_over_classes_cover_the_truth(n, classes, accuracy):
    rng = np.random.default_rng(4)
    prior = 1 / np.arange(1, classes + 1)
    prior /= prior.sum()
    chances = np.full((classes, classes), (1 - accuracy) / (classes - 1))
    np.fill_diagonal(chances, accuracy)
    joint = prior[:, None] * chances
    right = joint.diagonal()
    truth = {"macro_f1": (2 * right / (joint.sum(axis=0) + joint.sum(axis=1))).mean(), "balanced_accuracy": accuracy}
    held = dict.fromkeys(truth, 0)
    for seed in range(150):
        cells = rng.choice(classes**2, n, p=joint.ravel())
        evaluated = evaluation(
            *answers([(c // classes, c % classes) for c in cells], classes), "abcde"[:classes], seed=seed
        )
        for name, value in truth.items():
            estimate = getattr(evaluated, name)
            held[name] += estimate.low <= value <= estimate.high
    for name, count in held.items():
        assert 0.9 <= count / 150 <= 0.99, name
