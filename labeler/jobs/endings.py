"""How the process before this one ended: `labeler serve`, or the worker, sees it and tells the next one."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from labeler.core.jobs import Ending

VARIABLE = "LABELER_WORKER_ENDED"
# Counters of the processes that the system has ended for want of memory: of this container, else of the machine.
_COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))
_FROM_OUTSIDE = {0, 128 + signal.SIGTERM, *(-getattr(signal, name, 0) for name in ("SIGTERM", "SIGINT", "SIGHUP"))}


def memory_kills() -> int:
    """How many processes the system has ended for want of memory since it runs; 0 where it does not say."""
    for counter in _COUNTERS:
        try:
            lines = counter.read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                return int(number)
    return 0


def ending_of(code: int, memory_kills: int) -> Ending:
    """How a process with this exit code ended.

    Args: memory_kills: processes that the system has ended for want of memory while it ran.
    """
    if code == -getattr(signal, "SIGKILL", 9):
        return "memory" if memory_kills else "outside"
    return "outside" if code in _FROM_OUTSIDE else "crashed"


class PreviousProcess:
    """How the worker or explainer before this one ended, told once for each project."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        told = environment.get(VARIABLE, "")
        self._ending: Ending = told if told in get_args(Ending) else "outside"  # type: ignore[assignment]
        self._asked: set[Path] = set()

    def ending(self, folder: Path) -> Ending | None:
        """How it ended; None if that was told for this project already."""
        if folder in self._asked:
            return None
        self._asked.add(folder)
        return self._ending
