"""Processes: how many cores one may use, and how a child ends with its parent."""

import multiprocessing
import os
import threading
from collections.abc import Callable


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_parent() -> None:
    """Let this spawned process end as soon as the one that started it does, whatever killed that."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def parent_is_gone() -> Callable[[], bool]:
    """A test whether the process that started this one has ended, so that no worker is left behind."""
    parent = os.getppid()
    return lambda: os.getppid() != parent
