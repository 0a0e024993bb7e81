"""Files that are written whole or not at all, even if the process or the machine stops meanwhile."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"  # suffix of a file that is being written


def write_whole(path: Path, data: str | bytes) -> None:
    """Write a file whole or not at all; text is encoded in UTF-8, with its line ends unchanged."""
    with whole_file(path) as part:
        part.write_bytes(data.encode() if isinstance(data, str) else data)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; the file written there replaces `path` at the end of the block.

    Until then `path` is unchanged, even if the block fails or the machine loses power. File and folder are both
    synchronised with the disk, because a rename may reach the disk before the bytes do.
    """
    part = path.with_name(f".{uuid.uuid4().hex}{PART}")
    try:
        yield part
        _synchronise(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if os.name == "posix":  # elsewhere folders cannot be opened
        _synchronise(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, but not those above it, and put its name on the disk: files in it are lost without that."""
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        if os.name == "posix":  # as above
            _synchronise(folder.parent)


def _synchronise(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
