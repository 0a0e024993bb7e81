"""A backbone as a row of stages in torch: which of them stay frozen, and whose outputs are the features."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from labeler.backbones.catalogue import Pooling


class Network(nn.Module):
    """A backbone as a row of stages; the outputs of some of them, pooled, are the features.

    Fine-tuning trains the last stages only. What comes before, `first(cut)`, stays as it is: its outputs can be
    computed once, and `tail` goes on from there.

    Args: stages: each maps (hidden, *rest) to hidden; `rest` (e.g. a text's mask) is the same for all.
          taps: the stages whose outputs are pooled, ascending; the last stage is one of them.
          groups: the parameters of each block, from input to output; by default those of each stage.
          layers_in_tap: how many of the backbone's layers lie side by side in the output of a tapped stage.
          pooling: `first` takes a text's first token, for networks that were trained to gather the text there.
    """

    def __init__(
        self,
        stages: Sequence[nn.Module],
        taps: Sequence[int],
        groups: Sequence[Sequence[nn.Parameter]] | None = None,
        layers_in_tap: int = 1,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.taps, self.layers_in_tap = tuple(taps), layers_in_tap
        self.pooling: Pooling = pooling
        self.groups = groups if groups is not None else [list(stage.parameters()) for stage in stages]
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        return self.tail(0, x, *rest)

    def last(self, blocks: int) -> list[nn.Parameter]:
        """The parameters of the last so many blocks."""
        return [p for group in self.groups[max(0, len(self.groups) - blocks) :] for p in group]

    def cut(self, unfrozen: int) -> int:
        """How many stages stay as they are when the last `unfrozen` blocks are trained and no tap is lost."""
        trained = {id(p) for p in self.last(unfrozen)}
        touched = [any(id(p) in trained for p in stage.parameters()) for stage in self.stages]
        return min([*(number for number, hit in enumerate(touched) if hit), self.taps[0] + 1, self.taps[-1]])

    def first(self, cut: int) -> nn.Module:
        """The first `cut` stages as a module of their own, with shared parameters."""
        return _First(self.stages[:cut])

    def tail(self, cut: int, x: Tensor, *rest: Tensor) -> Tensor:
        """(n, sum(dims)) features from the output of stage `cut - 1` (`cut = 0`: from the network's input)."""
        return torch.cat(self._pooled(cut, x, *rest), dim=1)

    def tapped(self, cut: int, x: Tensor, *rest: Tensor) -> list[Tensor]:
        """What `tail` pools: the outputs of the tapped stages as they are."""
        outputs = [x] if cut - 1 in self.taps else []
        for number in range(cut, len(self.stages)):
            x = self.stages[number](x, *rest)
            if number in self.taps:
                outputs.append(x)
        return outputs

    def dims(self, example: tuple[np.ndarray, ...]) -> tuple[int, ...]:
        """How many columns each layer's features take, measured by a run on a batch."""
        with torch.inference_mode():
            widths = [part.shape[1] for part in self._pooled(0, *map(torch.from_numpy, example))]
        return tuple(w // self.layers_in_tap for w in widths for _ in range(self.layers_in_tap))

    def _pooled(self, cut: int, x: Tensor, *rest: Tensor) -> list[Tensor]:
        outputs = self.tapped(cut, x, *rest)
        if self.pooling == "first":
            return [output[:, 0].float() for output in outputs]
        return [pool(output, *rest) for output in outputs]


class Tails(nn.Module):
    """Networks that differ only from stage `cut` on, in one pass: (n, M × d) features, side by side."""

    def __init__(self, networks: Sequence[Network], cut: int) -> None:
        super().__init__()
        self.networks, self.first, self.cut = nn.ModuleList(networks), networks[0].first(cut), cut
        self._tails = [network.tail for network in networks]

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        x = self.first(x, *rest)
        return torch.cat([tail(self.cut, x, *rest) for tail in self._tails], dim=1)


class Pixels(nn.Module):
    """The first stage for images: (n, 3, size, size) bytes to the mean and spread that the network was trained on."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", 255 * torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x.float() - self.mean) / self.std


class Stage(nn.Module):
    """A part of a published network as a stage: `call(module, hidden, *rest)` runs it."""

    def __init__(self, module: nn.Module, call: Callable[..., Tensor]) -> None:
        super().__init__()
        self.module, self.call = module, call

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        return self.call(self.module, x, *rest)


class _First(nn.Module):
    def __init__(self, stages: nn.ModuleList) -> None:
        super().__init__()
        self.stages = stages

    def forward(self, x: Tensor, *rest: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x, *rest)
        return x


def pool(x: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean over an image's places (n, d, h, w) or a text's unmasked tokens (n, length, d); (n, d) stays.

    In float32, whatever the precision of the network: the sum of many places has more digits than each of them.
    """
    x = x.float()
    if x.ndim == 4:
        return x.mean((2, 3))
    if x.ndim == 3 and mask is not None:
        weight = mask.unsqueeze(-1).float()
        return (x * weight).sum(1) / weight.sum(1)
    return x
