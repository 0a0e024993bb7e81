"""Files that are written whole or not at all, even if the process or the machine stops meanwhile."""

import os
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

PART = ".part"  # suffix of a file that is being written
_WAITING = 8  # threads that wait for the disk together: 500 small files take 0.1 s instead of 3 s one by one


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file whole or not at all; text is encoded in UTF-8, with its line ends unchanged."""
    with whole_file(path) as part:
        part.write_bytes(data.encode() if isinstance(data, str) else data)


def write_new(path: Path, data: str) -> None:
    """Write a file that is not there yet, whole or not at all; of several processes one writes it.

    Raises: FileExistsError: it is there.
    """
    part = path.with_name(f".{uuid.uuid4().hex}{PART}")
    try:
        part.write_bytes(data.encode())
        synchronise(part)
        try:
            os.link(part, path)  # fails, other than a rename, where the name is taken
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            path.open("x").close()
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    synchronise_folder(path.parent)


def write_for_now(path: Path, data: bytes) -> None:
    """Write a file whole or not at all as long as the machine runs; `synchronise_all` brings it onto the disk."""
    part = path.with_name(f".{uuid.uuid4().hex}{PART}")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def synchronise_all(paths: Iterable[Path]) -> None:
    """Bring many files, or folders, onto the disk: the system joins what several threads wait for."""
    with ThreadPoolExecutor(_WAITING) as threads:
        for _ in threads.map(synchronise, paths):
            pass


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; the file written there replaces `path` at the end of the block.

    Until then `path` is unchanged, even if the block fails or the machine loses power. File and folder are both
    synchronised with the disk, because a rename may reach the disk before the bytes do.
    """
    part = path.with_name(f".{uuid.uuid4().hex}{PART}")
    try:
        yield part
        synchronise(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    synchronise_folder(path.parent)


def synchronise_folder(folder: Path) -> None:
    """Bring the names in a folder onto the disk."""
    if os.name == "posix":  # elsewhere folders cannot be opened
        synchronise(folder)


def make_folder(folder: Path) -> None:
    """Make a folder, but not those above it, and put its name on the disk: files in it are lost without that."""
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        synchronise_folder(folder.parent)


def synchronise(path: Path) -> None:
    """Bring a file, or the names in a folder, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
