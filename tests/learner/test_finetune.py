"""Fine-tuning on a toy: what each lever does to the weights, and what keeps the network from forgetting."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from labeler.core.rounds import Labels
from labeler.core.settings import FinetuneConfig
from labeler.learner.finetune import SLICES, Finetuner, Tuned, _Run
from labeler.learner.heads import fit_heads
from labeler.learner.model import TunedNetwork, reader
from labeler.learner.task import LearningTask
from tests.support.toy_network import LEVERS, TOY, exclusive_or, without_export

DATA, TARGETS = exclusive_or(400)
LABELS = Labels(np.arange(200), TARGETS[:200])
HEADS = fit_heads(LearningTask.of(DATA, LABELS, 2))
NOTHING = np.empty(0, dtype=np.intp)
HELD = np.arange(0, 200, 4)


@pytest.fixture(autouse=True)
def in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    without_export(monkeypatch)


def tune(held: np.ndarray = NOTHING, snapshots: int = 0, **changes: Any) -> Tuned:
    levers = replace(LEVERS, **changes)
    rows = np.setdiff1d(np.arange(200), held)
    finetuner = Finetuner(TOY, DATA.inputs[:200], LABELS.targets, levers, 0)
    return finetuner.train(rows, held, HEADS, snapshots=snapshots)


@cache
def tuned_without_changes() -> Tuned:
    """With every fourth item held back."""
    return tune(HELD)


def logits(tuned: Tuned, rows: np.ndarray) -> np.ndarray:
    """What the network's own head says."""
    return HEADS.normalizer.apply(tuned.features[rows]) @ tuned.weights.weight.T + tuned.weights.bias


def moved(tuned: Tuned) -> float:
    """How far the network's weights went from the pretrained ones."""
    start = {name: p.numpy() for name, p in TOY.network.named_parameters()}
    return float(np.sqrt(sum(((value - start[name]) ** 2).sum() for name, value in tuned.weights.parameters.items())))


def old_task(tuned: Tuned) -> float:
    """How well a head that was fitted to the pretrained features does its work on those of the tuned network."""
    read = reader([TunedNetwork(TOY, tuned.cut, tuned.weights.parameters)])
    old = (DATA.embeddings[:, 0] > np.median(DATA.embeddings[:, 0])).astype(int)
    head = LogisticRegression().fit(DATA.embeddings, old)
    assert head.score(DATA.embeddings, old) > 0.95
    return float(head.score(read(DATA.inputs[:400])[0], old))


@pytest.mark.slow
def test_l2_sp_keeps_the_network_from_forgetting() -> None:
    free, pulled = tune(epochs=40), tune(epochs=40, l2_sp=3.0)
    assert moved(pulled) < 0.7 * moved(free)
    assert old_task(pulled) > old_task(free) + 0.1


def test_a_head_that_learns_first_spares_the_network() -> None:
    assert moved(tune(epochs=10, head_epochs=1.0)) == 0
    assert 0 < moved(tune(epochs=10, head_epochs=0.5)) < moved(tune(epochs=10))


def test_blocks_follow_one_by_one_and_the_first_ones_learn_more_slowly() -> None:
    both = tune(unfrozen=2, epochs=10, decay=0.1)
    start = {name: p.numpy() for name, p in TOY.network.named_parameters()}
    change = {name: np.abs(value - start[name]).mean() for name, value in both.weights.parameters.items()}
    assert 0 < change["stages.0.0.weight"] < change["stages.1.weight"] / 2
    gradual = tune(unfrozen=2, epochs=1, gradual=True, batch=100)  # two steps: the first block never has its turn
    assert set(gradual.weights.parameters) == set(both.weights.parameters)


