"""Running networks fast: on a GPU in torch, on a CPU in ONNX Runtime, to which they are exported once.

Where a CPU multiplies in bfloat16, networks of texts run in torch, too: three times as fast (docs/benchmarks/speed.md).

Imports of this module are deferred where a page or the store must not load torch; `labeler.backbones.exported` runs
without it what is exported already.
"""

import copy
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from labeler.backbones import devices
from labeler.backbones.exported import Run, file_of, in_onnxruntime, kept
from labeler.core.whole_files import whole_file

logger = logging.getLogger(__name__)
for exporter in ("onnxscript", "torch.onnx", "onnx_ir"):  # they log every step of an export
    logging.getLogger(exporter).setLevel(logging.WARNING)

LENGTHS = 32  # tokens: texts on a GPU are filled up to a multiple, so that few lengths occur


def compiled(
    build: Callable[[], nn.Module], example: tuple[np.ndarray, ...], dynamic_axes: int, key: str, mixed: bool = True
) -> Run:
    """A function that runs a network on this machine's best device.

    On a CPU the network is exported to ONNX once; later calls find the file by its key and never build the network
    in torch. One that cannot be exported runs in torch, more slowly, and a warning in the log says so.

    Args:    build: makes the module, in eval mode.
             example: arrays of a batch of two, which fix the types and the sizes that do not vary.
             dynamic_axes: how many leading axes of each array vary (1: batch; 2: batch and length).
             key: identifies the network's weights and layout; names the cached file.
             mixed: whether less than float32 may be used where it is in hardware.
    Returns: a function of arrays like `example` to (n, …) float32.
    """
    texts = dynamic_axes > 1
    if not devices.on_cpu() or devices.half(mixed, texts) == torch.bfloat16:  # ONNX Runtime has no bfloat16
        return in_torch(build(), mixed, texts)
    if (run := kept(key)) is not None:
        return run
    try:
        export(traced(build(), example, dynamic_axes), file_of(key))
        return in_onnxruntime(file_of(key))
    except Exception as error:  # exporters raise errors of many kinds; torch is slower, but always there
        reason = str(error).split("\n")[0]
        logger.warning("The network runs in torch, two to four times slower: its export failed: %s", reason)
        return in_torch(build())


def traced(
    module: nn.Module, example: tuple[np.ndarray, ...], dynamic_axes: int | Sequence[int]
) -> "torch.export.ExportedProgram":
    """The module as a program that runs wherever torch is.

    Args: as in `compiled`. dynamic_axes: or of each array by itself.
    """
    with torch.no_grad(), _out_of_place(module):
        return torch.export.export(
            module.eval().cpu(),
            tuple(torch.from_numpy(array) for array in example),
            dynamic_shapes=_dynamic_shapes(example, dynamic_axes),
        )


@contextmanager
def _out_of_place(module: nn.Module) -> Iterator[None]:
    """A block in which activations write new tensors: writing into the input doubles the time of an export."""
    layers = [layer for layer in module.modules() if getattr(layer, "inplace", False)]
    for layer in layers:
        setattr(layer, "inplace", False)  # noqa: B010, since torch types the attributes of modules as tensors
    try:
        yield
    finally:
        for layer in layers:
            setattr(layer, "inplace", True)  # noqa: B010


def export(program: "torch.export.ExportedProgram", path: Path) -> None:
    """Write a traced program as an ONNX file, whole or not at all; its inputs are called input_0, input_1, …"""
    names = [f"input_{number}" for number in range(len(program.graph_signature.user_inputs))]
    onnx_program = torch.onnx.export(program, dynamo=True, verbose=False, input_names=names)
    assert onnx_program is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        onnx_program.save(str(part), external_data=False)


def _dynamic_shapes(example: tuple[np.ndarray, ...], dynamic_axes: int | Sequence[int]) -> tuple[Any, ...]:
    """Which axes of each input vary, in the form of `forward(x, *rest)`."""
    axes = [dynamic_axes] * len(example) if isinstance(dynamic_axes, int) else dynamic_axes
    first, *rest = (dict.fromkeys(range(n), torch.export.Dim.DYNAMIC) for n in axes)
    return (first, tuple(rest)) if rest else (first,)


def in_torch(module: nn.Module, mixed: bool = True, texts: bool = False) -> Run:
    """A function that runs a copy of the module in torch on the device, a batch after the other.

    A batch that does not fit into the memory of a GPU is halved.

    Args: mixed: whether less than float32 may be used. texts: whether the module reads texts.
    """
    module = devices.narrowed(devices.placed(copy.deepcopy(module).eval()), mixed, texts)
    fits: list[int] = []  # the largest batch that the memory is enough for, once one was not

    def forward(arrays: tuple[np.ndarray, ...], size: int) -> np.ndarray:
        results = []
        for start in range(0, len(arrays[0]), size):
            batch = tuple(array[start : start + size] for array in arrays)
            with torch.inference_mode(), devices.autocast(mixed, texts):
                result = module(*devices.to_device(filled_up(batch)))
            results.append(result[: len(batch[0])].float())
        return torch.cat(results).cpu().numpy()

    def run(*arrays: np.ndarray) -> np.ndarray:
        n = len(arrays[0])
        result, size = devices.halving(lambda size: forward(arrays, size), min(n, *fits) if fits else n)
        if size < n:
            fits[:] = [size]
        return result

    return run


def filled_up(arrays: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
    """A batch, on a GPU filled up to the next power of two with its last item, and texts to a multiple of `LENGTHS`.

    cuDNN plans each size of a batch anew, which takes seconds.
    """
    n = len(arrays[0])
    if devices.on_cpu() or not n:
        return arrays
    more = (1 << (n - 1).bit_length()) - n
    if all(array.ndim == 2 and array.dtype == np.int64 for array in arrays):
        longer = -arrays[0].shape[1] % LENGTHS
        arrays = tuple(np.pad(array, ((0, 0), (0, longer))) for array in arrays)
    return tuple(np.concatenate([array, np.repeat(array[-1:], more, axis=0)]) if more else array for array in arrays)
