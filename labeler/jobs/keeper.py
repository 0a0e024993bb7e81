"""What `serve` does for a home from time to time: it checks the databases and makes the backup that is due.

Each is done by a process of its own, which has the lowest priority and ends. What came of it is in a file of the home.
"""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from labeler.core.errors import DatabaseError, LabelerError
from labeler.core.whole_files import write_whole
from labeler.i18n.messages import Message, dump, load, mark
from labeler.projects import backup_settings
from labeler.projects import project as projects
from labeler.projects.backing_up import DATABASES, back_up
from labeler.store import copies

log = logging.getLogger(__name__)

Start = Callable[..., "subprocess.Popen[bytes]"]

FILE = ".kept.json"  # what came of it
ASKED = ".backup-asked"  # a file that asks for a backup now
FIRST_AFTER = 15.0  # seconds after `serve` began: it is loading until then
LOOK_EVERY = 2.0  # seconds between two looks whether something is due
CHECK_EVERY = 86_400.0  # seconds between two checks of the databases
TRY_AGAIN = timedelta(hours=1)  # after a backup that failed


@dataclass(frozen=True)
class Kept:
    """What came of the last check and the last backup of a home.

    damaged: what is wrong with each database, by its path below the home. failed: why the last backup was not made, as
    `dump` stores it; it was tried at failed_at.
    """

    checked_at: str = ""
    damaged: dict[str, str] = field(default_factory=dict)
    failed: str = ""
    failed_at: str = ""


def kept(home: Path) -> Kept:
    """What came of the last check and backup; nothing where there was none."""
    try:
        return Kept(**json.loads((home / FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return Kept()


def ask_for_backup(home: Path) -> None:
    """Let `serve` make a backup now."""
    (home / ASKED).touch()


def is_asked(home: Path) -> bool:
    """Whether a backup was asked for that is not finished."""
    return (home / ASKED).exists()


def keep(home: Path, checks: bool, now: datetime) -> None:
    """Check the databases if `checks`, make the backup that is due or asked for, and delete those that are too many."""
    if checks:
        damaged = check_databases(home)
        _note(home, checked_at=_moment(), damaged=damaged)
        for name, problem in damaged.items():
            log.error("%s is damaged: %s", home / name, problem)
    if not is_due(home, now):
        return
    try:
        made = back_up(home, backup_settings.place(home))
        backup_settings.thin(home, now)
        log.info("%s is the latest backup.", made.folder)
        _note(home, failed="", failed_at="")
        for name, reason in made.manifest.left_out.items():
            log.error("%s is not in it: %s", name, load(reason))
    except LabelerError as error:
        _fail(home, Message.of(error))
    except OSError as error:
        _fail(home, mark("{path}: {error}", path=error.filename or "", error=error.strerror or error))
    finally:
        (home / ASKED).unlink(missing_ok=True)


def is_due(home: Path, now: datetime) -> bool:
    """Whether a backup is asked for, or due by the settings; after a failure an hour is waited."""
    if not projects.in_home(home):
        return False
    if is_asked(home):
        return True
    try:
        next_at = backup_settings.next_at(home, now)
    except LabelerError as error:
        log.error("%s", error)
        return False
    failed_at = kept(home).failed_at
    if failed_at and now < datetime.fromisoformat(failed_at) + TRY_AGAIN:
        return False
    return next_at is not None and next_at <= now


def databases(home: Path) -> list[Path]:
    """The databases of a home's projects and accounts."""
    names = [folder / name for folder in (*projects.in_home(home), home) for name in DATABASES]
    return [path for path in dict.fromkeys(names) if path.exists()]


def check_databases(home: Path) -> dict[str, str]:
    """What SQLite finds wrong, by the path of each damaged database below the home."""
    damaged = {}
    for path in databases(home):
        try:
            if wrong := copies.problems(path):
                damaged[path.relative_to(home).as_posix()] = wrong[0]
        except DatabaseError as error:
            log.error("%s", error)
    return damaged


def end_logs(home: Path) -> None:
    """Bring the write-ahead log of each database into it, once nothing has it open: a copy of it is whole then."""
    for path in databases(home):
        try:
            copies.checkpoint(path)
        except (DatabaseError, copies.Locked) as error:
            log.warning("%s", error)


class Keeper:
    """Starts the process that keeps a home when something is due. start: starts a command, and returns its process."""

    def __init__(self, home: Path, environment: Mapping[str, str], start: Start = subprocess.Popen) -> None:
        self.home, self._environment, self._start = home, environment, start
        self._process: subprocess.Popen[bytes] | None = None
        self._next_look = time.monotonic() + FIRST_AFTER
        self._next_check = self._next_look

    def look(self) -> None:
        """Start the process if something is due and none is running. Cheap: it may be called often."""
        now = time.monotonic()
        if now < self._next_look or (self._process and self._process.poll() is None):
            return
        self._next_look = now + LOOK_EVERY
        checks = now >= self._next_check
        if checks or is_due(self.home, datetime.now(UTC)):
            self._next_check = now + CHECK_EVERY if checks else self._next_check
            command = [sys.executable, "-m", "labeler", "keep", str(self.home), *(["--check"] if checks else [])]
            self._process = self._start(command, env=self._environment, start_new_session=True)

    def stop(self) -> None:
        """End what runs: a backup that was begun is none."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def _fail(home: Path, message: Message) -> None:
    log.error("No backup was made: %s", message)
    _note(home, failed=dump(message), failed_at=_moment())


def _note(home: Path, **changes: object) -> None:
    write_whole(home / FILE, json.dumps(asdict(replace(kept(home), **changes)), ensure_ascii=False))  # type: ignore[arg-type]


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
