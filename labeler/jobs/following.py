"""The process of `serve` that copies a home to its standby every few seconds, and renews the lease of the home."""

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from labeler.core import lease
from labeler.core.errors import UNEXPECTED, LabelerError
from labeler.core.running import FOLDER, moment
from labeler.i18n.messages import dump, mark
from labeler.projects import backup_settings, standby
from labeler.projects.backup_settings import StandbySettings
from labeler.projects.home_copy import HomeCopy
from labeler.projects.standby import StandbyError, TakenOver

log = logging.getLogger(__name__)

FILE = "standby.json"
RENEWALS = 6  # of a lease in the time for which it holds
NOTHING_TO_RENEW = 1.0  # seconds between two marks where no lease is asked for


@dataclass(frozen=True)
class Following:
    """How the copy of a home is. holds: the moment up to which everything is in it, empty before the first time.

    seconds, bytes: of the last round. problem: what keeps it from going on, as `dump` stores it, since when.
    """

    to: str
    holds: str = ""
    seconds: float = 0.0
    bytes: int = 0
    problem: str = ""
    since: str = ""
    taken_over: str = ""  # by whom


def following(home: Path) -> Following | None:
    """How the copy of a home is, as the process said last; None where there is none."""
    try:
        return Following(**json.loads((home / FOLDER / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def follow(home: Path, should_stop: Callable[[], bool]) -> None:
    """Copy the home again and again until `should_stop`, once more then; end when the settings name another folder."""
    settings = backup_settings.home_settings(home).standby
    follower = Follower(home, settings)
    threading.Thread(target=follower.leave_marks, name="marks", daemon=True).start()
    try:
        while not should_stop() and backup_settings.home_settings(home).standby == settings:
            began = time.monotonic()
            follower.copy()
            while time.monotonic() < began + settings.every and not should_stop():
                time.sleep(min(0.1, settings.every))
        follower.copy()
    finally:
        follower.home_copy.close()


class Follower:
    """Copies a home to its standby, and leaves marks there; each in a thread of its own."""

    def __init__(self, home: Path, settings: StandbySettings) -> None:
        self.home, self.settings, self.folder = home, settings, Path(settings.to)
        self.home_copy = HomeCopy(home, self.folder / standby.COPY)
        before = following(home)
        self._state = (
            before if before and before.to == settings.to and not before.taken_over else Following(settings.to)
        )
        self._is_over = threading.Event()

    def leave_marks(self) -> None:
        """Renew the lease until the home was taken over."""
        while not self._is_over.is_set():
            began = lease.clock()
            try:
                there = standby.leave_mark(self.folder)
                if taken := standby.taken_over(self.folder):
                    self._stop(taken)
                elif self.settings.lease:  # whoever takes over waits for what stands there
                    lease.renew(self.home, began + min(self.settings.lease, there.lease))
            except (OSError, StandbyError) as error:
                log.warning("The standby is not reached: %s", error)
            time.sleep(self.settings.lease / RENEWALS or NOTHING_TO_RENEW)

    def copy(self) -> None:
        """Bring the copy up to date once, and write down how it is."""
        if self._is_over.is_set():
            return
        began, started = moment(), time.monotonic()
        try:
            there = standby.read(self.folder)
            if taken := standby.taken_over(self.folder):
                self._stop(taken)
                return
            done = self.home_copy.bring_up_to_date()
            if done.problems:
                raise next(iter(done.problems.values()))
            standby.write(self.folder, replace(there, holds=began, lease=self.settings.lease))
        except (LabelerError, OSError) as error:
            self._trouble(error)
        else:
            seconds = round(time.monotonic() - started, 3)
            self._say(replace(self._state, holds=began, seconds=seconds, bytes=done.bytes, problem="", since=""))

    def _trouble(self, error: Exception) -> None:
        """Keep what went wrong: the same again and again is logged once."""
        message = error if isinstance(error, LabelerError) else mark(UNEXPECTED, kind=type(error).__name__, error=error)
        problem = dump(message)
        if problem != self._state.problem:
            log.error("The standby is not up to date: %s", message)
        since = self._state.since or moment()
        self._say(replace(self._state, problem=problem, since=since))

    def _stop(self, taken: TakenOver) -> None:
        """Never renew the lease again, and write nothing to the standby."""
        self._is_over.set()
        log.error("The standby in %s was taken over by %s at %s.", self.folder, taken.by, taken.at)
        self._say(replace(self._state, taken_over=taken.by or "?", since=taken.at))

    def _say(self, state: Following) -> None:
        self._state = state
        path = self.home / FOLDER / FILE
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(state)), encoding="utf-8")
        part.replace(path)