@pytest.mark.slow
def test_stopping_early_gives_the_best_epoch_back() -> None:
    wild = tune(HELD, epochs=30, early_stopping=True, learning_rate=0.3, schedule="constant")
    losses = [epoch.validation_loss for epoch in wild.epochs]
    assert min(losses) < losses[-1]  # it went on after the best one
    scores = logits(wild, HELD)
    log_proba = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    loss = -log_proba[np.arange(len(HELD)), LABELS.targets[HELD]].mean()
    assert loss == pytest.approx(min(losses), abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"objective": "contrastive"},
        {"objective": "both"},
        {"dropout": 0.2},
        {"class_weights": "balanced"},
        {"schedule": "one_cycle"},
        {"accumulate": 3},
        {"gradual": True, "head_epochs": 0.1},
        {"weight_decay": 0.1},
        {"label_smoothing": 0.0},
    ],
)
def test_every_lever_is_pulled_and_the_network_still_learns(changes: dict[str, Any]) -> None:
    pulled = tune(HELD, **changes)
    assert not np.array_equal(tuned_without_changes().weights.weight, pulled.weights.weight)
    assert (logits(pulled, HELD).argmax(axis=1) == LABELS.targets[HELD]).mean() > 0.7
    assert all(np.isfinite(epoch.train_loss) for epoch in pulled.epochs)


def test_balanced_classes_make_the_rare_one_count() -> None:
    rare = np.concatenate([np.flatnonzero(LABELS.targets == 0), np.flatnonzero(LABELS.targets == 1)[:10]])
    share_of_rare: dict[str, float] = {}
    for weights in ("none", "balanced"):
        finetuner = Finetuner(
            TOY, DATA.inputs[:200], LABELS.targets, replace(LEVERS, class_weights=weights, epochs=5), 0
        )
        others = np.setdiff1d(np.arange(200), rare)
        share_of_rare[weights] = (logits(finetuner.train(rare, others, HEADS), others).argmax(axis=1) == 1).mean()
    assert share_of_rare["balanced"] > share_of_rare["none"] + 0.2


def test_nothing_of_the_encoder_or_of_torchs_generator_is_changed() -> None:
    before, state = [p.clone() for p in TOY.network.parameters()], torch.get_rng_state()
    tune(dropout=0.2, epochs=2)
    assert all(torch.equal(a, b) for a, b in zip(before, TOY.network.parameters(), strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_the_seed_is_all_that_is_random() -> None:
    first, again = (tune(dropout=0.2, epochs=3).weights.weight for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_a_lever_that_is_left_to_auto_is_no_number() -> None:
    with pytest.raises((TypeError, ValueError)):
        Finetuner(TOY, DATA.inputs[:9], LABELS.targets[:9], FinetuneConfig(), 0)


def test_a_stack_is_the_mean_of_its_slices_and_is_trained_on_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items of one, two and nine slices; each slice is one of the toy's pairs of numbers."""
    sizes = np.array([1, 2, 9] * 20)
    single = list(DATA.inputs[: sizes.sum()])
    inputs = ["|".join(map(str, part)) for part in np.split(np.array(single), np.cumsum(sizes)[:-1])]
    encoder = replace(TOY, views=lambda item: item.split("|"))
    targets, rows = np.arange(60) % 2, np.arange(60)
    finetuner = Finetuner(encoder, inputs, targets, replace(LEVERS, epochs=2), 0)
    read: list[int] = []
    batch = _Run._batch

    def counted(self: _Run, slices: np.ndarray, training: bool) -> tuple[Any, ...]:
        read.extend([len(slices)] if training else [])
        return batch(self, slices, training)

    monkeypatch.setattr(_Run, "_batch", counted)
    trained = finetuner.train(rows, NOTHING, HEADS)
    assert sum(read) == 2 * np.minimum(sizes, SLICES).sum()
    features_of = reader([TunedNetwork(encoder, trained.cut, trained.weights.parameters)])
    [features] = features_of(inputs)
    np.testing.assert_allclose(features, trained.features, atol=1e-5)
    [of_slices] = features_of(single)
    means = [part.mean(axis=0) for part in np.split(of_slices, np.cumsum(sizes)[:-1])]
    np.testing.assert_allclose(features, means, atol=1e-5)
