"""Networks in stages, and running them fast: on a GPU in torch, on a CPU in ONNX Runtime, exported once.

This is the half of the house that loads torch; who needs it imports it inside a function.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from labeler.core.processes import cores

# Imports of onnxruntime are deferred: what runs on torch alone does without it.

logger = logging.getLogger(__name__)
for chatty in ("onnxscript", "torch.onnx", "onnx_ir"):  # an export tells of every step
    logging.getLogger(chatty).setLevel(logging.WARNING)

# Arrays of one batch in, the array that the network makes of them out.
Run = Callable[..., np.ndarray]


@cache
def device() -> torch.device:
    """The device that torch computes on: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def autocast(on_cpu: bool = False) -> torch.autocast:
    """A context in which CUDA computes in bfloat16, and a CPU that has instructions for it if `on_cpu` says so."""
    kind = device().type
    able = on_cpu and kind == "cpu" and torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(kind if able else "cuda", torch.bfloat16, enabled=able or kind == "cuda")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A block in which torch draws from a generator of its own, and leaves the others' alone."""
    with torch.random.fork_rng(devices=[device()] if device().type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def to_device(arrays: tuple[np.ndarray, ...]) -> tuple[Tensor, ...]:
    """The arrays as tensors on `device()`; the copy to a GPU goes on while the CPU prepares what comes next."""
    tensors = [torch.from_numpy(array) for array in arrays]
    if device().type == "cuda":
        tensors = [tensor.pin_memory() for tensor in tensors]
    return tuple(tensor.to(device(), non_blocking=True) for tensor in tensors)


class Network(nn.Module):
    """A backbone as a row of stages; the outputs of some of them, pooled, are the features.

    Fine-tuning trains the last stages only. What comes before, `first(cut)`, stays as it is: its outputs can be
    computed once, and `tail` goes on from there.

    Args: stages: each maps (hidden, *rest) to hidden; `rest` (e.g. a text's mask) is the same for all.
          taps: the stages whose outputs are pooled, ascending; the last stage is one of them.
          groups: the parameters of each block, from input to output; by default those of each stage.
          layers_in_tap: how many of the backbone's layers lie side by side in the output of a tapped stage.
    """

    def __init__(
        self,
        stages: Sequence[nn.Module],
        taps: Sequence[int],
        groups: Sequence[Sequence[nn.Parameter]] | None = None,
        layers_in_tap: int = 1,
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.taps, self.layers_in_tap = tuple(taps), layers_in_tap
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
        tapped = [x] if cut - 1 in self.taps else []
        for number in range(cut, len(self.stages)):
            x = self.stages[number](x, *rest)
            if number in self.taps:
                tapped.append(x)
        return tapped

    def dims(self, example: tuple[np.ndarray, ...]) -> tuple[int, ...]:
        """How many columns each layer's features take, found by a run on a batch."""
        with torch.inference_mode():
            widths = [part.shape[1] for part in self._pooled(0, *map(torch.from_numpy, example))]
        return tuple(w // self.layers_in_tap for w in widths for _ in range(self.layers_in_tap))

    def _pooled(self, cut: int, x: Tensor, *rest: Tensor) -> list[Tensor]:
        return [pool(one, *rest) for one in self.tapped(cut, x, *rest)]


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
    """A part of somebody else's network as a stage: `call(module, hidden, *rest)` runs it."""

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
    """The mean over an image's places (n, d, h, w) or a text's unmasked tokens (n, length, d); (n, d) stays."""
    if x.ndim == 4:
        return x.mean((2, 3))
    if x.ndim == 3 and mask is not None:
        weight = mask.unsqueeze(-1).to(x.dtype)
        return (x * weight).sum(1) / weight.sum(1)
    return x


# ---------------------------------------------------------------- running


def cache_folder() -> Path:
    """Where exported networks are kept: `$LABELER_CACHE`, else `~/.cache/labeler`."""
    return Path(os.environ.get("LABELER_CACHE") or Path.home() / ".cache" / "labeler")


def compiled(build: Callable[[], nn.Module], example: tuple[np.ndarray, ...], dynamic_axes: int, key: str) -> Run:
    """A function that runs a network on this machine's best device.

    On a CPU the network is exported to ONNX once; later calls find the file by its key and never build the network
    in torch. One that cannot be exported runs in torch, more slowly, and a warning in the log says so.

    Args:    build: makes the module, in eval mode.
             example: arrays of a batch of two, which fix the types and the sizes that do not vary.
             dynamic_axes: how many leading axes of each array vary (1: batch; 2: batch and length).
             key: identifies the network's weights and layout; names the cached file.
    Returns: a function of arrays like `example` to (n, …) float32.
    """
    if device().type != "cpu":
        return in_torch(build())
    path = cache_folder() / "onnx" / f"{key}.onnx"
    try:
        if path.exists():
            try:
                return in_onnxruntime(path)
            except Exception as error:
                logger.warning("%s cannot be loaded and is exported again: %s", path, error)
        export(build(), example, dynamic_axes, path)
        return in_onnxruntime(path)
    except Exception as error:  # exporters raise whatever they like; torch is slower, but always there
        reason = str(error).split("\n")[0]
        logger.warning("The network runs in torch, two to four times slower: its export failed: %s", reason)
        return in_torch(build())


def export(module: nn.Module, example: tuple[np.ndarray, ...], dynamic_axes: int, path: Path) -> None:
    """Write the module as an ONNX file, whole or not at all.

    Args: as in `compiled`.
    """
    with torch.no_grad():
        program = torch.onnx.export(
            module.eval().cpu(),
            tuple(torch.from_numpy(array) for array in example),
            dynamo=True,
            verbose=False,
            dynamic_shapes=_dynamic_shapes(example, dynamic_axes),
            input_names=[f"input_{number}" for number in range(len(example))],
        )
    assert program is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        program.save(str(Path(folder) / path.name), external_data=False)
        (Path(folder) / path.name).replace(path)


def traced(module: nn.Module, example: tuple[np.ndarray, ...], dynamic_axes: int) -> "torch.export.ExportedProgram":
    """The module as a program that runs wherever torch is.

    Args: as in `compiled`.
    """
    with torch.no_grad():
        return torch.export.export(
            module.eval().cpu(),
            tuple(torch.from_numpy(array) for array in example),
            dynamic_shapes=_dynamic_shapes(example, dynamic_axes),
        )


def _dynamic_shapes(example: tuple[np.ndarray, ...], dynamic_axes: int) -> tuple[Any, ...]:
    """Which axes of each input vary, in the form of `forward(x, *rest)`."""
    first, *rest = (dict.fromkeys(range(dynamic_axes), torch.export.Dim.DYNAMIC) for _ in example)
    return (first, tuple(rest)) if rest else (first,)


def in_onnxruntime(path: Path) -> Run:
    """A function that runs an exported network on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    # idle threads sleep: the web server answers annotators on the same cores
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]

    def run(*arrays: np.ndarray) -> np.ndarray:
        # an input that the network does not look at is not in the file
        given = {f"input_{number}": array for number, array in enumerate(arrays)}
        return session.run(None, {name: given[name] for name in names})[0]

    return run


def in_torch(module: nn.Module) -> Run:
    """A function that runs the module in torch on `device()`."""
    module = module.eval().to(device()).to(memory_format=torch.channels_last)

    def run(*arrays: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), autocast():
            result = module(*to_device(arrays))
        return result.float().cpu().numpy()

    return run
