"""Processes: the number of cores, and child processes that end with their parent."""

import ctypes
import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # of prctl(2)


STARTER = "LABELER_STARTER"  # the number of the process that starts this one


_share: int | None = None  # of the cores, where several processes share them


def cores() -> int:
    """The number of cores that this process may use."""
    if _share is not None:
        return _share
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_cores(count: int) -> None:
    """From now on this process may use so many cores: others use the rest."""
    global _share
    _share = count


def may_have_gpu() -> bool:
    """Whether this machine may have a GPU that torch can use; found out without loading torch, which takes seconds."""
    if sys.platform != "linux":
        return sys.platform == "win32" or platform.machine() == "arm64"  # Apple's processors have one
    return any(Path("/dev").glob("nvidia[0-9]*")) or any(
        map(os.path.exists, ("/dev/kfd", "/dev/dxg", "/dev/nvidiactl"))
    )


@cache
def multiplies_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware (AMX or AVX-512), faster than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:  # there is none but on Linux
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def processor() -> str:
    """The name of this machine's processor."""
    return platform.processor() or platform.machine()


def end_with_parent() -> None:
    """End this spawned process as soon as its parent ends, even if the parent is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def end_with_starter(number: int = signal.SIGTERM) -> None:
    """Send this process a signal as soon as the process that started it ends, even if that is killed: on Linux at once.

    Only a process that was started by the main thread of another may call this: Linux takes a thread for the parent.
    """
    is_gone = parent_is_gone()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)

    def watch() -> None:
        while not is_gone():
            time.sleep(0.5)
        os.kill(os.getpid(), number)

    threading.Thread(target=watch, daemon=True).start()


def yield_to_others(niceness: int) -> None:
    """Lower the priority of this process and of those that it will start, so that people who label wait for none.

    Where Linux groups processes by sessions (autogroup), the priority of a process counts within its session alone:
    one that leads a session lowers that of the whole session, too. 0 hands on to a new session what was inherited.
    The variable LABELER_NICENESS says how far it is lowered at most; with 0, nobody is waited for.
    """
    if not hasattr(os, "nice"):
        return
    lowered = os.nice(min(niceness, int(os.environ.get("LABELER_NICENESS", "19"))))
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # there is no such file where the kernel does not group
            Path("/proc/self/autogroup").write_text(str(lowered), encoding="ascii")


def parent_is_gone() -> Callable[[], bool]:
    """A function that tells whether the parent of this process has ended, so that no worker outlives it.

    A parent that writes its number into `STARTER` is missed also where it ended while this process was loading.
    """
    starter = os.environ.pop(STARTER, "")  # what this process starts has another parent
    parent = int(starter) if starter and os.name == "posix" else os.getppid()  # on Windows a launcher is between
    return lambda: os.getppid() != parent
