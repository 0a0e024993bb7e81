"""Cross-validation: folds, what is held out, and who is trained on what."""

import numpy as np
import pytest

from labeler.core.errors import TrainingError
from labeler.core.rounds import Labels, Training
from labeler.core.settings import LearnerConfig
from labeler.learner.cross_validation import FLOOR, HeldOut, cross_validate
from labeler.learner.folds import stratified
from labeler.learner.model import Fitted
from labeler.learner.task import LearningTask
from labeler.learner.train import fit
from tests.support.samples import blobs


def test_every_label_is_in_one_fold_and_classes_are_spread_evenly():
    targets = np.repeat([0, 1, 2, 3], [30, 10, 4, 1])
    folds = stratified(targets, 3, seed=0)
    assert sorted(np.concatenate(folds)) == list(range(45))
    for kind, fewest in ((0, 10), (1, 3), (2, 1), (3, 0)):
        counts = [int((targets[fold] == kind).sum()) for fold in folds]
        assert min(counts) == fewest
        assert max(counts) <= fewest + 1
    assert not np.array_equal(folds[0], stratified(targets, 3, seed=1)[0])


def test_held_out_is_read_from_probabilities():
    proba = np.array([[0.5, 0.5, 0.0], [0.1, 0.8, 0.1], [1.0, 0.0, 0.0]])
    held = HeldOut.of(np.array([4, 0, 2]), proba, np.array([0, 2, 1]), Training(share=0.5, note="why"))
    assert held.log_likelihood == pytest.approx(np.log([0.5, 0.1, FLOOR]))
    assert held.right.tolist() == [True, False, False]
    assert (held.share, held.note) == (0.5, "why")


def test_several_classes_are_held_out_as_whole_sets_and_spread_by_the_rarest():
    proba = np.array([[0.9, 0.2], [0.5, 0.0]])
    held = HeldOut.of(np.array([0, 1]), proba, np.array([[1, 0], [1, 1]]), Training())
    assert held.log_likelihood == pytest.approx([np.log(0.9 * 0.8), np.log(0.5 * FLOOR)])
    assert held.right.tolist() == [True, False]
    targets = np.zeros((30, 2), dtype=np.int8)
    targets[:20, 0], targets[:3, 1] = 1, 1
    for fold in stratified(targets, 3, seed=0):
        assert targets[fold, 1].sum() == 1
        assert targets[fold, 0].sum() in (6, 7)


def test_folds_are_put_together_in_the_order_of_the_labels():
    parts = [
        HeldOut(np.array([1, 3]), np.array([-1.0, -3.0]), np.array([True, False]), 0.0),
        HeldOut(np.array([0, 2]), np.array([0.0, -2.0]), np.array([False, True]), 1.0),
    ]
    whole = HeldOut.whole(parts)
    assert whole.rows.tolist() == [0, 1, 2, 3]
    assert whole.log_likelihood.tolist() == [0.0, -1.0, -2.0, -3.0]
    assert whole.right.tolist() == [False, True, True, False]
    assert whole.share == 0.5


DATASET, TARGETS = blobs(90, [0, 1, 3])
LABELED = np.arange(20, 80)
TASK = LearningTask.of(DATASET, Labels(LABELED, TARGETS[LABELED]), 4)
FROZEN = LearnerConfig(kind="frozen")


def test_with_the_real_fit_each_label_is_predicted_once_by_a_model_that_was_not_trained_on_it():
    trained_on = []

    def watched(task, *rest):
        trained_on.append(task.labels.positions)
        return fit(task, *rest)

    folds_done: list[int] = []
    parts = list(cross_validate(TASK, FROZEN, 3, 0, watched, folds_done.append))
    whole = HeldOut.whole(parts)
    assert whole.rows.tolist() == list(range(60))
    assert whole.right.mean() > 0.8
    assert whole.share == 0.0
    assert set(folds_done) == {1, 2, 3}
    for part, positions in zip(parts, trained_on, strict=True):
        assert sorted([*positions, *LABELED[part.rows]]) == LABELED.tolist()


def test_models_of_several_classes_are_validated_as_well():
    sets = Labels(LABELED, np.stack([TARGETS[LABELED] == 0, TARGETS[LABELED] < 2], axis=1).astype(np.int8))
    whole = HeldOut.whole(list(cross_validate(LearningTask.of(DATASET, sets, 2), FROZEN, 3, 0, fit)))
    assert whole.rows.tolist() == list(range(60))
    assert whole.right.mean() > 0.8
    assert whole.log_likelihood.mean() > 2 * np.log(0.5)


def test_what_is_no_probability_is_an_error():
    class Broken:
        def predict_proba(self, dataset, positions):
            return np.full((len(positions), 4), np.nan)

        def to_bytes(self) -> bytes:
            return b""

    folds = cross_validate(TASK, FROZEN, 3, 0, lambda *_: Fitted(Broken(), Training()))
    with pytest.raises(TrainingError, match="not finite"):
        next(folds)
