"""A round that fine-tunes: networks that are kept if they help, as many as there is time for, saved and loaded."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_digits

from labeler.backbones.choose import load_image_encoder, load_text_encoder
from labeler.backbones.encoder import Joined
from labeler.backbones.tfidf import fit as fit_tfidf
from labeler.core.errors import LabelerError
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import FinetuneConfig, LearnerConfig
from labeler.learner import augment, finetune_round
from labeler.learner.committees import Snapshots
from labeler.learner.finetune import Finetuner, Tuned
from labeler.learner.mixture import Mixture
from labeler.learner.model import FineTuned, LinearHeads, Normalizer, TunedNetwork
from labeler.learner.saved_models import load, save
from labeler.learner.task import LearningTask
from labeler.learner.train import fit
from tests.support.toy_network import LEVERS, TOY, TUNE, exclusive_or, toy_network, without_export

FROZEN = LearnerConfig(kind="frozen")


# ---------------------------------------------------------------- a toy


@pytest.fixture
def in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    without_export(monkeypatch)


@pytest.fixture(scope="module")
def xor() -> tuple[Dataset, np.ndarray]:
    return exclusive_or()


def accuracy(model: Any, data: Dataset, targets: np.ndarray) -> float:
    return float((model.predict_proba(data, np.arange(300, 500)).argmax(axis=1) == targets[300:]).mean())


@pytest.mark.slow
@pytest.mark.usefixtures("in_torch")
def test_of_encoders_side_by_side_the_network_is_tuned_and_saved(
    xor: tuple[Dataset, np.ndarray], tmp_path: Path
) -> None:
    data, targets = xor
    ngrams = fit_tfidf(data.inputs)  # type: ignore[arg-type]
    encoder = Joined((ngrams, TOY))
    features = np.concatenate([ngrams.encode(data.inputs), data.embeddings], axis=1)
    joined = Dataset(data.inputs, features, encoder.dims)
    labels = Labels(np.arange(300), targets[:300])
    model = fit(LearningTask.of(joined, labels, 2, encoder), TUNE, 0).model
    assert isinstance(model, FineTuned)
    assert model.head.normalizer.dims == model.frozen.normalizer.dims == encoder.dims
    assert accuracy(model, joined, targets) > 0.85
    save(model, tmp_path / "m.safetensors")
    reloaded = load(tmp_path / "m.safetensors", encoder)
    rows = np.arange(300, 320)
    np.testing.assert_allclose(reloaded.predict_proba(joined, rows), model.predict_proba(joined, rows), atol=1e-6)
    other_ngrams = replace(joined, embeddings=np.where(np.arange(features.shape[1]) < sum(ngrams.dims), 0, features))
    alone = replace(model, share=1.0)  # its head reads what stands beside the tuned network
    assert not np.allclose(alone.predict_proba(other_ngrams, rows), alone.predict_proba(joined, rows), atol=1e-3)


def read_by(networks: int, xor: tuple[Dataset, np.ndarray]) -> LearningTask:
    """300 labels of exclusive or, read by networks side by side."""
    data, targets = xor
    others = (replace(TOY, name=f"other {n}", key=f"toy-{n}") for n in range(2, networks + 1))
    encoder = Joined((TOY, *others))
    joined = Dataset(data.inputs, np.tile(data.embeddings, networks), encoder.dims)
    return LearningTask.of(joined, Labels(np.arange(300), targets[:300]), 2, encoder)


@pytest.fixture
def side_by_side(in_torch: None, xor: tuple[Dataset, np.ndarray]) -> LearningTask:
    """As `read_by` two networks."""
    return read_by(2, xor)


@pytest.mark.slow
def test_all_networks_side_by_side_are_tuned_and_saved_where_there_is_time(
    side_by_side: LearningTask, xor: tuple[Dataset, np.ndarray], tmp_path: Path
) -> None:
    learner = replace(TUNE, committee="snapshots", members=2)
    seen: list[tuple[int, int]] = []
    fitted = fit(side_by_side, learner, 0, lambda done, total: seen.append((done, total)))
    model, rows = fitted.model, np.arange(300, 500)
    assert isinstance(model, FineTuned)
    assert [network.encoder.name for network in model.networks] == ["toy", "other 2"]
    assert fitted.training.chosen["networks"] == 2
    assert "Networks that were fine-tuned: toy, other 2." in fitted.training.note
    assert seen[-1] == (80, 80)  # for each network once with labels held back, and once with all of them
    assert accuracy(model, side_by_side.dataset, xor[1]) > 0.78
    save(model, tmp_path / "m")
    expected = model.predict_proba(side_by_side.dataset, rows)
    np.testing.assert_array_equal(
        load(tmp_path / "m", side_by_side.encoder).predict_proba(side_by_side.dataset, rows), expected
    )
    with pytest.raises(LabelerError, match="fine-tuned from another backbone"):
        load(tmp_path / "m", TOY)
    proba = Snapshots(fitted.snapshots).member_proba(side_by_side.dataset, rows)
    np.testing.assert_allclose(proba, [state.predict_proba(side_by_side.dataset, rows) for state in fitted.snapshots])


@pytest.mark.usefixtures("in_torch")
@pytest.mark.parametrize(
    ("there", "networks", "seconds", "tuned"),
    [(2, "auto", 2.9, 1), (2, "auto", 4.0, 2), (2, 2, 2.9, 2), (2, 1, 9.0, 1), (3, "auto", 6.0, 3)],
)
def test_a_further_network_is_tuned_only_where_all_of_it_fits(
    xor: tuple[Dataset, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    there: int,
    networks: Any,
    seconds: float,
    tuned: int,
) -> None:
    monkeypatch.setattr("labeler.learner.finetune.Finetuner.seconds_per_epoch", lambda self, start: (1000.0, 0.0))
    levers = replace(LEVERS, epochs=1, networks=networks)
    learner = replace(TUNE, finetune=levers, round_seconds=1000 * seconds)
    assert fit(read_by(there, xor), learner, 0).training.chosen["networks"] == tuned


def test_where_the_first_network_has_no_time_no_other_is_measured(
    side_by_side: LearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def endless(self: Finetuner, start: LinearHeads) -> tuple[float, float]:
        measured.append(self.encoder.name)
        return 1000.0, 0.0

    monkeypatch.setattr(Finetuner, "seconds_per_epoch", endless)
    fitted = fit(side_by_side, TUNE, 0)
    assert isinstance(fitted.model, LinearHeads)
    assert "too short for an epoch of fine-tuning (1000 s)" in fitted.training.note
    assert measured == ["toy"]


def test_the_first_network_is_tuned_alone_where_the_memory_of_the_gpu_is_too_short_for_another(
    side_by_side: LearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(self: Finetuner, start: LinearHeads) -> tuple[float, float]:
        if self.encoder.name == "other 2":
            raise torch.OutOfMemoryError
        return 1.0, 0.0

    monkeypatch.setattr(Finetuner, "seconds_per_epoch", short)
    learner = replace(TUNE, finetune=replace(LEVERS, epochs=1))
    assert fit(side_by_side, learner, 0).training.chosen["networks"] == 1
    with pytest.raises(torch.OutOfMemoryError):
        fit(side_by_side, replace(learner, finetune=replace(LEVERS, networks=2)), 0)


def test_the_time_that_measuring_a_further_network_took_is_no_longer_there(
    side_by_side: LearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [0.0]

    def measured(self: Finetuner, start: LinearHeads) -> tuple[float, float]:
        passed[0] += 2500.0 if self.encoder.name == "other 2" else 0.0
        return 1000.0, 0.0

    monkeypatch.setattr(Finetuner, "seconds_per_epoch", measured)
    monkeypatch.setattr("labeler.learner.finetune_round.time.perf_counter", lambda: passed[0])
    learner = replace(TUNE, finetune=replace(LEVERS, epochs=1), round_seconds=4000)
    chosen = fit(side_by_side, learner, 0).training.chosen  # 1,500 seconds are left: an epoch, and no refit
    assert (chosen["networks"], chosen["refit"]) == (1, False)


def test_networks_that_stop_at_different_epochs_have_as_many_snapshots(
    side_by_side: LearningTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[int] = []
    trained = Finetuner.train

    def stopped(self: Finetuner, *args: Any) -> Tuned:
        tuned = trained(self, *args)
        epochs.append(len(tuned.epochs) - len(epochs))
        return replace(tuned, snapshots=tuned.snapshots[: epochs[-1]])

    monkeypatch.setattr(Finetuner, "train", stopped)
    learner = replace(TUNE, committee="snapshots", members=9, finetune=replace(LEVERS, epochs=3, refit=False))
    assert len(fit(side_by_side, learner, 0).snapshots) == 2
    assert epochs == [3, 2]


def test_a_file_whose_tuned_head_reads_the_network_alone_still_predicts_the_same(tmp_path: Path) -> None:
    """Files of models that were tuned beside another encoder, until heads read that one, too."""
    rng, path = np.random.default_rng(0), tmp_path / "m.safetensors"
    encoder = Joined((fit_tfidf(["a film", "a book"]), TOY))
    columns = encoder.columns(TOY)
    mean = rng.normal(size=columns.stop).astype(np.float32)
    frozen, own = (
        LinearHeads(
            Normalizer(mean[part], dims),
            np.arange(2),
            2,
            rng.normal(size=(2, 2, sum(dims))).astype(np.float32),
            np.zeros((2, 2), dtype=np.float32),
        )
        for part, dims in ((slice(None), encoder.dims), (columns, TOY.dims))
    )
    save(FineTuned(frozen, own, (TunedNetwork(TOY, 1, {}),), 0.5), path)
    with safe_open(path, "numpy") as file:
        about = json.loads(file.metadata()["labeler"])
    about["head_dims"] = TOY.dims
    save_file(load_file(path) | {"head.mean": mean[columns]}, path, {"labeler": json.dumps(about)})
    model = load(path, encoder)
    assert isinstance(model, FineTuned)
    embeddings = rng.normal(size=(5, len(mean))).astype(np.float32)
    tuned = rng.normal(size=(5, sum(TOY.dims))).astype(np.float32)
    expected = (own.of_features(tuned).mean(axis=0) + frozen.of_features(embeddings).mean(axis=0)) / 2
    data = Dataset(["a film"] * 5, embeddings, encoder.dims)
    np.testing.assert_allclose(model.of_features([tuned], data, np.arange(5)), expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.usefixtures("in_torch")
def test_finetuning_learns_what_the_frozen_head_cannot(xor: tuple[Dataset, np.ndarray], tmp_path: Path) -> None:
    data, targets = xor
    labels = Labels(np.arange(300), targets[:300])
    before, seen = torch.get_rng_state(), []
    fitted = fit(LearningTask.of(data, labels, 3, TOY), TUNE, 0, lambda done, total: seen.append((done, total)))
    tuned, training = fitted.model, fitted.training
    assert isinstance(tuned, FineTuned)
    assert accuracy(fit(LearningTask.of(data, labels, 3), FROZEN, 0).model, data, targets) < 0.6
    assert accuracy(tuned, data, targets) > 0.78
    # a part of the labels was held back, then all of them taught
    assert seen == [(epoch, 40) for epoch in range(1, 41)]
    assert training.validation_items == 60
    assert training.share == tuned.share > 0.5
    assert [epoch.number for epoch in training.epochs] == list(range(1, 21))
    assert training.epochs[-1].validation_accuracy > 0.75
    assert training.chosen["epochs"] == 20
    assert training.chosen["refit"] is True
    assert "on 60 labels that were held back" in training.note
    assert torch.equal(torch.get_rng_state(), before)
    # the encoder's own network is as it was, only the last block was trained
    last, fresh = (network.state_dict()["stages.1.weight"] for network in (TOY.network, toy_network()))
    assert torch.equal(last, fresh)
    assert sorted(tuned.networks[0].parameters) == ["stages.1.bias", "stages.1.weight"]
    # same seed, same model; another seed, another
    again, other = (fit(LearningTask.of(data, labels, 3, TOY), TUNE, seed).model for seed in (0, 1))
    expected = tuned.predict_proba(data, np.arange(500))
    assert expected.shape == (500, 3)
    assert (expected[:, 2] == 0).all()
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    np.testing.assert_array_equal(again.predict_proba(data, np.arange(500)), expected)
    assert not np.array_equal(other.predict_proba(data, np.arange(500)), expected)
    # to disk and back
    save(tuned, tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m", TOY).predict_proba(data, np.arange(500)), expected)
    with pytest.raises(LabelerError, match="fine-tuned from another backbone"):
        load(tmp_path / "m")


@pytest.mark.usefixtures("in_torch")
def test_a_network_that_is_worse_on_what_was_held_back_gets_no_say(xor: tuple[Dataset, np.ndarray]) -> None:
    data, _ = xor
    # a linear class boundary, which the frozen features have, and a learning rate that makes nonsense of the network
    targets = (data.embeddings[:, 0] > np.median(data.embeddings[:, 0])).astype(int)
    wild = replace(LEVERS, learning_rate=1.0, head_learning_rate=1.0, schedule="constant", epochs=3)
    fitted = fit(LearningTask.of(data, Labels(np.arange(300), targets[:300]), 2, TOY), replace(TUNE, finetune=wild), 0)
    assert accuracy(fitted.model, data, targets) > 0.9
    assert fitted.training.share < 0.5
    assert fitted.training.epochs  # what happened is kept all the same


@pytest.mark.usefixtures("in_torch")
def test_auto_is_as_good_as_the_better_of_both(xor: tuple[Dataset, np.ndarray]) -> None:
    data, targets = xor
    labels = Labels(np.arange(300), targets[:300])
    auto = fit(LearningTask.of(data, labels, 2, TOY), replace(TUNE, kind="auto"), 0)
    assert accuracy(auto.model, data, targets) > 0.78
    few = fit(LearningTask.of(data, Labels(np.arange(99), targets[:99]), 2, TOY), replace(TUNE, kind="auto"), 0)
    assert isinstance(few.model, LinearHeads)
    assert few.training.note == "Linear heads: fine-tuning begins at 100 labels; there are 99."


@pytest.mark.usefixtures("in_torch")
def test_time_that_is_short_means_fewer_epochs_and_then_none(
    xor: tuple[Dataset, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, targets = xor
    labels = Labels(np.arange(300), targets[:300])
    monkeypatch.setattr("labeler.learner.finetune.Finetuner.seconds_per_epoch", lambda self, start: (10_000.0, 0.0))
    some = fit(LearningTask.of(data, labels, 2, TOY), replace(TUNE, round_seconds=50_000), 0).training
    assert (some.chosen["epochs"], some.chosen["refit"], len(some.epochs)) == (5, False, 5)
    none = fit(LearningTask.of(data, labels, 2, TOY), replace(TUNE, round_seconds=5000), 0)
    assert isinstance(none.model, LinearHeads)
    assert "round_seconds is too short for an epoch of fine-tuning (10000 s)" in none.training.note


@pytest.mark.slow
@pytest.mark.usefixtures("in_torch")
def test_what_was_chosen_gives_the_same_model_again(xor: tuple[Dataset, np.ndarray]) -> None:
    data, targets = xor
    labels = Labels(np.arange(100), targets[:100])
    one = fit(LearningTask.of(data, labels, 2, TOY), TUNE, 0)
    assert one.training.validation_items == 60  # three parts of a fifth, one after the other
    again = fit(LearningTask.of(data, labels, 2, TOY), replace(TUNE, finetune=FinetuneConfig(**one.training.chosen)), 0)
    assert one.model.to_bytes() == again.model.to_bytes()


@pytest.mark.usefixtures("in_torch")
def test_snapshots_are_the_last_epochs_states(xor: tuple[Dataset, np.ndarray]) -> None:
    data, targets = xor
    learner = replace(TUNE, committee="snapshots", members=3)
    fitted = fit(LearningTask.of(data, Labels(np.arange(300), targets[:300]), 2, TOY), learner, 0)
    assert len(fitted.snapshots) == 3
    assert isinstance(fitted.model, FineTuned)
    first, last, final = (
        model.networks[0].parameters for model in (fitted.snapshots[0], fitted.snapshots[2], fitted.model)
    )
    for name, value in last.items():
        np.testing.assert_array_equal(value, final[name])
        assert not np.array_equal(value, first[name])
    np.testing.assert_allclose(fitted.snapshots[0].predict_proba(data, np.arange(50)).sum(axis=1), 1, rtol=1e-6)


@pytest.mark.usefixtures("in_torch")
def test_a_warm_start_begins_between_the_last_weights_and_the_pretrained(xor: tuple[Dataset, np.ndarray]) -> None:
    data, targets = xor
    labels, warm = Labels(np.arange(300), targets[:300]), replace(LEVERS, start="last", learning_rate=1e-7, epochs=1)
    last = fit(LearningTask.of(data, labels, 2, TOY), TUNE, 0).model
    assert isinstance(last, FineTuned)
    learner = replace(TUNE, finetune=replace(warm, refit=True))
    model = fit(LearningTask.of(data, labels, 2, TOY), learner, 0, previous=last).model
    assert isinstance(model, FineTuned)
    pretrained = dict(TOY.network.named_parameters())
    for name, found in model.networks[0].parameters.items():
        before = last.networks[0].parameters[name]
        middle = (before + pretrained[name].numpy()) / 2
        assert np.abs(found - middle).max() < np.abs(before - middle).max() / 5


# ---------------------------------------------------------------- fine-tuning the real backbones


@pytest.fixture
def always_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetune_round, "mixture", lambda network, frozen, targets: Mixture(0.5, 1.0, 1.0))
    monkeypatch.setattr("labeler.learner.levers.VALIDATED", 20)


@pytest.mark.slow
@pytest.mark.usefixtures("always_kept")
def test_efficientnet_can_be_finetuned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels, targets = load_digits(return_X_y=True)
    paths: list[Path | str] = []
    for i, row in enumerate(pixels[:100]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray((row.reshape(8, 8) * 15.9).astype(np.uint8)).save(paths[-1])
    encoder = load_image_encoder("tf_efficientnet_lite0", 32)
    data = Dataset(paths, encoder.encode(paths), encoder.dims)
    labels = Labels(np.arange(80), targets[:80])
    learner = LearnerConfig(kind="finetune", finetune=FinetuneConfig(epochs=2, augment=("flip", "crop"), refit=False))
    with caplog.at_level(logging.WARNING):
        model = fit(LearningTask.of(data, labels, 10, encoder), learner, 0).model
    assert isinstance(model, FineTuned)
    assert "runs in torch" not in caplog.text  # both halves were exported
    named = dict(encoder.network.named_parameters())
    [network] = model.networks
    assert any(not np.array_equal(value, named[name].numpy()) for name, value in network.parameters.items())
    assert {name.split(".")[1] for name in network.parameters} == {
        "5",
        "6",
        "7",
        "8",
        "9",
    }  # the last four and the final layer
    proba = model.predict_proba(data, np.arange(100))
    assert (proba[:80].argmax(axis=1) == targets[:80]).mean() > 0.5
    save(model, tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m", encoder).predict_proba(data, np.arange(100)), proba)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.usefixtures("always_kept")
def test_minilm_can_be_finetuned(tmp_path: Path) -> None:
    kinds = ["a warm and funny film", "a dull and tedious film that never seems to end"]
    texts = [f"{kinds[i % 2]}, number {i}" for i in range(24)]
    encoder = load_text_encoder("all-MiniLM-L6-v2")
    data = Dataset(texts, encoder.encode(texts), encoder.dims)
    labels = Labels(np.arange(20), np.arange(20) % 2)
    levers = FinetuneConfig(epochs=1, unfrozen=2, token_dropout=0.1, dropout=0.1)
    model = fit(LearningTask.of(data, labels, 2, encoder), LearnerConfig(kind="finetune", finetune=levers), 0).model
    assert isinstance(model, FineTuned)
    assert {name.split(".")[1] for name in model.networks[0].parameters} == {"5", "6"}  # the last two layers
    proba = model.predict_proba(data, np.arange(24))
    assert (proba.argmax(axis=1) == np.arange(24) % 2).all()
    save(model, tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m", encoder).predict_proba(data, np.arange(24)), proba)


@pytest.mark.usefixtures("always_kept")
def test_without_cached_activations_each_batch_is_augmented_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU, where the whole network runs each time."""
    looks: list[int] = []
    images = augment.images

    def counted(batch: torch.Tensor, *args: Any) -> torch.Tensor:
        looks.append(len(batch))
        return images(batch, *args)

    monkeypatch.setattr("labeler.backbones.network.Network.cut", lambda self, unfrozen: 0)
    monkeypatch.setattr(augment, "images", counted)
    paths: list[Path | str] = [tmp_path / f"{i}.png" for i in range(40)]
    for i, path in enumerate(paths):
        Image.new("RGB", (40, 40), [(220, 40, 40), (40, 40, 220)][i % 2]).save(path)
    encoder = load_image_encoder("tf_efficientnet_lite0", 32)
    data, labels = Dataset(paths, encoder.encode(paths), encoder.dims), Labels(np.arange(40), np.arange(40) % 2)
    levers = FinetuneConfig(epochs=1, unfrozen=1, augment=("flip", "noise"), refit=False, batch=16)
    model = fit(LearningTask.of(data, labels, 2, encoder), LearnerConfig(kind="finetune", finetune=levers), 0).model
    assert isinstance(model, FineTuned)
    assert model.networks[0].cut == 0
    assert sum(looks) >= 32  # the labels that taught, and the batch that timed an epoch


