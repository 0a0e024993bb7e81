"""The machine: what is installed, and what the card itself is capable of."""

import time
from collections.abc import Callable, Iterator

import torch

from bench.gpu.tables import Row
from labeler.backbones import devices


def seconds(run: Callable[[], object], times: int = 10) -> float:
    """How long a run takes on the device, the mean of several after one to warm up."""
    run()
    devices.wait()
    began = time.perf_counter()
    for _ in range(times):
        run()
    devices.wait()
    return (time.perf_counter() - began) / times


def limits(small: bool) -> Iterator[Row]:
    """Copies within the card's memory and to it, and a product of two matrices."""
    device, side = devices.device(), 256 if small else 8192
    n = 2**20 if small else 2**30
    source = torch.ones(n, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    yield Row("copy within the memory", 2 * n / seconds(lambda: target.copy_(source)) / 1e9, "GB/s, read and written")
    host = torch.ones(n // 4, dtype=torch.uint8, pin_memory=device.type == "cuda")
    yield Row(
        "copy from pinned memory",
        n / 4 / seconds(lambda: target[: n // 4].copy_(host, non_blocking=True)) / 1e9,
        "GB/s",
    )
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    yield Row("product of matrices, bfloat16", 2 * side**3 / seconds(lambda: a @ b) / 1e12, "TFLOP/s")
