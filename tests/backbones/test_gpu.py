"""On a card: features are those of the CPU, and memory that is short costs time alone. `bench.gpu` runs it."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from labeler.backbones import devices, onnx
from labeler.backbones.encoder import Pretrained, collate, features_key
from tests.support.tiny_networks import IMAGES, TEXTS

pytestmark = pytest.mark.gpu

INPUTS: dict[str, Sequence[Any]] = {
    "image": [Path(f"{n}.png") for n in range(50)],
    "text": ["abcdef"[n % 6] * (4 + n) for n in range(50)],
}
ENCODERS = {"image": IMAGES, "text": TEXTS}
MIB = 2**20


def of_the_cpu(encoder: Pretrained, inputs: Sequence[Any]) -> np.ndarray:
    items = encoder.prepare(inputs)
    with torch.inference_mode():
        rows = [encoder.network(*map(torch.from_numpy, collate([item]))).numpy() for item in items]
    return np.concatenate(rows)


@pytest.mark.parametrize("modality", ["image", "text"])
@pytest.mark.parametrize(("mixed", "apart"), [(False, 1e-4), (True, 0.05)])
def test_features_are_those_of_the_cpu(modality: str, mixed: bool, apart: float) -> None:
    encoder = replace(ENCODERS[modality], mixed=mixed)
    features = encoder.encode(INPUTS[modality])
    np.testing.assert_allclose(features, of_the_cpu(encoder, INPUTS[modality]), atol=apart)
    precision = "bfloat16" if mixed and torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    assert features_key(encoder) == f"{encoder.key}-cuda-{precision}"


@pytest.mark.parametrize("modality", ["image", "text"])
def test_the_same_features_come_again_to_the_bit(modality: str) -> None:
    first, again = (replace(ENCODERS[modality]).encode(INPUTS[modality]) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_a_batch_that_the_memory_is_too_short_for_is_halved(caplog: pytest.LogCaptureFixture) -> None:
    class Wide(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.repeat(1, 16 * MIB // 4).sum(1, keepdim=True) / (16 * MIB // 4)  # 16 MiB an item

    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 256 * MIB) / whole)
    try:
        with caplog.at_level(logging.WARNING):
            sums = onnx.in_torch(Wide(), mixed=False)(np.ones((64, 1), dtype=np.float32))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "The GPU's memory is too short for 64 items at a time: 32 are tried." in caplog.text
    np.testing.assert_array_equal(sums, 1)


def test_what_goes_to_the_card_is_copied_whole() -> None:
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(1000, 1000)) for _ in range(20)]
    tensors = [devices.to_device((batch.copy(),))[0] for batch in batches]  # nobody holds the copies any more
    for batch, tensor in zip(batches, tensors, strict=True):
        np.testing.assert_array_equal(tensor.cpu().numpy(), batch)
