"""Room on the disk, and how much of it folders take."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

# Below so much, a round or an import may fail soon. An answer needs a few kilobytes.
LITTLE_BYTES = 2 * 10**9
LITTLE_SHARE = 0.03


@dataclass(frozen=True)
class Room:
    """The disk that a folder lies on, in bytes."""

    free: int
    total: int

    @property
    def is_little(self) -> bool:
        return self.free < min(LITTLE_BYTES, LITTLE_SHARE * self.total)


def room(folder: Path) -> Room:
    """The room on the disk that a folder lies on, or will lie on once made. Raises: OSError: it cannot be read."""
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    usage = shutil.disk_usage(there)
    return Room(usage.free, usage.total)


def size(folder: Path) -> int:
    """The bytes that the files below a folder take on the disk; a file with several names counts once.

    What vanishes meanwhile, or cannot be read, counts nothing.
    """
    taken, seen_inodes = 0, set()
    for place, _folders, names in os.walk(folder):
        for name in names:
            try:
                file = os.lstat(os.path.join(place, name))
            except OSError:
                continue
            if file.st_nlink > 1:
                if file.st_ino in seen_inodes:
                    continue
                seen_inodes.add(file.st_ino)
            taken += getattr(file, "st_blocks", 0) * 512 or file.st_size
    return taken
