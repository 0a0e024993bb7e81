"""The copy of a home in the folder of its standby: brought up to date again and again, and whole at any moment."""

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from labeler.core.errors import LabelerError
from labeler.core.file_copies import copy, link
from labeler.core.whole_files import PART, whole_file
from labeler.projects import project as projects
from labeler.projects.backing_up import DATABASES, worth_keeping
from labeler.projects.private_files import OF_THE_HOME
from labeler.projects.shelf import on_shelf
from labeler.projects.standby import StandbyError
from labeler.store import copies
from labeler.store.shipping import Shipping, is_logged

MEDIA = "media"  # whose files are named by their content: there may be a million, and none ever changes
SETTLED = 2.0  # seconds after which the time of a folder tells all that was added: clocks of disks are coarse
AT_ONCE = 8  # files that are copied together: they wait for the disk together


@dataclass
class Round:
    """What one round copied, in bytes, and what kept each database from being copied."""

    bytes: int = 0
    problems: dict[str, Exception] = field(default_factory=dict)

    @contextmanager
    def noting(self, database: str) -> Iterator[None]:
        """A block in which what goes wrong with one database keeps no other from being copied."""
        try:
            yield
        except (LabelerError, OSError, copies.Locked) as error:
            self.problems[database] = error


class HomeCopy:
    """A home and its copy. Call `bring_up_to_date` again and again, from one thread."""

    def __init__(self, home: Path, target: Path) -> None:
        self.home, self.target = home, target
        self._databases: dict[str, Shipping] = {}
        self._files, self._media = _Files(home, target), _Media(home, target)
        self._gone: set[str] = set()  # projects that were gone the last time

    def bring_up_to_date(self) -> Round:
        """Copy what has changed.

        Logs are read first, then files are copied, then what was read of the logs: each file that a row of the copy
        names is there. What is gone is deleted last, and only if it was gone the time before.

        Raises: StandbyError: the home has no project any more, as if its disk were not mounted. OSError: the copy
                cannot be written.
        """
        folders, before = _folders(self.home), _folders(self.target)
        if before and not folders:
            raise StandbyError(
                "{home} has no project any more, and its copy has: is its disk mounted? Nothing was deleted.",
                home=self.home,
            )
        done = Round()
        self._follow(folders, done)
        for name, shipping in self._databases.items():
            with done.noting(name):
                shipping.take()
        done.bytes += self._media.copy(folders) + self._files.copy(folders)
        for name, shipping in self._databases.items():
            if name not in done.problems:
                with done.noting(name):
                    done.bytes += shipping.bring()
        self._files.delete()
        self._media.delete()
        gone = set(before) - set(folders)
        for name in gone & self._gone:
            shutil.rmtree(self.target / name)
        self._gone = gone
        return done

    def close(self) -> None:
        for shipping in self._databases.values():
            shipping.close()

    def _follow(self, folders: list[str], done: Round) -> None:
        """Begin to copy new databases, and end to copy those that are gone or were replaced."""
        paths = {
            path.relative_to(self.home).as_posix(): path
            for path in (self.home / folder / name for folder in (*folders, "") for name in DATABASES)
            if path.exists()
        }
        for name, shipping in list(self._databases.items()):
            if name not in paths or not shipping.is_of_source():
                shipping.close()
                del self._databases[name]
        for name in paths.keys() - self._databases.keys():
            with done.noting(name):
                if is_logged(paths[name]):
                    self._databases[name] = Shipping(paths[name], self.target / name)


class _Files:
    """The files of a home that change or are few: settings, models, cards, strategies, keys."""

    def __init__(self, home: Path, target: Path) -> None:
        self.home, self.target = home, target
        self._copied = _states(target, _folders(target))
        self._gone: set[str] = set()
        self._gone_before: set[str] = set()

    def copy(self, folders: list[str]) -> int:
        """Copy what is new or has changed; its bytes."""
        states = _states(self.home, folders)
        changed = [name for name, state in states.items() if self._copied.get(name) != state]
        self._gone_before, self._gone = self._gone, self._copied.keys() - states.keys()
        copied = _copy_all(self.home, self.target, changed)
        self._copied.update((name, states[name]) for name in changed)
        return copied

    def delete(self) -> None:
        for name in self._gone & self._gone_before:
            (self.target / name).unlink(missing_ok=True)
            del self._copied[name]


