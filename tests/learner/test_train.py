"""Fitting: heads that are exact and repeatable, and when nothing is fine-tuned."""

from typing import Any

import numpy as np
import pytest

from labeler.backbones.tfidf import fit as fit_tfidf
from labeler.core.errors import TrainingError
from labeler.core.rounds import Labels
from labeler.core.settings import LearnerConfig
from labeler.learner.model import LinearHeads, Normalizer
from labeler.learner.task import LearningTask
from labeler.learner.train import fit
from tests.support.samples import blobs
from tests.support.toy_network import TOY, TUNE, exclusive_or

FROZEN = LearnerConfig(kind="frozen")


def test_a_head_learns_and_a_class_without_labels_gets_nothing() -> None:
    data, targets = blobs(200, [0, 1, 3])
    model = fit(LearningTask.of(data, Labels(np.arange(60), targets[:60]), 5), FROZEN, 0).model
    proba = model.predict_proba(data, np.arange(60, 200))
    assert (proba.argmax(axis=1) == targets[60:]).mean() > 0.85
    assert proba.shape == (140, 5)
    assert (proba[:, [2, 4]] == 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize("kind", ["frozen", "auto"])
def test_same_data_same_head_whatever_the_seed(kind: Any) -> None:
    data, targets = blobs(100, [0, 1, 2])
    labels = Labels(np.arange(40), targets[:40])
    one, other = (fit(LearningTask.of(data, labels, 3), LearnerConfig(kind=kind), seed).model for seed in (0, 1))
    np.testing.assert_array_equal(one.predict_proba(data, np.arange(100)), other.predict_proba(data, np.arange(100)))


def test_a_normalizer_that_is_given_is_used() -> None:
    data, targets = blobs(50, [0, 1])
    normalizer = Normalizer(np.zeros(8, dtype=np.float32), data.dims)
    model = fit(LearningTask(data, Labels(np.arange(50), targets), 2, normalizer), FROZEN, 0).model
    assert isinstance(model, LinearHeads)
    assert model.normalizer is normalizer


@pytest.mark.parametrize("found", [[], [1], [1, 1, 1]])
def test_fewer_than_two_classes_cannot_train(found: list[int]) -> None:
    data, _ = blobs(10, [0, 1])
    labels = Labels(np.arange(len(found)), np.array(found, dtype=int))
    with pytest.raises(TrainingError, match="label items of at least two classes"):
        fit(LearningTask.of(data, labels, 2), FROZEN, 0)


def test_too_few_labels_to_tell_leave_the_frozen_head() -> None:
    data, targets = exclusive_or(20)
    fitted = fit(LearningTask.of(data, Labels(np.arange(20), targets), 2, TOY), TUNE, 0)
    assert isinstance(fitted.model, LinearHeads)
    assert fitted.training.note == "Linear heads: 20 labels are too few to check fine-tuning on; 30 are needed."


@pytest.mark.parametrize("fitted", [True, False])
def test_what_is_no_network_cannot_be_finetuned(fitted: bool) -> None:
    data, targets = blobs(20, [0, 1])
    encoder = fit_tfidf(["가나다", "라마바"]) if fitted else None
    with pytest.raises(TrainingError, match=r'set learner\.kind = "frozen"'):
        fit(LearningTask.of(data, Labels(np.arange(20), targets), 2, encoder), TUNE, 0)


def test_auto_keeps_to_the_heads_where_there_is_no_network() -> None:
    data, targets = blobs(60, [0, 1])
    fitted = fit(
        LearningTask.of(data, Labels(np.arange(60), targets), 2, fit_tfidf(["가나다", "라마바"])), LearnerConfig(), 0
    )
    assert isinstance(fitted.model, LinearHeads)
    assert "char_tfidf cannot be fine-tuned" in fitted.training.note
