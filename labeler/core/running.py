"""Which processes serve a home: `labeler serve` writes down what it started, and each gives signs of life.

Both lie in a folder of the home, so that whoever opens the page of the server needs to ask nobody.
"""

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

FOLDER = ".running"
FILE = "serve.json"
# Names the folder in which several processes count together; `prometheus_client` reads it as it is imported.
METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
EVERY = 1.0  # seconds between two signs of life
SILENT_AFTER = 5.0  # seconds without one after which a process is taken for stuck, or for gone

Condition = Literal["running", "silent", "ended"]


@dataclass(frozen=True)
class ProcessState:
    """A process that `serve` keeps running, or expects to run elsewhere.

    since: when it was started last. ends: how often it has ended by itself since `serve` began. ended_at, ended_how:
    of the last time, such as `SIGKILL`, or the exit code. is_elsewhere: whether something else starts it; its signs of
    life in the home are all that is known of it.
    """

    name: str
    pid: int
    since: str
    is_there: bool = True
    ends: int = 0
    ended_at: str = ""
    ended_how: str = ""
    is_elsewhere: bool = False


@dataclass(frozen=True)
class Running:
    """The processes of a home. is_served: whether `serve` itself still gives signs of life."""

    since: str
    pid: int
    is_served: bool
    processes: tuple[ProcessState, ...]
    silent: frozenset[str]  # names of processes that are there and give no sign of life

    def condition(self, process: ProcessState) -> Condition:
        if not (self.is_served and process.is_there):
            return "ended"
        return "silent" if process.name in self.silent else "running"

    def is_working(self, name: str) -> bool:
        """Whether the process of this name runs and gives signs of life."""
        return any(p.name == name and self.condition(p) == "running" for p in self.processes)


class Board:
    """The file in which `serve` says what it keeps running. A full disk ends nothing: the file is then out of date."""

    def __init__(self, home: Path) -> None:
        self.path = home / FOLDER / FILE
        self._since, self._written, self._touched = moment(), "", 0.0

    def show(self, processes: Sequence[ProcessState]) -> None:
        """Write the file where anything has changed, and say each second that it is up to date."""
        values = {"pid": os.getpid(), "since": self._since, "processes": [asdict(process) for process in processes]}
        text = json.dumps(values)
        if text == self._written and time.monotonic() - self._touched < EVERY:
            return
        try:
            if text != self._written:
                self.path.parent.mkdir(exist_ok=True)
                part = self.path.with_suffix(".part")
                part.write_text(text, encoding="utf-8")
                part.replace(self.path)
            os.utime(self.path)
        except OSError:
            return
        self._written, self._touched = text, time.monotonic()

    def take_down(self) -> None:
        """Remove the file: nothing runs any more."""
        self.path.unlink(missing_ok=True)


def give_signs_of_life(home: Path, name: str) -> None:
    """Touch a file of the home each second from now on, until this process ends or is stopped."""
    path = home / FOLDER / name

    def beat() -> None:
        while True:
            try:
                path.parent.mkdir(exist_ok=True)
                path.touch()
            except OSError:  # a full disk, or a home that was moved away
                pass
            time.sleep(EVERY)

    threading.Thread(target=beat, name="signs of life", daemon=True).start()


def running(home: Path) -> Running | None:
    """What serves a home; None where `serve` does not, or has ended in order."""
    path = home / FOLDER / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        states = tuple(ProcessState(**state) for state in values["processes"])
        is_served = _age(path) < SILENT_AFTER
    except (OSError, ValueError, KeyError, TypeError):
        return None
    silent = frozenset(state.name for state in states if _is_silent(home, state))
    return Running(values["since"], values["pid"], is_served, states, silent)


def _is_silent(home: Path, state: ProcessState) -> bool:
    """Whether a process that has given signs of life since it was started has stopped to.

    One that runs elsewhere may never have been started: it is silent until it gives the first.
    """
    path = home / FOLDER / state.name
    try:
        last = path.stat().st_mtime
    except OSError:
        return state.is_elsewhere
    if state.is_elsewhere:
        return time.time() - last > SILENT_AFTER
    return last > datetime.fromisoformat(state.since).timestamp() and time.time() - last > SILENT_AFTER


def _age(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def moment() -> str:
    """The time as it is stored: UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
