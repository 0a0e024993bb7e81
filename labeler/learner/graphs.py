"""A network's trained stages as CUDA graphs: all kernels of a batch are launched at once.

A batch of 32 keeps a recent card busy for a millisecond, and Python needs ten times as long to launch its kernels.
"""

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn

from labeler.backbones import devices
from labeler.backbones.network import Network
from labeler.core.settings import FinetuneConfig

logger = logging.getLogger(__name__)

APART = 0.02  # the largest difference between what is recorded and what is not, as a share
MOST = 16  # shapes of a batch, each of which takes memory and a moment to record


def graphed(network: Network, levers: FinetuneConfig) -> Callable[..., Tensor]:
    """`network.tail`, recorded once for each shape of a batch where that gives the same result; else as it is.

    A recording repeats what was done: nothing may depend on the batch, be drawn at random, or begin later, and its
    gradients are to be used before the next one.
    """
    repeats = levers.frozen_batch_norm and not (
        levers.compile or levers.dropout or levers.gradual or levers.head_epochs or levers.accumulate > 1
    )
    return Graphs(network) if devices.device().type == "cuda" and repeats else network.tail


class Graphs:
    """The tail of a network, recorded in training; without gradients it runs as it is."""

    def __init__(self, network: Network) -> None:
        self.network, self._recorded = network, dict[tuple[object, ...], Callable[..., Tensor]]()

    def __call__(self, cut: int, *batch: Tensor) -> Tensor:
        if not torch.is_grad_enabled():
            return self.network.tail(cut, *batch)
        shape = (cut, *((tensor.shape, tensor.dtype) for tensor in batch))
        if shape not in self._recorded:
            if len(self._recorded) >= MOST:
                return self.network.tail(cut, *batch)
            self._recorded[shape] = self._record(cut, batch)
        return self._recorded[shape](*batch)

    def _record(self, cut: int, batch: tuple[Tensor, ...]) -> Callable[..., Tensor]:
        def as_it_is(*tensors: Tensor) -> Tensor:
            return self.network.tail(cut, *tensors)

        tail = _Tail(self.network, cut)
        try:
            # replaces its forward
            torch.cuda.make_graphed_callables(tail, tuple(t.clone() for t in batch), allow_unused_input=True)
            if self._agree(as_it_is, tail, tuple(tensor.flip(0) for tensor in batch)):
                return tail
            reason = "what was recorded gives something else"
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # whatever a network does that cannot be recorded
            reason = str(error).split("\n")[0]
        logger.warning("The network is trained without CUDA graphs, more slowly: %s", reason)
        return as_it_is

    def _agree(self, first: Callable[..., Tensor], second: Callable[..., Tensor], batch: tuple[Tensor, ...]) -> bool:
        """Whether both give the same features and gradients of a batch, up to the precision of bfloat16."""
        trained = [p for p in self.network.parameters() if p.requires_grad]
        results = []
        for function in (first, second):
            features = function(*batch).float()
            gradients = torch.autograd.grad(features.square().sum(), trained, allow_unused=True)
            results.append([tensor.detach().float().clone() for tensor in (features, *gradients) if tensor is not None])
        return len(results[0]) == len(results[1]) and all(
            bool((a - b).norm() <= APART * a.norm()) for a, b in zip(*results, strict=True)
        )


class _Tail(nn.Module):
    def __init__(self, network: Network, cut: int) -> None:
        super().__init__()
        self.network, self.cut = network, cut
        self.eval()

    def forward(self, *batch: Tensor) -> Tensor:
        return self.network.tail(self.cut, *batch)
