"""Prediction in batches: the same as at once, in the order asked for, with nothing asked as well."""

import numpy as np
import pytest

from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import LearnerConfig
from labeler.learner import predict
from labeler.learner.heads import fit_committee
from labeler.learner.predict import class_proba, member_proba
from labeler.learner.task import LearningTask
from labeler.learner.train import fit

RNG = np.random.default_rng(0)
EMBEDDINGS = RNG.normal(size=(60, 6)).astype(np.float32)
DATA = Dataset([f"text {i}" for i in range(60)], EMBEDDINGS, (4, 2))
LABELS = Labels(np.arange(20), np.tile([0, 2], 10))


@pytest.mark.parametrize("batch", [1, 7, 1024])
def test_batches_change_nothing(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model, committee = (
        fit(LearningTask.of(DATA, LABELS, 4), LearnerConfig(kind="frozen"), 0).model,
        fit_committee(LearningTask.of(DATA, LABELS, 4), 3, 0),
    )
    positions = np.random.default_rng(1).permutation(60)[:33]
    monkeypatch.setattr(predict, "BATCH", batch)
    proba, members = class_proba(model, DATA, positions), member_proba(committee, DATA, positions)
    np.testing.assert_allclose(proba, model.predict_proba(DATA, positions), rtol=1e-5)
    np.testing.assert_allclose(members, committee.member_proba(DATA, positions), rtol=1e-5)
    assert proba.shape == (33, 4)
    assert members.shape == (3, 33, 4)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(members.sum(axis=2), 1)


def test_no_positions_give_no_rows() -> None:
    nothing = np.array([], dtype=np.intp)
    assert class_proba(
        fit(LearningTask.of(DATA, LABELS, 4), LearnerConfig(kind="frozen"), 0).model, DATA, nothing
    ).shape == (0, 4)
    assert member_proba(fit_committee(LearningTask.of(DATA, LABELS, 4), 3, 0), DATA, nothing).shape == (3, 0, 4)


def test_progress_counts_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "BATCH", 25)
    seen: list[tuple[int, int]] = []
    model = fit(LearningTask.of(DATA, LABELS, 4), LearnerConfig(kind="frozen"), 0).model
    class_proba(model, DATA, np.arange(60), lambda done, total: seen.append((done, total)))
    assert seen == [(25, 60), (50, 60), (60, 60)]
