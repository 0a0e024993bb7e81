"""The standby of a home: a folder on another disk that has the home as it was seconds ago, and may be taken over.

Two servers must never store answers for one home. The first one renews a mark in the standby's folder, and stores
answers for `lease` seconds after that only. Whoever takes over waits until the mark has not changed for longer than
that, writes that the home was taken over, and looks once more; the first one looks for that after each mark. No clock
of one machine is compared with that of another.
"""

import json
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import tomlkit

from labeler.core.actor import actor_of_process
from labeler.core.errors import DatabaseError, LabelerError
from labeler.core.whole_files import write_whole
from labeler.projects import backup_settings
from labeler.projects import project as projects
from labeler.projects.backing_up import DATABASES
from labeler.store import copies

STATE, MARK, TAKEN_OVER = "standby.json", "mark", "taken-over.json"  # in the standby's folder
COPY, HOME = ".copy", "home"  # the copy of the home there, and its name once it is the home
MARGIN = 5.0  # seconds beyond the lease for which the mark is watched
LOOK_EVERY = 0.5  # seconds between two looks at the mark


class StandbyError(LabelerError):
    """A standby cannot be set up, continued or taken over."""


@dataclass(frozen=True)
class Standby:
    """What the standby's folder says of itself.

    of: host and folder of the home. lease: of the settings. holds: the moment up to which everything that was stored
    is in the copy, ISO 8601 in UTC; empty before the first copy is complete.
    """

    of: str
    lease: float
    holds: str = ""


@dataclass(frozen=True)
class TakenOver:
    """Who has taken a home over, and when; holds: the moment that the copy had."""

    by: str
    at: str
    holds: str


def set_up(home: Path, folder: Path, every: float, lease: float) -> None:
    """Make `folder` the standby of `home`, in `home.toml` too.

    Raises: StandbyError: the folder is not empty and no standby of this home, or lies in the home.
    """
    home, folder = home.resolve(), folder.resolve()
    if projects.is_project(home):
        raise StandbyError("{folder} is a project: name the home, which is the folder of projects.", folder=home)
    if folder.is_relative_to(home) or home.is_relative_to(folder):
        raise StandbyError("{folder} and the home {home} lie in each other.", folder=folder, home=home)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / STATE).exists():
        there = read(folder)
        if there.of != name_of(home):
            raise StandbyError("{folder} is the standby of {other} already.", folder=folder, other=there.of)
        if taken := taken_over(folder):
            raise StandbyError(
                "The standby in {folder} was taken over at {at}: choose a new folder.", folder=folder, at=taken.at
            )
        write(folder, replace(there, lease=lease))
    elif any(folder.iterdir()):
        raise StandbyError("{folder} is not empty: a standby needs a folder of its own.", folder=folder)
    else:
        write(folder, Standby(name_of(home), lease))
    _write_settings(home, {"to": str(folder), "every": every, "lease": lease})


def end(home: Path) -> None:
    """Let the home have no standby any more; the copy stays where it is."""
    _write_settings(home, None)


def name_of(home: Path) -> str:
    """The host and the folder of a home."""
    return f"{socket.gethostname()}:{home.resolve()}"


def read(folder: Path) -> Standby:
    """What the standby in `folder` says of itself. Raises: StandbyError: there is none."""
    try:
        return Standby(**json.loads((folder / STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise StandbyError(
            "{folder} is no standby, or its disk is not mounted: it has no {file}.", folder=folder, file=STATE
        ) from None


def write(folder: Path, standby: Standby) -> None:
    write_whole(folder / STATE, json.dumps(asdict(standby)))


def taken_over(folder: Path) -> TakenOver | None:
    """Who has taken over the standby in `folder`; None where nobody has. Raises: OSError: it cannot be told."""
    try:
        return TakenOver(**json.loads((folder / TAKEN_OVER).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # it is just written, or damaged: somebody has
        return TakenOver("", "", "")


def leave_mark(folder: Path) -> Standby:
    """Say in the standby's folder that the first server is there; what stands there.

    Raises: StandbyError, OSError: the folder is not reached.
    """
    standby = read(folder)  # an empty mount point has none
    write_whole(folder / MARK, uuid.uuid4().hex)
    return standby


@dataclass(frozen=True)
class Taken:
    """A home that was taken over. holds: the moment up to which everything is in it; latest: when the last answer in
    each project was stored, empty where there is none; problems: what is wrong with its databases, by their paths.
    """

    home: Path
    holds: str
    latest: dict[str, str]
    problems: dict[str, str]


def take_over(folder: Path, watches: bool = True, wait: Callable[[float], None] = time.sleep) -> Taken:
    """Make the copy in a standby's folder the home.

    Args:   watches: whether to wait until the first server is known to store nothing; without that, whoever calls
            this knows that it is off. wait: for so many seconds.
    Raises: StandbyError: there is no complete copy, it was taken over before, or the first server is alive.
    """
    standby = read(folder)
    if not standby.holds or not (folder / COPY).is_dir():
        raise StandbyError("The copy in {folder} is not complete, and cannot be taken over.", folder=folder)
    if (earlier := taken_over(folder)) and (folder / HOME).exists():
        raise StandbyError("{folder} was taken over at {at} already.", folder=folder, at=earlier.at)
    mark = _mark(folder)
    for _ in range(round((standby.lease + MARGIN) / LOOK_EVERY) if watches else 0):
        wait(LOOK_EVERY)
        _check_silent(folder, mark)
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    write_whole(folder / TAKEN_OVER, json.dumps(asdict(TakenOver(socket.gethostname(), moment, standby.holds))))
    try:
        _check_silent(folder, mark)  # it may have come back between the last look and that
    except StandbyError:
        (folder / TAKEN_OVER).unlink()
        raise
    # What the first server may still be writing goes to files of the old folder, or of logs that are folded below.
    _write_settings(folder / COPY, None)
    home = folder / HOME
    (folder / COPY).rename(home)
    holds, problems = read(folder).holds, _problems(home)
    latest = {}
    for folder in projects.in_home(home):
        if f"{folder.name}/{projects.DATABASE}" not in problems:
            project = projects.open_project(folder, actor_of_process())
            with project.store() as store:
                latest[folder.name] = store.answers.latest()
                store.audit.record(project.actor, "standby taken over", {"holds": holds})
    return Taken(home, holds, latest, problems)


def _mark(folder: Path) -> str:
    try:
        return (folder / MARK).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _check_silent(folder: Path, mark: str) -> None:
    if _mark(folder) != mark:
        raise StandbyError(
            "The first server is alive and renews its mark in {folder}: end it before you take over.", folder=folder
        )


def _problems(home: Path) -> dict[str, str]:
    """What is wrong with each database of the copy, after its log was brought into it."""
    wrong = {}
    for path in [folder / name for folder in (*projects.in_home(home), home) for name in DATABASES]:
        if not path.exists():
            continue
        try:
            copies.fold(path)
            found = copies.problems(path)
        except DatabaseError as error:
            found = [str(error)]
        if found:
            wrong[path.relative_to(home).as_posix()] = found[0]
    return wrong


def _write_settings(home: Path, values: dict[str, object] | None) -> None:
    """Write the section of the standby into `home.toml`, or remove it; the rest stays as it is."""
    backup_settings.home_settings(home)  # raises what is wrong with the file
    path = home / backup_settings.FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig")) if path.exists() else tomlkit.document()
    document.pop("standby", None)
    if values is not None:
        document["standby"] = tomlkit.item(values)
    if path.exists() or values is not None:
        write_whole(path, tomlkit.dumps(document).rstrip() + "\n")
