"""Models of random subsamples, measured on what they have not seen."""

from pathlib import Path

import numpy as np
import pytest

from labeler.core.rounds import Dataset, Labels
from labeler.learner.frozen import FrozenHead
from labeler.learner.task import LearningTask
from labeler.progress.shadows import REPEATS, right_on, shadows, subsamples


@pytest.fixture
def corners():
    """A hundred items in three far corners: a few labels of each tell them apart."""
    rng = np.random.default_rng(0)
    targets = np.arange(100) % 3
    embeddings = (5 * np.eye(3)[targets] + rng.normal(scale=0.1, size=(100, 3))).astype(np.float32)
    dataset = Dataset([Path(f"{i}.png") for i in range(100)], embeddings, (3,))
    return dataset, targets


def test_there_are_as_many_subsamples_of_each_size_up_to_half_of_the_labels():
    assert subsamples(39) == []
    assert subsamples(60) == [20] * REPEATS + [28] * REPEATS


def test_shadow_models_are_measured_on_items_outside_their_subsample(corners):
    dataset, targets = corners
    arm = LearningTask.of(dataset, Labels(np.arange(50), targets[:50]), 3)
    holdout = Labels(np.arange(20, 70), targets[20:70])  # 30 of them are in the arm
    fits: list[int] = []
    taught = shadows(arm, holdout, FrozenHead(), tell=fits.append)
    assert fits == list(range(REPEATS))
    assert taught.arm == 50
    assert taught.right.shape == taught.unseen.shape == (REPEATS, 50)
    assert taught.right.all()
    assert taught.unseen[:, 30:].all()  # not in the arm
    learned_items = (~taught.unseen).sum(axis=1)
    assert learned_items.min() > 5  # 12 in the mean
    assert learned_items.max() <= 20
    same = shadows(arm, holdout, FrozenHead())
    assert (same.unseen == taught.unseen).all()


def test_with_labels_of_one_class_that_class_is_predicted_always(corners):
    dataset, targets = corners
    holdout = Labels(np.arange(9), targets[:9])
    taught = Labels(np.array([30, 33]), targets[[30, 33]])
    assert (
        right_on(LearningTask.of(dataset, taught, 3), holdout, FrozenHead()).tolist()
        == (targets[:9] == targets[30]).tolist()
    )


def test_an_item_of_several_classes_is_right_if_all_decisions_are(corners):
    dataset, targets = corners
    several = np.eye(3, dtype=int)[targets]
    holdout = Labels(np.arange(9), several[:9])
    task = LearningTask.of(dataset, Labels(np.arange(50, 80), several[50:80]), 3)
    assert right_on(task, holdout, FrozenHead()).all()
    same = right_on(task.relabeled(Labels(np.array([30, 33]), several[[30, 33]])), holdout, FrozenHead())
    assert same.tolist() == (targets[:9] == targets[30]).tolist()
