"""A watched folder of the server. Only folders that whoever runs the server has named are read, and no link in them."""

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labeler.feeds.files import Seen
from labeler.feeds.look import FeedError
from labeler.files.sources import decode_name
from labeler.i18n.messages import mark

VARIABLE = "LABELER_WATCHED_FOLDERS"  # paths, as in PATH: folders below them may be watched
SETTLED = 3.0  # seconds that a file must have been left alone: it may be being written


@dataclass(frozen=True)
class Folder:
    """A folder that is watched, with what lies below it."""

    path: Path

    def files(self, _after: str = "") -> Iterator[Seen]:
        """The files in the order of their names, other than hidden ones, links, and those that are being written; all
        of them, since they are listed fast.

        Raises: FeedError: the folder cannot be listed.
        """
        for folder, folders, names in os.walk(self.path, onerror=self._failed):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(name for name in names if not name.startswith(".")):
                path = Path(folder, name)
                try:
                    found = path.lstat()
                except OSError:  # it is gone meanwhile
                    continue
                if stat.S_ISREG(found.st_mode) and not 0 <= time.time() - found.st_mtime < SETTLED:
                    version = f"{found.st_mtime_ns}-{found.st_size}"
                    below = decode_name(os.fsencode(path.relative_to(self.path).as_posix()))
                    yield Seen(below, version, found.st_size, path)

    def _failed(self, error: OSError) -> None:
        if error.filename and Path(error.filename) == self.path:
            raise FeedError(
                "{folder} cannot be listed: {problem}.", folder=self.path, problem=error.strerror or error
            ) from error

    def fetch(self, seen: Seen, target: Path) -> str:
        """Copy a file; why that cannot be done, "" if it is."""
        path = seen.path or self.path / seen.name
        try:
            # neither a link that took its place, nor a pipe that would be waited for
            number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            return mark("cannot be read ({error})", error=error.strerror or error)
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode) or not self._is_inside(path, os.fstat(number)):
                return mark("is a link, or is reached by one")
            try:
                with target.open("wb") as copy:
                    shutil.copyfileobj(file, copy)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):  # of the project's own disk
                    raise
                target.unlink(missing_ok=True)
                return mark("cannot be read ({error})", error=error.strerror or error)
        return ""

    def _is_inside(self, path: Path, opened: os.stat_result) -> bool:
        """Whether the opened file lies below the folder, though somebody may have put links into the path meanwhile."""
        try:
            real = path.resolve(strict=True)
            return real.is_relative_to(self.path) and os.path.samestat(real.lstat(), opened)
        except OSError:
            return False

    def address(self, seen: Seen) -> None:
        """None: images are copied into the project."""


def watched(place: str, home: Path, environment: Mapping[str, str] = os.environ) -> Folder:
    """The folder at a path, if it may be watched. Links in the path itself are followed before that is decided.

    Args:   home: where the projects are, which are nobody's new items.
    Raises: FeedError: it may not be watched, or is not there.
    """
    path = Path(place)
    real, own = path.resolve(), home.resolve()
    named = [Path(entry).resolve() for entry in environment.get(VARIABLE, "").split(os.pathsep) if entry.strip()]
    if not path.is_absolute() or not any(real.is_relative_to(folder) for folder in named):
        raise FeedError(
            "{folder} is in no folder that this server may watch: whoever runs it names them in {variable}.",
            folder=place,
            variable=VARIABLE,
        )
    if real.is_relative_to(own) or own.is_relative_to(real):
        raise FeedError("{folder} holds the projects of this server: watch another folder.", folder=place)
    if not os.path.isdir(real):  # also where its disk does not answer, which `Path.is_dir` raises
        raise FeedError("{folder} is not there, or is no folder.", folder=place)
    return Folder(real)