# ---------------------------------------------------------------- several classes an item


@pytest.mark.usefixtures("in_torch")
def test_finetuning_of_several_classes_learns_each_of_them(xor: tuple[Dataset, np.ndarray], tmp_path: Path) -> None:
    """Exclusive or, which only the network learns; a line, which the heads know; and a class that nothing has."""
    data, product = xor
    line = data.embeddings[:, 0] > np.median(data.embeddings[:, 0])
    targets = np.stack([product, line, np.zeros(500)], axis=1).astype(np.int8)
    labels = Labels(np.arange(300), targets[:300])
    fitted = fit(LearningTask.of(data, labels, 3, TOY), TUNE, 0)
    tuned, training = fitted.model, fitted.training
    assert isinstance(tuned, FineTuned)
    assert training.share > 0.5
    assert training.chosen["objective"] == "cross_entropy"
    assert training.validation_items >= 60
    assert training.epochs[-1].validation_accuracy > 0.8  # of all decisions

    def right(model: Any) -> np.ndarray:
        return ((model.predict_proba(data, np.arange(300, 500)) > 0.5) == targets[300:]).mean(axis=0)

    assert right(fit(LearningTask.of(data, labels, 3), FROZEN, 0).model)[0] < 0.6
    assert (right(tuned) > [0.75, 0.9, 0.99]).all()
    proba = tuned.predict_proba(data, np.arange(500))
    assert proba.sum(axis=1).max() > 1.3  # each class has a probability of its own
    save(tuned, tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m", TOY).predict_proba(data, np.arange(500)), proba)
