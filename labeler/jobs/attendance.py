"""A process attends to all projects of a home, one after the other. A project in trouble holds up no other.

The process waits ever longer before it tries such a project again, and writes down why and since when, for the pages.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from labeler.core.errors import UNEXPECTED, LabelerError
from labeler.core.running import FOLDER, moment
from labeler.i18n.messages import dump, load, mark
from labeler.projects import project as projects

log = logging.getLogger(__name__)

Name = Literal["worker", "explainer"]
NAMES: tuple[Name, ...] = ("worker", "explainer")

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds before a project in trouble is tried again
# The file has its size from the start, so that a disk that is full later keeps nobody from writing into it.
FILE_BYTES = 1 << 16


@dataclass(frozen=True)
class Trouble:
    """What keeps a process from a project: the message, as `dump` stores it, and since when."""

    project: str  # name of its folder
    error: str
    since: str

    @property
    def message(self) -> str:
        """What is wrong, to be translated."""
        return load(self.error)


def attend(
    home: Path,
    name: Name,
    once: Callable[[Path], bool],
    poll_seconds: float,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Call `once` for the project in `home`, or for each below it, again and again, until `should_stop`.

    It waits when no project had work. Whatever goes wrong in one project is that project's trouble alone.

    Args: name: of the process. once: takes a project's folder, and returns whether there was work.
    """
    troubles = Troubles(home, name)
    while not should_stop():
        had_work = False
        for folder in troubles.due(projects.in_home(home)):
            try:
                had_work |= once(folder)
            except Exception as error:  # a damaged database, a full disk, a project that is just moved away
                troubles.note(folder, error)
            else:
                troubles.over(folder)
        if not had_work:
            time.sleep(poll_seconds)


class Troubles:
    """The projects that a process cannot work for at the moment, in its memory and in a file of the home."""

    def __init__(self, home: Path, name: Name) -> None:
        self.name, self.path = name, _file(home, name)
        self._troubles: dict[Path, Trouble] = {}
        self._waits: dict[Path, float] = {}  # seconds before the next try, by project
        self._again: dict[Path, float] = {}  # when that is, on the monotonic clock
        self._write()

    def due(self, folders: list[Path]) -> list[Path]:
        """Those of the projects that are to be tried now: not those that are waited for, unless somebody asked."""
        for gone in self._troubles.keys() - set(folders):
            self.over(gone)
        if self._troubles and _changed_at(self.path) != self._written_at:  # see `try_again`
            self._again.clear()
            self._write()
        now = time.monotonic()
        return [folder for folder in folders if self._again.get(folder, now) <= now]

    def note(self, folder: Path, error: Exception) -> None:
        """Keep what went wrong in a project, which waits twice as long as the last time."""
        before = self._troubles.get(folder)
        message = error if isinstance(error, LabelerError) else mark(UNEXPECTED, kind=type(error).__name__, error=error)
        if before is None or before.message != str(message):  # the same again and again is logged once
            log.error("%s: %s", folder, error, exc_info=None if isinstance(error, LabelerError) else error)
        wait = min(2 * self._waits.get(folder, FIRST_WAIT / 2), LONGEST_WAIT)
        self._troubles[folder] = Trouble(folder.name, dump(message), before.since if before else moment())
        self._waits[folder], self._again[folder] = wait, time.monotonic() + wait
        self._write()

    def over(self, folder: Path) -> None:
        """Forget a project's trouble, if it had any."""
        if self._troubles.pop(folder, None) is not None:
            log.info("%s: the trouble is over", folder)
            del self._waits[folder]
            self._again.pop(folder, None)
            self._write()

    def _write(self) -> None:
        """Write the file, in place: its bytes are on the disk already."""
        text = json.dumps([asdict(trouble) for trouble in self._troubles.values()], ensure_ascii=False).encode()
        if len(text) > FILE_BYTES:
            text = b"[]"
        try:
            self.path.parent.mkdir(exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, text.ljust(FILE_BYTES))
            finally:
                os.close(descriptor)
        except OSError as error:  # the log has it all the same
            log.warning("%s cannot be written: %s", self.path, error)
        self._written_at = _changed_at(self.path)


def troubles_of(home: Path, folder: Path) -> dict[Name, Trouble]:
    """What keeps the processes of a home from a project, by process; empty where all is well or none has run."""
    troubles: dict[Name, Trouble] = {}
    for name in NAMES:
        try:
            rows = json.loads(_file(home, name).read_bytes())
            of_project = [Trouble(**row) for row in rows if row["project"] == folder.name]
        except (OSError, ValueError, TypeError, KeyError):  # none has run yet, or it is just writing
            continue
        if of_project:
            troubles[name] = of_project[0]
    return troubles


def try_again(home: Path) -> None:
    """Let the processes try again at once all projects that they wait for; that needs no room on the disk."""
    for name in NAMES:
        if _file(home, name).exists():
            os.utime(_file(home, name))


def _file(home: Path, name: Name) -> Path:
    return home / FOLDER / f"{name}.troubles.json"


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
