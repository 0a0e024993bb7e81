"""Fitting: heads that are exact and repeatable, committees that differ, fine-tuning that is kept if it helps."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from samples import blobs
from sklearn.datasets import load_digits

from labeler import onnx, train
from labeler.backbones import load_image_encoder, load_text_encoder
from labeler.config import LearnerConfig
from labeler.embed import Arrays, Pretrained
from labeler.errors import LabelerError, TrainingError
from labeler.model import FineTuned, LinearHeads, Normalizer, load
from labeler.tfidf import fit as fit_tfidf
from labeler.train import fit, surely_better
from labeler.types import Dataset, Labels

FROZEN = LearnerConfig(kind="frozen")


# ---------------------------------------------------------------- the frozen head


def test_a_head_learns_and_a_class_without_labels_gets_nothing() -> None:
    data, targets = blobs(200, [0, 1, 3])
    model = fit(data, Labels(np.arange(60), targets[:60]), 5, FROZEN, 0)
    proba = model.predict_proba(data, np.arange(60, 200))
    assert (proba.argmax(axis=1) == targets[60:]).mean() > 0.85
    assert proba.shape == (140, 5)
    assert (proba[:, [2, 4]] == 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize("kind", ["frozen", "auto"])
def test_same_data_same_head_whatever_the_seed(kind: Any) -> None:
    data, targets = blobs(100, [0, 1, 2])
    labels = Labels(np.arange(40), targets[:40])
    one, other = (fit(data, labels, 3, LearnerConfig(kind=kind), seed) for seed in (0, 1))
    np.testing.assert_array_equal(one.predict_proba(data, np.arange(100)), other.predict_proba(data, np.arange(100)))


def test_a_normalizer_that_is_given_is_used() -> None:
    data, targets = blobs(50, [0, 1])
    normalizer = Normalizer(np.zeros(8, dtype=np.float32), data.dims)
    model = fit(data, Labels(np.arange(50), targets), 2, FROZEN, 0, normalizer=normalizer)
    assert isinstance(model, LinearHeads)
    assert model.normalizer is normalizer


@pytest.mark.parametrize("found", [[], [1], [1, 1, 1]])
def test_fewer_than_two_classes_cannot_train(found: list[int]) -> None:
    data, _ = blobs(10, [0, 1])
    labels = Labels(np.arange(len(found)), np.array(found, dtype=int))
    with pytest.raises(TrainingError, match="label items of at least two classes"):
        fit(data, labels, 2, FROZEN, 0)


# ---------------------------------------------------------------- fine-tuning, on a toy

# Exclusive or: the product of two numbers is positive. The toy's features are two sums, which no linear head can
# tell it from; its first stage is rich enough for a retrained second one.


def numbers(texts: Sequence[str]) -> list[Arrays]:
    return [(np.array(text.split(), dtype=np.float32),) for text in texts]


def toy_network() -> onnx.Network:
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        stages = [torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU()), torch.nn.Linear(32, 2)]
    network = onnx.Network(stages, taps=[1])
    for parameter in network.parameters():
        parameter.data = torch.from_numpy(rng.normal(0, 0.5, parameter.shape).astype(np.float32))
    return network


TOY = Pretrained("toy", "toy-1", (2,), toy_network, numbers, (np.ones((2, 2), dtype=np.float32),))
TUNE = LearnerConfig(kind="finetune", unfrozen=1, epochs=20, learning_rate=0.3)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's exports go nowhere near the user's."""
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def xor() -> tuple[Dataset, np.ndarray]:
    rng = np.random.default_rng(1)
    points = rng.uniform(-1, 1, (500, 2))
    texts = [f"{x:.4f} {y:.4f}" for x, y in points]
    with torch.inference_mode():
        features = toy_network()(torch.from_numpy(points.astype(np.float32))).numpy()
    return Dataset(texts, features, (2,)), (points.prod(axis=1) > 0).astype(int)


def accuracy(model: Any, data: Dataset, targets: np.ndarray) -> float:
    return float((model.predict_proba(data, np.arange(300, 500)).argmax(axis=1) == targets[300:]).mean())


@pytest.mark.usefixtures("cache")
def test_finetuning_learns_what_the_frozen_head_cannot(xor: tuple[Dataset, np.ndarray], tmp_path: Path) -> None:
    data, targets = xor
    labels = Labels(np.arange(300), targets[:300])
    before, seen = torch.get_rng_state(), []
    tuned = fit(data, labels, 3, TUNE, 0, TOY, lambda done, total: seen.append((done, total)))
    assert isinstance(tuned, FineTuned)
    assert accuracy(fit(data, labels, 3, FROZEN, 0), data, targets) < 0.6
    assert accuracy(tuned, data, targets) > 0.78
    assert seen == [(epoch, 20) for epoch in range(1, len(seen) + 1)]
    assert torch.equal(torch.get_rng_state(), before)
    # the encoder's own network is as it was, only the last block was trained
    np.testing.assert_array_equal(TOY.network.stages[1].weight.numpy(), toy_network().stages[1].weight.numpy())
    assert sorted(tuned.tuned) == ["stages.1.bias", "stages.1.weight"]
    # same seed, same model; another seed, another
    again, other = (fit(data, labels, 3, TUNE, seed, TOY) for seed in (0, 1))
    expected = tuned.predict_proba(data, np.arange(500))
    assert expected.shape == (500, 3)
    assert (expected[:, 2] == 0).all()
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    np.testing.assert_array_equal(again.predict_proba(data, np.arange(500)), expected)
    assert not np.array_equal(other.predict_proba(data, np.arange(500)), expected)
    # to disk and back
    tuned.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m", TOY).predict_proba(data, np.arange(500)), expected)
    with pytest.raises(LabelerError, match="fine-tuned from another backbone"):
        load(tmp_path / "m")