class _Media:
    """The images of a home, of which only the folders are looked at: a folder's time tells what was added to it."""

    def __init__(self, home: Path, target: Path) -> None:
        self.home, self.target = home, target
        self._settled: dict[str, int] = {}  # the time of each folder that is copied as it is
        self._subfolders: dict[str, list[str]] = {}
        self._there: dict[str, set[str]] = {}  # names in the copy of each folder
        self._gone: list[str] = []
        self._gone_before: list[str] = []

    def copy(self, folders: list[str]) -> int:
        """Copy what is new; its bytes."""
        self._gone_before, self._gone = self._gone, []
        copied = 0
        for folder in folders:
            copied += self._copy_folder(f"{folder}/{MEDIA}")
        return copied

    def delete(self) -> None:
        for name in self._gone_before:
            if not (self.home / name).exists():
                (self.target / name).unlink(missing_ok=True)
                folder, _slash, file = name.rpartition("/")
                self._there[folder].discard(file)

    def _copy_folder(self, name: str) -> int:
        path = self.home / name
        if not path.is_dir():
            return 0
        changed_at, copied = path.stat().st_mtime_ns, 0
        if self._settled.get(name) != changed_at:
            is_settled = time.time_ns() - changed_at > SETTLED * 1e9
            files, self._subfolders[name] = _content(path)
            if name not in self._there:
                self._there[name] = _content(self.target / name)[0]
            there = self._there[name]
            new = files - there
            copied = _copy_all(self.home, self.target, [f"{name}/{file}" for file in new], is_final=True)
            there |= new
            self._gone += [f"{name}/{file}" for file in there - files]
            if is_settled:
                self._settled[name] = changed_at
        return copied + sum(self._copy_folder(f"{name}/{folder}") for folder in self._subfolders[name])


def _folders(home: Path) -> list[str]:
    """The projects of a home, archived ones too, by their paths below it."""
    return [folder.relative_to(home).as_posix() for folder in (*projects.in_home(home), *on_shelf(home, "archive"))]


def _states(home: Path, folders: list[str]) -> dict[str, tuple[int, int]]:
    """Time and size of each file that changes or is one of few, by its path below the home."""
    paths = [path for folder in folders for path in worth_keeping(home / folder, without=MEDIA)]
    paths += [path for pattern in OF_THE_HOME for path in home.glob(pattern) if not path.name.startswith(DATABASES)]
    states = {}
    for path in paths:
        try:
            state = path.stat()
        except FileNotFoundError:  # it was pruned in this moment
            continue
        states[path.relative_to(home).as_posix()] = (state.st_mtime_ns, state.st_size)
    return states


def _content(folder: Path) -> tuple[set[str], list[str]]:
    """The names of the files in a folder, and of the folders; none where it is not there."""
    if not folder.is_dir():
        return set(), []
    with os.scandir(folder) as entries:
        found = list(entries)
    files = {entry.name for entry in found if entry.is_file(follow_symlinks=False) and not entry.name.endswith(PART)}
    return files, [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]


def _copy_all(home: Path, target: Path, names: list[str], is_final: bool = False) -> int:
    """Copy files, each whole or not at all; their bytes. is_final: whether a link may stand for a copy."""
    for folder in {(target / name).parent for name in names}:
        folder.mkdir(parents=True, exist_ok=True)

    def copy_one(name: str) -> int:
        try:
            with whole_file(target / name) as part:
                if not (is_final and link(home / name, part)):
                    copy(home / name, part)
            return (target / name).stat().st_size
        except FileNotFoundError:
            if (home / name).exists():
                raise
            return 0  # it was removed meanwhile

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return sum(threads.map(copy_one, names))
