"""On a card: recorded trainings, trainings that come again to the bit, and heads. `bench.gpu` runs it."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from labeler.backbones import devices
from labeler.backbones.choose import load_image_encoder
from labeler.backbones.encoder import Pretrained
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Augmentation, FinetuneConfig, LearnerConfig
from labeler.learner import augment, finetune, heads
from labeler.learner.finetune import Finetuner, Tuned, _Run
from labeler.learner.model import LinearHeads, Normalizer
from labeler.learner.task import LearningTask
from labeler.learner.train import fit
from tests.support.samples import blobs
from tests.support.tiny_networks import IMAGES, TEXTS

pytestmark = pytest.mark.gpu

LEVERS = FinetuneConfig(
    objective="cross_entropy", unfrozen=1, epochs=3, learning_rate=1e-3, decay=1.0, batch=8, refit=False
)
INPUTS: dict[str, list[Any]] = {
    "image": [Path(f"{n}.png") for n in range(40)],
    "text": ["abcdef"[n % 6] * (4 + n) for n in range(40)],
}
ENCODERS = {"image": IMAGES, "text": TEXTS}
BOTH = pytest.mark.parametrize("modality", ["image", "text"])


def start(encoder: Pretrained) -> LinearHeads:
    width = sum(encoder.dims)
    weight = np.random.default_rng(0).normal(0, 0.1, (1, 2, width)).astype(np.float32)
    normalizer = Normalizer(np.zeros(width, dtype=np.float32), encoder.dims)
    return LinearHeads(normalizer, np.arange(2), 2, weight, np.zeros((1, 2), dtype=np.float32))


def tuned(modality: str, **levers: Any) -> tuple[Finetuner, Tuned]:
    encoder, inputs = ENCODERS[modality], INPUTS[modality]
    finetuner = Finetuner(encoder, inputs, np.arange(len(inputs)) % 2, replace(LEVERS, **levers), 0)
    return finetuner, finetuner.train(np.arange(30), np.arange(30, 40), start(encoder))


@BOTH
def test_a_recorded_training_is_one_that_is_not_recorded(
    modality: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        _, recorded = tuned(modality, mixed_precision=False)
    assert "without CUDA graphs" not in caplog.text
    monkeypatch.setattr(finetune, "graphed", lambda network, levers: network.tail)
    _, plain = tuned(modality, mixed_precision=False)
    np.testing.assert_allclose(recorded.features, plain.features, atol=1e-3)


@BOTH
@pytest.mark.parametrize("levers", [{}, {"dropout": 0.2}, {"objective": "both"}], ids=["plain", "dropout", "contrast"])
def test_a_training_comes_again_to_the_bit(modality: str, levers: dict[str, Any]) -> None:
    (first, refused), (again, _) = (devices.repeatably(lambda: tuned(modality, **levers)[1]) for _ in range(2))
    assert refused == []
    for name, value in first.weights.parameters.items():
        np.testing.assert_array_equal(again.weights.parameters[name], value)
    np.testing.assert_array_equal(again.features, first.features)


def test_a_batch_whose_training_does_not_fit_is_halved_and_training_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    loss, sizes = _Run.loss, list[int]()

    def of_few(self: _Run, rows: np.ndarray) -> torch.Tensor:
        result = loss(self, rows)  # so that something is recorded
        if len(rows) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sizes.append(len(rows))
        return result

    monkeypatch.setattr(_Run, "loss", of_few)
    finetuner, result = tuned("image")
    assert (finetuner.levers.batch, finetuner.levers.accumulate) == (4, 2)
    assert len(sizes) == 3 * 8
    assert np.isfinite(result.features).all()


@pytest.mark.parametrize("kind", ["flip", "crop", "colour", "noise"])
def test_images_are_augmented_as_on_the_cpu(kind: Augmentation) -> None:
    batch = torch.arange(4 * 3 * 32 * 32, dtype=torch.int32).remainder(251).to(torch.uint8).view(4, 3, 32, 32)
    both = []
    for images in (batch, batch.to(devices.device())):
        torch.manual_seed(0)
        both.append(augment.images(images, [kind], 1.0).cpu().int())
    assert float((both[0] - both[1]).abs().float().mean()) < 0.5


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2, 3]])
def test_large_heads_are_fitted_on_the_card(classes: Sequence[int], monkeypatch: pytest.MonkeyPatch) -> None:
    data, targets = blobs(200, list(classes), width=24)
    features = np.asarray(data.embeddings, dtype=float)
    fitted = []
    for least in (0, sys.maxsize):
        monkeypatch.setattr(heads, "LARGE", least)
        assert heads.device_is_worthwhile(1) == (least == 0)
        fitted.append((heads.logistic(features, targets, 3.0), heads.discriminant(features, targets)))
    for card, cpu in zip(*fitted, strict=True):
        for own, theirs in zip(card, cpu, strict=True):
            np.testing.assert_allclose(own, theirs, atol=5e-3)


def test_a_real_network_is_fine_tuned(tmp_path: Path) -> None:
    pixels, targets = load_digits(return_X_y=True)
    paths: list[Path | str] = []
    for i, row in enumerate(pixels[:300]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray((row.reshape(8, 8) * 15.9).astype(np.uint8)).save(paths[-1])
    encoder = load_image_encoder("tf_efficientnet_lite0", 64)
    data = Dataset(paths, encoder.encode(paths), encoder.dims)
    learner = LearnerConfig(kind="finetune", round_seconds=600, finetune=FinetuneConfig(augment=("crop",)))
    fitted = fit(LearningTask.of(data, Labels(np.arange(200), targets[:200]), 10, encoder), learner, 0)
    proba = fitted.model.predict_proba(data, np.arange(200, 300))
    assert (proba.argmax(axis=1) == targets[200:300]).mean() > 0.7
    assert fitted.training.epochs
    assert fitted.training.inexact == []
