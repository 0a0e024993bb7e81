"""How long this process has waited for locks of databases."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class LockWaits:
    """writes: how often a lock was asked for. seconds: that were waited in all. longest: of one wait, in seconds."""

    writes: int = 0
    seconds: float = 0.0
    longest: float = 0.0


_lock = threading.Lock()
_so_far = LockWaits()


def lock_waits() -> LockWaits:
    """What this process has waited so far."""
    return _so_far


@contextmanager
def lock_wait() -> Iterator[None]:
    """A block that waits for a lock: its time is added, also where the lock was not had."""
    global _so_far
    began = perf_counter()
    try:
        yield
    finally:
        waited = perf_counter() - began
        with _lock:
            _so_far = LockWaits(_so_far.writes + 1, _so_far.seconds + waited, max(_so_far.longest, waited))
