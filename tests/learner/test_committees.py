"""Committees: members that differ, are the same for every item, and are whatever the settings say."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from labeler.backbones.encoder import Arrays
from labeler.core.rounds import Dataset, Labels, Training
from labeler.core.settings import LearnerConfig
from labeler.learner.committees import DROPPED, Committee, Snapshots, committee, with_dropout
from labeler.learner.heads import fit_heads
from labeler.learner.model import FineTuned, Fitted, LinearHeads, Model, TunedNetwork
from labeler.learner.task import LearningTask
from tests.support.gpu import as_on_a_gpu
from tests.support.samples import blobs
from tests.support.toy_network import TOY, exclusive_or, without_export


@pytest.fixture(scope="module")
def known() -> tuple[Dataset, Labels, LinearHeads]:
    data, targets = blobs(120, [0, 1, 3])
    labels = Labels(np.arange(60), targets[:60])
    return data, labels, fit_heads(LearningTask.of(data, labels, 4))


def build(kind: str, model: Model, known: tuple[Dataset, Labels, LinearHeads], snapshots: tuple = ()) -> Committee:
    data, labels, heads = known
    fitted = Fitted(model, Training(), snapshots)
    learner = LearnerConfig(committee=kind, members=6)  # type: ignore[arg-type]
    return committee(LearningTask(data, labels, 4, heads.normalizer), fitted, learner, 0)


@pytest.mark.parametrize("kind", ["bootstrap", "dropout", "snapshots"])
def test_members_are_models_that_differ(kind: str, known: tuple[Dataset, Labels, LinearHeads]) -> None:
    data, _, heads = known
    found = build(kind, heads, known)
    proba = found.member_proba(data, np.arange(120))
    assert proba.shape == (6, 120, 4)
    np.testing.assert_allclose(proba.sum(axis=2), 1)
    assert (proba[:, :, 2] == 0).all()  # no label says so
    assert proba.std(axis=0).max() > 0.005
    # an item's probabilities do not depend on what it is asked with
    np.testing.assert_allclose(found.member_proba(data, np.array([7])), proba[:, [7]], rtol=1e-6)


def test_dropout_masks_features_and_keeps_their_mean(known: tuple[Dataset, Labels, LinearHeads]) -> None:
    _, _, heads = known
    masked = with_dropout(heads, 400, 0)
    assert isinstance(masked, LinearHeads)
    dropped = (masked.weight == 0).all(axis=1)  # (members, features): for all classes alike
    assert dropped.mean() == pytest.approx(DROPPED, abs=0.05)
    np.testing.assert_allclose(masked.weight.mean(axis=0), heads.weight.mean(axis=0), atol=0.5)
    one = replace(heads, weight=heads.weight[:1], bias=heads.bias[:1])
    assert with_dropout(one, 3, 1).weight.shape == (3, *heads.weight.shape[1:])  # type: ignore[union-attr]


def test_snapshots_speak_for_themselves_and_an_item_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    without_export(monkeypatch)
    read: list[str] = []

    def prepare(texts: Sequence[str]) -> list[Arrays]:
        read.extend(texts)
        return TOY.prepare(texts)

    data, targets = exclusive_or(60)
    heads = fit_heads(LearningTask.of(data, Labels(np.arange(60), targets), 2))
    weights = {name: p.numpy() for name, p in TOY.network.named_parameters() if name.startswith("stages.1.")}
    network = replace(TOY, prepare=prepare)
    states = tuple(
        FineTuned(heads, heads, (TunedNetwork(network, 1, {name: n * w for name, w in weights.items()}),), 0.5)
        for n in (1, 2, 3)
    )
    found = build("snapshots", states[0], (data, Labels(np.arange(60), targets), heads), states)
    assert isinstance(found, Snapshots)
    proba = found.member_proba(data, np.arange(9))
    assert sorted(read) == sorted(map(str, data.inputs[:9]))
    np.testing.assert_allclose(proba, [state.predict_proba(data, np.arange(9)) for state in states], rtol=1e-6)
    assert not np.allclose(proba[0], proba[1])
    as_on_a_gpu(monkeypatch)
    on_a_gpu = Snapshots(states).member_proba(data, np.arange(9))
    np.testing.assert_allclose(on_a_gpu, proba, rtol=1e-5)
