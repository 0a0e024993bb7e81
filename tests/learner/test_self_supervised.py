"""Self-supervised training on networks so small that it takes a second: what falls, what changes, what stays."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from labeler.backbones.encoder import Arrays, Pretrained
from labeler.core.errors import BackboneError, TrainingError
from labeler.learner import self_supervised
from tests.support.tiny_networks import IMAGES, MASK, TEXTS, WORDS, text_network
from tests.support.toy_network import without_export


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is exported, a few passes are enough, and the heads learn in them."""
    without_export(monkeypatch)
    monkeypatch.setattr(self_supervised, "PASSES", 10)
    monkeypatch.setattr(self_supervised, "HEAD_RATE", 1e-2)


POOL: dict[Any, list[Path | str]] = {
    "image": [Path(f"{i}.png") for i in range(96)],
    "text": [letter * n for letter in "abcdef" for n in range(4, 20)],  # what is masked, its neighbours say
}
FOREVER = math.inf  # seconds: the passes end the training, on a slow machine as well
ENCODERS: dict[Any, Pretrained] = {"image": IMAGES, "text": TEXTS}


@pytest.mark.slow
@pytest.mark.parametrize(("modality", "fell"), [("image", 0.2), ("text", 0.3)])
def test_the_loss_falls_and_only_the_last_blocks_change(modality: Any, fell: float) -> None:
    encoder, seen = ENCODERS[modality], list[tuple[int, int]]()
    before = {name: p.clone() for name, p in encoder.network.named_parameters()}
    drawn = torch.get_rng_state(), torch.get_num_threads()
    found = self_supervised.adapt(encoder, POOL[modality], FOREVER, on_progress=lambda *at: seen.append(at), blocks=1)
    assert found.losses[1] < found.losses[0] - fell
    assert found.steps == seen[-1][0] == seen[-1][1] == 30
    # the last block and nothing else, all of it; the encoder is as it was
    assert {name.rpartition("stages.")[2][0] for name in found.tensors} == {"3"}
    assert all(not np.array_equal(value, before[name].numpy()) for name, value in found.tensors.items())
    assert all(torch.equal(p, before[name]) for name, p in encoder.network.named_parameters())
    assert torch.equal(torch.get_rng_state(), drawn[0])
    assert torch.get_num_threads() == drawn[1]


@pytest.mark.parametrize("modality", ["image", "text"])
def test_blocks_say_how_many_are_trained(modality: Any) -> None:
    found = self_supervised.adapt(ENCODERS[modality], POOL[modality], 0, blocks=2)
    assert {name.rpartition("stages.")[2][0] for name in found.tensors} == {"2", "3"}
    assert found.steps == 1  # there is no time for more


def test_slices_of_stacks_are_drawn_and_not_the_middle_one_alone() -> None:
    read: list[Path] = []

    def prepare(slices: Any) -> list[Arrays]:
        read.extend(slices)
        return IMAGES.prepare(slices)

    def views(stack: Path) -> list[Path]:
        return [stack.with_name(f"{slice_}.png") for slice_ in range(4)]

    self_supervised.adapt(replace(IMAGES, prepare=prepare, views=views), POOL["image"], 0)
    assert {path.name for path in read} == {"0.png", "1.png", "2.png", "3.png"}


def test_the_pull_keeps_the_weights_near_the_pretrained_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    start = dict(TEXTS.network.named_parameters())

    def distance(l2_sp: float) -> float:
        monkeypatch.setattr(self_supervised, "LEVERS", self_supervised.FinetuneConfig(l2_sp=l2_sp))
        found = self_supervised.adapt(TEXTS, POOL["text"], FOREVER)
        return sum(float(np.square(value - start[name].numpy()).sum()) for name, value in found.tensors.items())

    assert distance(2000.0) < 0.5 * distance(0.0)


def test_special_tokens_are_never_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[np.ndarray] = []
    network = text_network()

    def last(arrays: Sequence[np.ndarray | torch.Tensor]) -> torch.Tensor:
        given.append(np.asarray(arrays[0]))
        return torch.zeros(*arrays[0].shape, 16)

    head, loss = self_supervised.masked_words(TEXTS, network, last, np.random.default_rng(0))
    ids, mask = np.full((8, 100), 7), np.ones((8, 100), dtype=np.int64)
    ids[:, 0], ids[:, 90], mask[:, 91:] = 2, 3, 0
    assert float(loss((ids, mask)).detach()) > 0
    (masked,) = given
    assert (masked[:, 0] == 2).all()
    assert (masked[:, 90] == 3).all()
    assert (masked[:, 91:] == 7).all()
    share = float((masked[:, 1:90] == MASK).mean())
    assert 0.08 < share < 0.16  # 0.15 · 0.8
    assert float(loss((ids[:, :1], mask[:, :1])).detach()) > 0  # nothing but special tokens is no reason to fail
    assert sum(p.numel() for p in head.parameters()) == 16 * 16 + 16 + 32 + WORDS  # the words' own weights are shared


def test_what_cannot_be_adapted_says_so() -> None:
    with pytest.raises(TrainingError, match="3 items in the pool are too few to adapt to"):
        self_supervised.adapt(IMAGES, POOL["image"][:3], 1)
    with pytest.raises(BackboneError, match="knows no masked words"):
        self_supervised.adapt(IMAGES, POOL["text"], 1)


def test_what_diverges_is_not_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_supervised, "RATE", math.inf)
    monkeypatch.setattr(self_supervised, "PASSES", 2)
    with pytest.raises(TrainingError, match="diverged, and nothing of it is kept"):
        self_supervised.adapt(TEXTS, POOL["text"], FOREVER)
