"""How long this process waits for locks of databases."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

_listeners: list[Callable[[float], None]] = []


def tell(listener: Callable[[float], None]) -> None:
    """Have `listener` called with the seconds of each wait from now on, in the thread that has waited."""
    _listeners.append(listener)


@contextmanager
def lock_wait() -> Iterator[None]:
    """A block that waits for a lock: its time is told, also where the lock was not had."""
    began = perf_counter()
    try:
        yield
    finally:
        waited = perf_counter() - began
        for listener in _listeners:
            listener(waited)
