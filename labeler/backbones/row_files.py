"""Rows of one shape on disk, each with a key: append-only, and whole after a crash at any time.

Two files: the rows one after the other, and one key a line, in the same order.
"""

import mmap
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np

try:
    import fcntl
except ImportError:  # Windows: one process at a time is then up to who starts them
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True)
class RowFile:
    """A file of rows and the file of their keys. shape, dtype: of a row."""

    folder: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    rows_name: str
    keys_name: str

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize

    @property
    def rows_path(self) -> Path:
        return self.folder / self.rows_name

    @property
    def keys_path(self) -> Path:
        return self.folder / self.keys_name

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A block in which no other process writes."""
        with locked(self.folder):
            yield

    def repair(self) -> list[str]:
        """Cut off what a crash left half written and what is damaged, while it is locked.

        Returns: the key of each row. What was cut off can be made again.
        """
        for path in (self.rows_path, self.keys_path):
            path.touch()
        lines = takewhile(_is_key, self.keys_path.read_bytes().split(b"\n")[:-1])
        keys = [line.decode() for line, _ in zip(lines, range(self.count()), strict=False)]
        self.cut(keys)
        return keys

    def cut(self, keys: Sequence[str]) -> None:
        """Leave as many rows as there are `keys`, which are the first ones, while it is locked."""
        key_bytes = sum(len(key) + 1 for key in keys)
        for path, size in ((self.keys_path, key_bytes), (self.rows_path, len(keys) * self.row_bytes)):
            if path.stat().st_size != size:
                os.truncate(path, size)

    def append(self, keys: Sequence[str], rows: np.ndarray, durable: bool = True) -> None:
        """Add rows (k, *shape) and their keys, while it is locked.

        Args: durable: whether they are on the disk when it returns; else a crash may leave rows of zeros.
        """
        # Rows first: a key in the index promises that its row is on disk.
        _write(self.rows_path, np.ascontiguousarray(rows, dtype=self.dtype).data, durable)
        _write(self.keys_path, "".join(f"{key}\n" for key in keys).encode(), durable)

    def all(self) -> dict[str, int]:
        """The row of each key that is on disk. Nobody waits for who is writing."""
        try:
            whole = self.count()
            lines = self.keys_path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
        except FileNotFoundError:
            return {}
        return {key: row for row, key in enumerate(lines[:whole])}

    def key_bytes(self) -> int:
        """The size of the file of keys: it grows with each row."""
        return self.keys_path.stat().st_size if self.keys_path.exists() else 0

    def find(self, keys: Collection[str]) -> dict[str, int]:
        """The row of each of `keys` that is on disk. Nobody waits for who is writing."""
        try:
            whole = self.count()
            with self.keys_path.open(encoding="utf-8", errors="replace") as lines:
                return {
                    key: row for row, line in enumerate(lines) if row < whole and (key := line.rstrip("\n")) in keys
                }
        except FileNotFoundError:
            return {}

    def count(self) -> int:
        """How many whole rows are on disk.

        Raises: FileNotFoundError: there is no file yet.
        """
        return self.rows_path.stat().st_size // self.row_bytes

    def array(self, count: int) -> np.ndarray:
        """The first `count` rows, (count, *shape), read-only and memory-mapped."""
        if not count:
            return np.empty((0, *self.shape), dtype=self.dtype)
        return np.memmap(self.rows_path, dtype=self.dtype, mode="r", shape=(count, *self.shape))


def release(array: np.ndarray) -> None:
    """Give back the memory into which rows of a mapped array were read; what was read once is read again as fast, from
    the system's cache. Where single rows are read, the system maps what lies around them, so that all would be there.
    """
    if isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A block in which no other process writes rows into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield  # closing the file gives the lock back, also when the process dies


def _is_key(line: bytes) -> bool:
    """Whether a line can be a key, which is printable: a line of noise shifts all that come after it."""
    return bool(line) and line.isascii() and line.decode().isprintable()


def _write(path: Path, data: bytes | memoryview, durable: bool) -> None:
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())
