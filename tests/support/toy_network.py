"""A network so small that fine-tuning it takes a second, and data that only fine-tuning learns.

Exclusive or: the product of two numbers is positive. The toy's features are two sums, which no linear head can tell
it from; its first stage is rich enough for a retrained second one.
"""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from labeler.backbones import onnx
from labeler.backbones.encoder import Arrays, Pretrained
from labeler.backbones.network import Network
from labeler.core.rounds import Dataset
from labeler.core.settings import FinetuneConfig, LearnerConfig


def numbers(texts: Sequence[str]) -> list[Arrays]:
    return [(np.array(text.split(), dtype=np.float32),) for text in texts]


def toy_network() -> Network:
    rng = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        stages = [torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU()), torch.nn.Linear(32, 2)]
    network = Network(stages, taps=[1])
    for parameter in network.parameters():
        parameter.data = torch.from_numpy(rng.normal(0, 0.5, parameter.shape).astype(np.float32))
    return network


TOY = Pretrained("toy", "toy-1", (2,), toy_network, numbers, (np.ones((2, 2), dtype=np.float32),))
LEVERS = FinetuneConfig(
    objective="cross_entropy", unfrozen=1, epochs=20, learning_rate=0.03, head_learning_rate=0.3, decay=1.0
)
TUNE = LearnerConfig(kind="finetune", finetune=LEVERS)


def without_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks run in torch: to export one takes longer than to train the toy."""
    monkeypatch.setattr(onnx, "compiled", lambda build, *_: onnx.in_torch(build()))


def exclusive_or(n: int = 500) -> tuple[Dataset, np.ndarray]:
    """`n` pairs of numbers as texts, with the toy's features, and their classes."""
    points = np.random.default_rng(1).uniform(-1, 1, (n, 2))
    texts = [f"{x:.4f} {y:.4f}" for x, y in points]
    with torch.inference_mode():
        features = toy_network()(torch.from_numpy(points.astype(np.float32))).numpy()
    return Dataset(texts, features, (2,)), (points.prod(axis=1) > 0).astype(int)
