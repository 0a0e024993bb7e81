"""What fine-tuning reads of the labeled inputs: the same on each device, wherever there is room for it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from labeler.backbones.encoder import Pretrained
from labeler.core.rounds import Labels
from labeler.core.settings import FinetuneConfig
from labeler.learner import augment, views
from labeler.learner.finetune import Finetuner, Tuned, _Run
from labeler.learner.model import LinearHeads, Normalizer, TunedNetwork, reader
from labeler.learner.task import LearningTask
from labeler.learner.train import fit
from labeler.learner.views import Views
from tests.support.gpu import as_on_a_gpu
from tests.support.tiny_networks import IMAGES, TEXTS
from tests.support.toy_network import TOY, TUNE, exclusive_or, without_export

LEVERS = FinetuneConfig(
    objective="cross_entropy", unfrozen=1, epochs=2, learning_rate=1e-3, decay=1.0, cutmix=0.0, batch=8, refit=False
)
INPUTS: dict[str, list[Any]] = {
    "image": [Path(f"{n}.png") for n in range(30)],
    "text": ["abcdef"[n % 6] * (4 + n) for n in range(30)],
}
ENCODERS = {"image": IMAGES, "text": TEXTS}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    without_export(monkeypatch)


def heads(encoder: Pretrained) -> LinearHeads:
    width = sum(encoder.dims)
    rng = np.random.default_rng(0)
    normalizer = Normalizer(np.zeros(width, dtype=np.float32), encoder.dims)
    weight = rng.normal(0, 0.1, (1, 2, width)).astype(np.float32)
    return LinearHeads(normalizer, np.arange(2), 2, weight, np.zeros((1, 2), dtype=np.float32))


def tuned(encoder: Pretrained, inputs: Sequence[Any], **levers: Any) -> tuple[Finetuner, Tuned]:
    finetuner = Finetuner(encoder, inputs, np.arange(len(inputs)) % 2, replace(LEVERS, **levers), 0)
    return finetuner, finetuner.train(np.arange(20), np.arange(20, 30), heads(encoder))


@pytest.mark.parametrize(
    ("modality", "free_bytes"),
    [("image", 2**30), ("image", 0), ("text", 2**30), ("text", 200_000), ("text", 0)],  # room, for inputs alone, none
)
def test_a_gpu_trains_what_the_cpu_trains(modality: str, free_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, inputs = ENCODERS[modality], INPUTS[modality]
    _, expected = tuned(encoder, inputs)
    as_on_a_gpu(monkeypatch, free_bytes)
    finetuner, result = tuned(encoder, inputs)
    room = free_bytes == 2**30
    assert finetuner.views._source.__class__ is (views._OnDevice if free_bytes else views._InMemory)
    assert result.cut == (expected.cut if room else 0)
    np.testing.assert_allclose(result.features, expected.features, atol=1e-3)
    for name, value in expected.weights.parameters.items():
        np.testing.assert_allclose(result.weights.parameters[name], value, atol=1e-3)  # a step changes about as much
    # and the pool is read by the whole network
    read = reader([TunedNetwork(encoder, result.cut, result.weights.parameters)])
    np.testing.assert_allclose(read(inputs)[0], result.features, atol=1e-4)


def test_rectangles_are_pasted_on_a_gpu_as_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    _, plain = tuned(IMAGES, INPUTS["image"])
    _, expected = tuned(IMAGES, INPUTS["image"], cutmix=1.0)
    assert not np.allclose(expected.features, plain.features, atol=1e-3)
    as_on_a_gpu(monkeypatch)
    _, result = tuned(IMAGES, INPUTS["image"], cutmix=1.0)
    np.testing.assert_allclose(result.features, expected.features, atol=1e-3)


def test_a_stack_is_read_slice_by_slice_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    stacked = replace(IMAGES, views=lambda path: [path.with_name(f"{slice_}.png") for slice_ in range(3)])
    as_on_a_gpu(monkeypatch)
    finetuner, result = tuned(stacked, INPUTS["image"])
    assert (finetuner.slices == 3).all()
    np.testing.assert_allclose(result.features[0], result.features[1], atol=1e-5)  # all have the same slices


def test_augmented_views_are_as_many_as_epochs_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    as_on_a_gpu(monkeypatch)
    read = Views(IMAGES, INPUTS["image"], 1, replace(LEVERS, augment=("flip", "crop"), epochs=9))
    assert read.number == 9
    first, other = (read.batch(np.full(30, view), np.arange(30), LEVERS, training=True)[0] for view in (0, 1))
    assert first.shape[0] == 32  # a multiple of the batch
    plain = Views(IMAGES, INPUTS["image"], 1, LEVERS).batch(np.zeros(30, int), np.arange(30), LEVERS, training=True)[0]
    torch.testing.assert_close(first, plain)
    assert not torch.allclose(first, other)


def test_without_room_for_views_each_batch_is_augmented_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    images = augment.images

    def counted(batch: torch.Tensor, *args: Any) -> torch.Tensor:
        looks.append(len(batch))
        return images(batch, *args)

    monkeypatch.setattr(augment, "images", counted)
    as_on_a_gpu(monkeypatch, free_bytes=200_000)
    tuned(IMAGES, INPUTS["image"], augment=("flip",))
    assert looks == [8, 8, 8] * 2  # in each epoch, the last batch filled up


def test_a_batch_that_is_too_large_for_the_memory_is_halved_and_the_round_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches: list[int] = []
    loss = _Run.loss

    def of_few(self: _Run, rows: np.ndarray) -> torch.Tensor:
        if len(rows) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        batches.append(len(rows))
        return loss(self, rows)

    data, targets = exclusive_or(200)
    task = LearningTask.of(data, Labels(np.arange(120), targets[:120]), 2, TOY)
    monkeypatch.setattr(_Run, "loss", of_few)
    training = fit(task, replace(TUNE, finetune=replace(TUNE.finetune, epochs=1)), 0).training
    assert (training.chosen["batch"], training.chosen["accumulate"]) == (8, 4)
    assert set(batches) == {8}
    assert "The GPU's memory is short, so that batches hold 8 items instead of 32." in str(training.note)
    assert training.computed_on["device"] == "cpu"
