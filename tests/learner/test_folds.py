"""Folds of labels, by item and by group."""

import numpy as np

from labeler.learner.folds import held_back, stratified
from labeler.learner.levers import part_of


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


def test_the_parts_take_a_share_of_each_class_and_nothing_twice():
    targets = np.repeat([0, 1, 2, 3], [40, 10, 2, 1])
    parts = list(held_back(targets, 3, part_of(len(targets)), 0))
    assert np.bincount(targets[parts[0]], minlength=4).tolist() == [8, 2, 0, 0]
    together = np.concatenate(parts)
    assert len(set(together.tolist())) == len(together)
    for part in parts:  # each class keeps an example to learn from
        assert set(targets[np.setdiff1d(np.arange(53), part)]) == {0, 1, 2, 3}


def test_what_is_held_back_leaves_each_class_an_example():
    targets = np.zeros((50, 3), dtype=np.int8)
    targets[:20, 0], targets[:2, 1] = 1, 1
    for held in held_back(targets, 3, part_of(len(targets)), 0):
        taught = np.setdiff1d(np.arange(50), held)
        assert (targets[taught].sum(axis=0)[:2] > 0).all()
        assert 7 <= len(held) <= 12
