"""Files of a home that the machine's other users cannot read."""

import os
from collections.abc import Iterator
from pathlib import Path

from labeler.projects import project as projects
from labeler.projects.shelf import FOLDERS

UMASK = 0o077  # of all processes: what they write, nobody else reads
OTHERS = 0o077  # the rights of group and others
OF_THE_HOME = ("accounts.sqlite*", "replies.sqlite*", ".secret*", "*.toml")  # files beside the projects


def close_to_others(home: Path) -> tuple[int, int]:
    """Take every right on a home's files and folders from other users; how many were open, and how many still are.

    Older versions left it to the machine's settings who reads new files. Those that belong to another user, who alone
    can close them, and those on a disk that is mounted read-only stay open.
    """
    closed = still_open = 0
    for path in _written_here(home):
        try:
            mode = path.lstat().st_mode
            if mode & OTHERS and not path.is_symlink():
                path.chmod(mode & 0o777 & ~OTHERS)
                closed += 1
        except FileNotFoundError:  # a process that is running has removed it
            continue
        except OSError:  # they are another user's, or their disk is mounted read-only
            still_open += 1
    return closed, still_open


def _written_here(home: Path) -> Iterator[Path]:
    """The home, and all files and folders in it that are the labeler's."""
    if os.name != "posix" or not home.is_dir():
        return
    yield home
    for pattern in OF_THE_HOME:
        yield from home.glob(pattern)
    shelves = [home / name for name in FOLDERS.values() if (home / name).is_dir()]
    for top in [*shelves, *(folder for folder in projects.in_home(home) if folder != home), *_own(home)]:
        yield top
        for folder, folders, files in os.walk(top):
            yield from (Path(folder, name) for name in (*folders, *files))


def _own(home: Path) -> list[Path]:
    return [home] if projects.is_project(home) else []
