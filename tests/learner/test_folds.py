"""Folds of labels, by item and by group."""

import numpy as np

from labeler.learner.folds import held_back, stratified


def patients(n: int = 30, items: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Targets and groups of patients, of which every third has the second class, in mixed order."""
    groups = np.random.default_rng(0).permutation(np.repeat(np.arange(n), items))
    return (groups % 3 == 0).astype(int), groups


def test_a_group_is_in_one_fold_and_classes_are_spread():
    targets, groups = patients()
    folds = stratified(targets, 5, 0, groups)
    assert sorted(np.concatenate(folds).tolist()) == list(range(240))
    for rows in folds:
        assert not np.isin(groups[np.setdiff1d(np.arange(240), rows)], groups[rows]).any()
        assert (len(rows), targets[rows].sum()) == (48, 16)


def test_there_are_no_more_folds_than_groups_and_a_single_group_is_dealt_row_by_row():
    targets, groups = np.arange(20) % 2, np.arange(20) % 3
    assert len(stratified(targets, 5, 0, groups)) == 3
    assert [len(rows) for rows in stratified(targets, 5, 0, np.zeros(20))] == [4] * 5


def test_whole_groups_are_held_back_and_each_class_keeps_an_example():
    targets, groups = patients()
    targets[groups == 1] = 2  # a class of one patient, who is never held back
    parts = list(held_back(targets, 3, 0.2, 0, groups))
    assert len(parts) == 3
    for rows in parts:
        rest = np.setdiff1d(np.arange(240), rows)
        assert not np.isin(groups[rest], groups[rows]).any()
        assert set(targets[rest]) == {0, 1, 2}
        assert 24 <= len(rows) <= 72