@pytest.mark.usefixtures("cache")
def test_finetuning_that_changes_nothing_gives_back_the_frozen_head(xor: tuple[Dataset, np.ndarray]) -> None:
    data, targets = xor
    timid = replace(TUNE, learning_rate=1e-7)
    assert isinstance(fit(data, Labels(np.arange(300), targets[:300]), 2, timid, 0, TOY), LinearHeads)


@pytest.mark.usefixtures("cache")
def test_labels_that_teach_nothing_seldom_pass_for_a_gain(xor: tuple[Dataset, np.ndarray]) -> None:
    data, _ = xor
    kept = 0
    for seed in range(6):
        targets = np.random.default_rng(seed).integers(0, 2, 300)
        kept += isinstance(fit(data, Labels(np.arange(300), targets), 2, TUNE, seed, TOY), FineTuned)
    assert kept <= 2


def test_too_few_labels_to_tell_leave_the_frozen_head(xor: tuple[Dataset, np.ndarray]) -> None:
    data, targets = xor
    assert isinstance(fit(data, Labels(np.arange(30), targets[:30]), 2, TUNE, 0, TOY), LinearHeads)


@pytest.mark.parametrize("fitted", [True, False])
def test_what_is_no_network_cannot_be_finetuned(fitted: bool) -> None:
    data, targets = blobs(20, [0, 1])
    encoder = fit_tfidf(["가나다", "라마바"]) if fitted else None
    with pytest.raises(TrainingError, match=r'set learner\.kind = "frozen"'):
        fit(data, Labels(np.arange(20), targets), 2, TUNE, 0, encoder)


def test_better_means_by_more_than_chance_explains() -> None:
    def compare(gained: int, lost: int) -> bool:
        right = np.array([True] * gained + [False] * lost + [True, False] * 50)
        before = np.array([False] * gained + [True] * lost + [True, False] * 50)
        return surely_better(right, before)

    assert not compare(0, 0)
    assert not compare(2, 0)  # 2 < 1.64 √2
    assert compare(3, 0)
    assert not compare(8, 3)  # 5 < 1.64 √11
    assert compare(9, 3)
    assert not compare(0, 9)


def test_the_slice_takes_a_fifth_of_each_class_and_never_all() -> None:
    targets = np.repeat([0, 1, 2, 3], [20, 5, 2, 1])
    rows, held = train._slice(Labels(np.arange(28), targets), np.random.default_rng(0))
    assert np.bincount(targets[held], minlength=4).tolist() == [4, 1, 0, 0]
    assert sorted([*rows, *held]) == list(range(28))


# ---------------------------------------------------------------- fine-tuning the real backbones


@pytest.fixture
def always_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "surely_better", lambda right, before: True)
    monkeypatch.setattr(train, "MIN_VALIDATION", 1)


@pytest.mark.usefixtures("always_kept")
def test_efficientnet_can_be_finetuned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pixels, targets = load_digits(return_X_y=True)
    paths: list[Path | str] = []
    for i, row in enumerate(pixels[:160]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray((row.reshape(8, 8) * 15.9).astype(np.uint8)).save(paths[-1])
    encoder = load_image_encoder("tf_efficientnet_lite0", 32)
    data = Dataset(paths, encoder.encode(paths), encoder.dims)
    labels = Labels(np.arange(120), targets[:120])
    learner = LearnerConfig(kind="finetune", epochs=8, learning_rate=1e-2)
    with caplog.at_level(logging.WARNING):
        model = fit(data, labels, 10, learner, 0, encoder)
    assert isinstance(model, FineTuned)
    assert "runs in torch" not in caplog.text  # both halves were exported
    named = dict(encoder.network.named_parameters())
    changed = [name for name, value in model.tuned.items() if not np.array_equal(value, named[name].numpy())]
    assert changed  # the blocks were trained,
    assert {name.split(".")[1] for name in model.tuned} == {"7", "8", "9"}  # the last two and the final layer only
    proba = model.predict_proba(data, np.arange(160))
    assert (proba[:120].argmax(axis=1) == targets[:120]).mean() > 0.5
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m", encoder).predict_proba(data, np.arange(160)), proba)


@pytest.mark.usefixtures("always_kept")
def test_minilm_can_be_finetuned(tmp_path: Path) -> None:
    kinds = ["a warm and funny film", "a dull and tedious film that never seems to end"]
    texts = [f"{kinds[i % 2]}, number {i}" for i in range(24)]
    encoder = load_text_encoder("all-MiniLM-L6-v2")
    data = Dataset(texts, encoder.encode(texts), encoder.dims)
    labels = Labels(np.arange(20), np.arange(20) % 2)
    model = fit(data, labels, 2, LearnerConfig(kind="finetune", epochs=1), 0, encoder)
    assert isinstance(model, FineTuned)
    assert {name.split(".")[1] for name in model.tuned} == {"5", "6"}  # the last two layers
    proba = model.predict_proba(data, np.arange(24))
    assert (proba.argmax(axis=1) == np.arange(24) % 2).all()
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m", encoder).predict_proba(data, np.arange(24)), proba)


@pytest.mark.gpu
def test_cuda_gives_what_the_cpu_gives() -> None:
    encoder = load_text_encoder("all-MiniLM-L6-v2")
    texts = ["a warm and funny film", "dull"]
    with torch.inference_mode():
        arrays = encoder.prepare(texts[:1])[0]
        expected = encoder.build()(*(torch.from_numpy(a[None]) for a in arrays)).numpy()
    np.testing.assert_allclose(encoder.encode(texts)[:1], expected, atol=0.05)  # bfloat16
