"""Work that a test gives to a process of its own: functions of a module, which that process can import."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable


def doubled(number: int, tell: Callable[[object], None] | None = None) -> int:
    if tell is not None:
        tell({"at": number})
    return 2 * number


def loops(tell: Callable[[object], None] | None = None) -> None:
    if tell is not None:
        tell("looping")
    while True:
        pass


def eats() -> None:
    eaten = []
    while True:
        eaten.append(b"x" * 10_000_000)


def calls_exit() -> None:
    sys.exit(3)


def crashes() -> None:
    ctypes.string_at(0)


def is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fails() -> None:
    raise ValueError("no such thing")


def fails_in_its_own_way() -> None:
    class CannotTravelError(Exception):
        pass

    raise CannotTravelError("kept here")


def its_process() -> int:
    return os.getpid()
