"""Rows of one shape on disk, each found by a key: append-only, and whole after a crash at any time.

Two files: the rows one after the other, and one key a line, in the same order.
"""

import os
import secrets
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


# The files of an encoder's features, one row an item by its content hash.
FEATURES, FEATURE_KEYS = "vectors.f32", "hashes.txt"
CHECKED_AT_ONCE = 65_536  # rows
# The state in which each file of rows was found whole: time, size, number of rows.
_checked: dict[Path, tuple[int, int, int]] = {}


@dataclass(frozen=True)
class RowFile:
    """A file of rows and the file of their keys. shape, dtype: of a row."""

    folder: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    rows_name: str
    keys_name: str

    @property
    def row_numbers(self) -> int:
        return int(np.prod(self.shape))

    @property
    def row_bytes(self) -> int:
        return self.row_numbers * self.dtype.itemsize

    @property
    def _rows(self) -> Path:
        return self.folder / self.rows_name

    @property
    def _keys(self) -> Path:
        return self.folder / self.keys_name

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A block in which no other process writes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file gives the lock back, also when the process dies

    def repair(self) -> dict[str, int]:
        """Cut off what a crash left half written and what is damaged, while it is locked.

        Returns: the row of each key. What was cut off is not among them, and can be made again.
        """
        for path in (self._rows, self._keys):
            path.touch()
        lines = list(takewhile(_is_key, self._keys.read_bytes().split(b"\n")[:-1]))
        whole = min(len(lines), self._rows.stat().st_size // self.row_bytes)
        whole = self._whole_numbers(whole)
        key_bytes = sum(len(line) + 1 for line in lines[:whole])
        for path, size in ((self._keys, key_bytes), (self._rows, whole * self.row_bytes)):
            if path.stat().st_size != size:
                os.truncate(path, size)
        return {line.decode(): row for row, line in enumerate(lines[:whole])}

    def _whole_numbers(self, count: int) -> int:
        """How many of the first `count` rows come before one that holds NaN or infinity, which nobody wrote.

        All rows are read once for each state of the file, as the disk could have changed any of them.
        """
        state = self._rows.stat()
        fingerprint = (state.st_mtime_ns, state.st_size, count)
        if _checked.get(self._rows) == fingerprint or self.dtype.kind != "f":
            return count
        rows = self.array(count)
        for start in range(0, count, CHECKED_AT_ONCE):
            is_finite = np.isfinite(rows[start : start + CHECKED_AT_ONCE]).reshape(-1, self.row_numbers).all(axis=1)
            if not is_finite.all():
                return start + int(np.argmin(is_finite))
        _checked[self._rows] = fingerprint
        return count

    def append(self, keys: Sequence[str], rows: np.ndarray, durable: bool = True) -> None:
        """Add rows (k, *shape) and their keys, while it is locked.

        Args: durable: whether they are on the disk when it returns; else a crash may leave rows of zeros.
        """
        # Rows first: a key in the index promises that its row is on disk.
        _write(self._rows, np.ascontiguousarray(rows, dtype=self.dtype).data, durable)
        _write(self._keys, "".join(f"{key}\n" for key in keys).encode(), durable)

    def all(self) -> dict[str, int]:
        """The row of each key that is on disk. Nobody waits for who is writing."""
        try:
            whole = self.count()
            lines = self._keys.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
        except FileNotFoundError:
            return {}
        return {key: row for row, key in enumerate(lines[:whole])}

    def key_bytes(self) -> int:
        """The size of the file of keys: it grows with each row."""
        return self._keys.stat().st_size if self._keys.exists() else 0

    def find(self, keys: Collection[str]) -> dict[str, int]:
        """The row of each of `keys` that is on disk. Nobody waits for who is writing."""
        try:
            whole = self.count()
            with self._keys.open(encoding="utf-8", errors="replace") as lines:
                return {
                    key: row for row, line in enumerate(lines) if row < whole and (key := line.rstrip("\n")) in keys
                }
        except FileNotFoundError:
            return {}

    def count(self) -> int:
        """How many whole rows are on disk.

        Raises: FileNotFoundError: there is no file yet.
        """
        return self._rows.stat().st_size // self.row_bytes

    def array(self, count: int) -> np.ndarray:
        """The first `count` rows, (count, *shape), read-only and memory-mapped."""
        if not count:
            return np.empty((0, *self.shape), dtype=self.dtype)
        return np.memmap(self._rows, dtype=self.dtype, mode="r", shape=(count, *self.shape))


def erase_rows(top: Path, keys: Collection[str]) -> int:
    """Overwrite the rows of these keys, and the keys themselves, in all files of features below a folder; how many.

    The places of the other rows stay. Nobody finds a row that was overwritten.
    """
    names, erased = {key.encode() for key in keys}, 0
    for path in top.rglob(FEATURE_KEYS) if names else ():
        rows = path.with_name(FEATURES)
        with (path.with_name("lock")).open("w") as lock:
            if fcntl:
                fcntl.flock(lock, fcntl.LOCK_EX)
            lines = path.read_bytes().split(b"\n")[:-1]
            size, rest = divmod(rows.stat().st_size, len(lines)) if lines else (0, 0)
            if rest:  # a crash left half a row: nobody knows where the others begin, and all can be made again
                path.write_bytes(b"")
                rows.write_bytes(b"")
                continue
            with path.open("r+b") as key_file, rows.open("r+b") as row_file:
                for number, line in enumerate(lines):
                    if line in names:
                        key_file.seek(sum(len(before) + 1 for before in lines[:number]))
                        key_file.write(secrets.token_hex(len(line))[: len(line)].encode())  # no two keys are equal
                        row_file.seek(number * size)
                        row_file.write(bytes(size))
                        erased += 1
                for file in (key_file, row_file):
                    file.flush()
                    os.fsync(file.fileno())
    return erased


def _is_key(line: bytes) -> bool:
    """Whether a line can be a key, which is printable: a line of noise shifts all that come after it."""
    return bool(line) and line.isascii() and line.decode().isprintable()


def _write(path: Path, data: bytes | memoryview, durable: bool) -> None:
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(file.fileno())
