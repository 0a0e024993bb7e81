"""CUDA graphs of the trained stages: used where they give the same, and nowhere else. A stand-in records them here."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from labeler.backbones import devices
from labeler.core.settings import FinetuneConfig
from labeler.learner.graphs import MOST, Graphs, graphed
from tests.support.toy_network import LEVERS, toy_network

BATCH = torch.linspace(-1, 1, 16).view(8, 2)


class Recorder:
    """Counts what is recorded; `changed` is what a recording makes of the network's output."""

    def __init__(self, changed: Callable[[torch.Tensor], torch.Tensor] = lambda x: x) -> None:
        self.shapes: list[torch.Size] = []
        self.changed, self.replayed = changed, 0

    def __call__(self, tail: Any, example: tuple[torch.Tensor, ...], allow_unused_input: bool) -> None:
        self.shapes.append(example[0].shape)
        forward = tail.forward

        def replay(*batch: torch.Tensor) -> torch.Tensor:
            self.replayed += 1
            return self.changed(forward(*batch))

        tail.forward = replay


@pytest.fixture
def network() -> Any:
    network = toy_network()
    for parameter in network.last(1):
        parameter.requires_grad_(True)
    return network


def test_each_shape_is_recorded_once_and_prediction_is_not(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", recorder)
    tail = Graphs(network)
    for n in (8, 4, 8, 4):
        torch.testing.assert_close(tail(0, BATCH[:n]), network.tail(0, BATCH[:n]))
    assert recorder.shapes == [(8, 2), (4, 2)]
    replayed = recorder.replayed
    with torch.no_grad():
        tail(0, BATCH)
    assert recorder.replayed == replayed
    for n in range(1, 30):
        tail(0, BATCH[:1].repeat(n, 1))
    assert len(recorder.shapes) == MOST


@pytest.mark.parametrize(
    "changed",
    [lambda x: x * 1.1, lambda x: x.detach() + 0 * x, lambda x: 1 / 0],
    ids=["features", "gradients", "an error"],
)
def test_a_recording_that_gives_something_else_is_not_used(
    changed: Any, network: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", Recorder(changed))
    tail = Graphs(network)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            features = tail(0, BATCH)
    torch.testing.assert_close(features, network.tail(0, BATCH))
    features.sum().backward()
    assert all(p.grad is not None for p in network.last(1))
    (message,) = caplog.messages
    assert message.startswith("The network is trained without CUDA graphs, more slowly: ")


def test_memory_that_is_too_short_is_for_the_caller(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.cuda, "make_graphed_callables", fails)
    with pytest.raises(torch.OutOfMemoryError):
        Graphs(network)(0, BATCH)


@pytest.mark.parametrize(
    "levers",
    [{"dropout": 0.1}, {"gradual": True}, {"head_epochs": 0.2}, {"accumulate": 2}, {"frozen_batch_norm": False}],
)
def test_what_a_recording_cannot_repeat_is_not_recorded(
    levers: Any, network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain: FinetuneConfig = LEVERS
    assert graphed(network, plain) == network.tail  # there is no CUDA here
    monkeypatch.setattr(devices, "device", lambda: torch.device("cuda"))
    assert isinstance(graphed(network, plain), Graphs)
    assert graphed(network, replace(plain, **levers)) == network.tail
