"""Copies of files, and the hashes that tell whether a file is what it was."""

import hashlib
import os
import shutil
from pathlib import Path

CHUNK = 1 << 20


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as hex digits. Raises: OSError: it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> str:
    """Copy a file with its time and rights onto the disk; the SHA-256 of what was read."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            write.write(chunk)
        write.flush()
        os.fsync(write.fileno())
    shutil.copystat(source, target)
    return digest.hexdigest()


def link(source: Path, target: Path) -> bool:
    """Whether `target` is now a hard link to `source`: not across disks, and not where the file system has none.

    Raises: FileNotFoundError: there is no such file.
    """
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def link_or_copy(source: Path | str, target: Path | str) -> None:
    """Give a file a second name where that is possible, else copy it."""
    source, target = Path(source), Path(target)
    target.unlink(missing_ok=True)
    if not link(source, target):
        shutil.copyfile(source, target)
