"""One decision an item, or one for each class: on numbers worked out by hand."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from labeler.core import decisions

PROBA = np.array([[0.9, 0.2, 0.6], [0.4, 0.45, 0.1]])
TRUTH = np.array([[1, 0, 0], [0, 0, 0]])


def test_a_predicted_set_has_the_classes_with_probability_above_one_half() -> None:
    assert_array_equal(decisions.predicted(PROBA, several=True), [[1, 0, 1], [0, 0, 0]])
    assert_array_equal(decisions.predicted(PROBA, several=False), [0, 1])


def test_a_set_is_right_as_a_whole() -> None:
    assert_array_equal(decisions.correct(PROBA, TRUTH), [False, True])
    assert_array_equal(decisions.correct(PROBA, np.array([0, 0])), [True, False])


def test_the_probability_of_the_true_label_is_returned() -> None:
    assert_allclose(decisions.proba_of_targets(PROBA, TRUTH), [[0.9, 0.8, 0.4], [0.6, 0.55, 0.9]])
    assert_allclose(decisions.proba_of_targets(PROBA, np.array([2, 0])), [0.6, 0.4])
    assert decisions.proba_of_targets(np.stack([PROBA] * 4), TRUTH).shape == (4, 2, 3)


def test_label_sets_become_single_decisions() -> None:
    proba, targets = decisions.as_single_decisions(PROBA[:1], TRUTH[:1])
    assert_allclose(proba, [[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]])
    assert_array_equal(targets, [1, 0, 0])


def test_an_item_is_stratified_by_its_rarest_class() -> None:
    # three items have class 0, one has class 1, none has class 2; the last item has none
    targets = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0]])
    assert_array_equal(decisions.strata(targets), [0, 1, 0, 3])
    assert_array_equal(decisions.strata(np.array([2, 0])), [2, 0])


def test_equal_sets_have_one_index() -> None:
    ids = decisions.label_set_ids(np.array([[1, 0], [0, 0], [1, 0], [1, 1]]))
    assert ids[0] == ids[2]
    assert sorted(set(ids.tolist())) == [0, 1, 2]
    assert decisions.label_set_ids(np.empty((0, 2), dtype=np.int8)).shape == (0,)
    assert_array_equal(decisions.label_set_ids(np.array([3, 1])), [3, 1])


def test_an_item_of_several_classes_is_represented_by_its_least_certain_class() -> None:
    classes = decisions.least_certain_class(PROBA)
    assert_array_equal(classes, [2, 1])
    assert_allclose(decisions.proba_of_class(PROBA, classes), [[0.4, 0.6], [0.55, 0.45]])
    members = np.stack([PROBA, 1 - PROBA])
    assert_allclose(decisions.proba_of_class(members, classes)[1], [[0.6, 0.4], [0.45, 0.55]])


def test_there_is_a_column_for_each_target() -> None:
    proba = decisions.proba_of_class(PROBA, decisions.least_certain_class(PROBA))
    wide = decisions.padded(proba, np.array([0, 3]))
    assert wide is not None
    assert_allclose(wide, [[0.4, 0.6, 0, 0], [0.55, 0.45, 0, 0]])
    assert decisions.padded(proba, np.array([1, 0])) is proba
    assert decisions.padded(proba, None) is proba
    assert decisions.padded(None, np.array([1])) is None
