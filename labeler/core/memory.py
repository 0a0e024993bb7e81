"""How much this process takes into memory at a time: batches are halved where memory was short before."""

from collections.abc import Iterator
from contextlib import contextmanager

_halvings = 0


def at_a_time(size: int) -> int:
    """The size of a batch: `size`, halved as often as this process has been told to."""
    return max(1, size >> _halvings)


def halvings() -> int:
    """How often this process has been told to halve its batches."""
    return _halvings


@contextmanager
def batches_halved(times: int) -> Iterator[None]:
    """A block in which batches are smaller, in all threads of this process."""
    global _halvings
    before, _halvings = _halvings, times
    try:
        yield
    finally:
        _halvings = before


def is_short(error: BaseException) -> bool:
    """Whether an error says that memory is short: Python's own, or torch's, which has no class for the processor's."""
    text = str(error)
    is_of_torch = isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)
    return isinstance(error, MemoryError) or is_of_torch
