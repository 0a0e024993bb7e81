"""The device that torch computes on, in which precision, and how arrays get there.

Imports of this module are deferred where a page or the store must not load torch.
"""

import copy
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from labeler.core import processes

logger = logging.getLogger(__name__)
T = TypeVar("T")
M = TypeVar("M", bound=nn.Module)

LAYOUT = torch.channels_last  # of images in memory


@cache
def device() -> torch.device:
    """The device that torch computes on: CUDA, else Apple's MPS, else the CPU.

    A card that the installed torch has no kernels for is passed over, with a warning in the log.
    """
    if torch.cuda.is_available():
        # cuBLAS reads it when it is first used; without it the sums of a product may come in any order
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        try:
            _try_out()
        except Exception as error:  # torch raises errors of many kinds for a card that it cannot use
            logger.warning(
                "The GPU cannot be used, and the CPU computes instead: torch %s fails on it (%s). Install a torch that"
                " supports the card.",
                torch.__version__,
                str(error).split("\n")[0],
            )
        else:
            _make_reproducible()
            return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def on_cpu() -> bool:
    """Whether the CPU computes."""
    return device().type == "cpu"


def _try_out() -> None:
    """A convolution so small that it costs nothing; it fails where the card has no kernels."""
    ones = torch.ones(1, 1, 3, 3, device="cuda")
    nn.functional.conv2d(ones, ones).item()


def _make_reproducible() -> None:
    """The same input gives the same bits in the next run, wherever the card can do that."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # set on the module
    # a recorded training adds its gradients up on the stream that recorded it: torch waits for it, and would warn
    torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch(False)
    # cuDNN plans its attention anew for each length of texts, which takes longer than the attention
    torch.backends.cuda.enable_cudnn_sdp(False)


def half(mixed: bool = True, texts: bool = False) -> torch.dtype:
    """The precision of networks on `device()`: bfloat16 where it is in hardware, else float32.

    A CPU that has it computes networks of texts so, whose time goes into products of matrices.

    Args: mixed: whether the settings allow less than float32 (`learner.finetune.mixed_precision`).
          texts: whether the network reads texts.
    """
    kind = device().type
    able = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    able = able or (kind == "cpu" and texts and processes.multiplies_bfloat16())
    return torch.bfloat16 if mixed and able else torch.float32


def kind_and_precision(mixed: bool = True, texts: bool = False) -> tuple[str, str]:
    """The kind of device and the precision of `half`, in words: cuda and bfloat16."""
    return device().type, str(half(mixed, texts)).removeprefix("torch.")


def autocast(mixed: bool = True, texts: bool = False) -> torch.autocast:
    """A context in which networks compute in the precision of `half`."""
    kind = "cpu" if on_cpu() else "cuda"
    # each weight is cast once in a pass, and a recorded pass must cast it itself
    return torch.autocast(kind, torch.bfloat16, enabled=half(mixed, texts) == torch.bfloat16, cache_enabled=False)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A block in which torch draws from a generator of its own, and leaves the others' alone."""
    with torch.random.fork_rng(devices=[device()] if device().type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def repeatably(run: Callable[[], T]) -> tuple[T, list[str]]:
    """What `run` returns, computed so that the next run gives the same bits, and the operations that prevent it.

    An operation that the card has no such way for ends the first try, and the second one computes it in any order.
    """
    if on_cpu():
        return run(), []
    if device().type == "cuda":
        # attention has a repeatable way, too, which it takes only where nothing else is allowed
        torch.use_deterministic_algorithms(True)
        try:
            return run(), []
        except RuntimeError as error:
            if "deterministic" not in str(error):
                raise
        finally:
            torch.use_deterministic_algorithms(True, warn_only=True)
    with refusals() as operations:
        return run(), operations


@contextmanager
def refusals() -> Iterator[list[str]]:
    """A block, and the operations in it whose result may differ in the next run, since the card has no other way.

    Other warnings are passed on, each once.
    """
    operations: list[str] = []
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # else torch names an operation once in a process, and not in the next round
    try:
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            yield operations
    finally:
        torch.set_warn_always(always)
    for message, warning in {str(warning.message): warning for warning in raised}.items():
        if "deterministic" in message:
            operation = re.split(" does not have | defaults to ", message)[0]
            operations += [operation] if operation not in operations else []
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """As numpy's, in memory that a GPU fetches by itself."""
    kind = torch.from_numpy(np.empty(0, dtype)).dtype
    return torch.zeros(shape, dtype=kind, pin_memory=device().type == "cuda").numpy()


def to_device(arrays: tuple[np.ndarray, ...]) -> tuple[Tensor, ...]:
    """The arrays as tensors on `device()`; the copy to a GPU goes on while the CPU prepares what comes next."""
    return moved(tuple(torch.from_numpy(array) for array in arrays))


def moved(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """As `to_device`, of tensors."""
    if device().type == "cuda":
        tensors = tuple(tensor if tensor.is_pinned() else tensor.pin_memory() for tensor in tensors)
    return tuple(tensor.to(device(), non_blocking=True) for tensor in tensors)


def placed(module: M) -> M:
    """The module on `device()`, moved itself, its images laid out as fast convolutions want them."""
    module.to(device())
    return module.to(memory_format=LAYOUT)


def laid_out(batch: Tensor) -> Tensor:
    """The batch; images (n, d, h, w) as networks that are `placed` read them fastest."""
    return batch.contiguous(memory_format=LAYOUT) if batch.ndim == 4 else batch


def here(module: M) -> M:
    """A copy of the module on `device()`; on a CPU, where every module is, the module itself."""
    return module if on_cpu() else placed(copy.deepcopy(module))


def narrowed(module: M, mixed: bool = True, texts: bool = False) -> M:
    """The module with the weights that `autocast` would cast in each pass cast once, itself changed.

    Its results under `autocast` stay the same.
    """
    if half(mixed, texts) == torch.bfloat16:
        for part in module.modules():
            if isinstance(part, nn.Linear | nn.modules.conv._ConvNd):
                part.to(torch.bfloat16)
    return module


def wait() -> None:
    """Wait for the GPU to finish what it was given."""
    if device().type == "cuda":
        torch.cuda.synchronize()


def free_bytes() -> int:
    """The memory of the GPU that is free, with what torch holds in reserve; 0 without one."""
    if device().type != "cuda":
        return 0
    free, _ = torch.cuda.mem_get_info()
    return int(free) + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


def halving(run: Callable[[int], T], size: int, least: int = 1) -> tuple[T, int]:
    """What `run(size)` returns, with a size halved each time the GPU's memory is too short for it, and that size.

    Raises: torch.OutOfMemoryError: even `least` does not fit.
    """
    while True:
        try:
            return run(size), size
        except torch.OutOfMemoryError:
            if size <= least:
                raise
            logger.warning("The GPU's memory is too short for %s items at a time: %s are tried.", size, size // 2)
        size = max(least, size // 2)
        torch.cuda.empty_cache()


def facts(mixed: bool = True, texts: bool = False) -> dict[str, str]:
    """What a model's numbers depend on: kind of device, its name, precision, and the versions of its libraries."""
    kind = device().type
    about: dict[str, Any] = dict(zip(("device", "precision"), kind_and_precision(mixed, texts), strict=True))
    if kind == "cuda":
        about |= {"name": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
        about |= {"cudnn": torch.backends.cudnn.version()}
    else:
        about["name"] = processes.processor()
    return {name: str(value) for name, value in about.items()}
