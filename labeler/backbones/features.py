"""Features on disk: shards of rows in float16, each row found by the content hash of its item, with their sums.

An encoder has a folder, and a shard three files in it: `00000.f16` the rows, `00000.keys` their hashes, and
`00000.sums` what was computed from the rows when they were last read through. Rows that float16 cannot hold lie in a
shard of float32 (`00000.f32`). A file of float32 of a version that knew no shards is the first shard as it is.
"""

import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from labeler.backbones.row_files import RowFile, locked, release
from labeler.core.hashes import hashes_in
from labeler.core.whole_files import synchronise, write_whole

SHARD = 65_536  # rows
LOST = 2.0**-10  # share of a row's largest number that its numbers may lose in float16
BLOCK = 1024  # rows that are read at a time
MIXER = np.uint64(0x9E3779B97F4A7C15)  # odd, with as many ones as zeros: 2⁶⁴ over the golden ratio (Knuth, 6.4)
NARROW, WIDE, KEYS, SUMS = ".f16", ".f32", ".keys", ".sums"
SUFFIXES = (NARROW, WIDE, KEYS, SUMS)  # of the files that can all be made again
FORMER = ("vectors.f32", "hashes.txt")  # the rows and keys of a version that knew no shards


@dataclass(frozen=True)
class Shard:
    """The rows of one file, found by numbers in place of their keys, which stay on disk.

    digests: (k,) uint64 of the keys, sorted, see `_digests`. rows: (k,) int32, the row of each digest. total: (d,)
    float64, the sum of the rows.
    """

    file: RowFile
    digests: np.ndarray
    rows: np.ndarray
    total: np.ndarray

    @classmethod
    def of(cls, file: RowFile, keys: np.ndarray, total: np.ndarray) -> Self:
        """The shard whose rows have these keys (k,) bytes."""
        digests = _digests(keys)
        order = np.argsort(digests, kind="stable")
        return cls(file, digests[order], order.astype(np.int32), total)

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def keys(self) -> np.ndarray:
        """(k,) bytes, read from the disk."""
        return hashes_in(self.file.keys_path.read_bytes())[: len(self)]


_full: dict[Path, tuple[list[int], Shard]] = {}  # by their files, with the state in which they were found


@dataclass(frozen=True)
class FeatureFiles:
    """The shards of an encoder in a folder. width: columns of a row."""

    folder: Path
    width: int

    def locked(self) -> Any:
        """A block in which no other process writes."""
        return locked(self.folder)

    def files(self) -> list[RowFile]:
        """The files of the shards, in the order in which they were written."""
        names = sorted(path.name for path in self.folder.glob("[0-9]*") if path.suffix in (NARROW, WIDE))
        former = [FORMER] if (self.folder / FORMER[0]).exists() else []
        return [self._file(*pair) for pair in (*former, *((name, f"{Path(name).stem}{KEYS}") for name in names))]

    def shards(self) -> list[Shard]:
        """The shards, while they are locked. What a crash tore and what is damaged is cut off first.

        A shard is read through once for each state of its files, as the disk could have changed any row.
        """
        return [_shard(file) for file in self.files()]

    def append(self, keys: np.ndarray, rows: np.ndarray) -> None:
        """Add rows (k, width) float32 and their keys (k,) bytes, while they are locked."""
        rows, names, start = narrowed(rows), [key.decode() for key in keys.tolist()], 0
        while start < len(names):
            file = self._open(rows.dtype)
            stop = start + SHARD - (file.count() if file.rows_path.exists() else 0)
            file.append(names[start:stop], rows[start:stop])
            start = stop

    def find(self, keys: Collection[str]) -> tuple["Features", dict[str, int]]:
        """All features that are on disk, and the row of each of `keys` among them. Nobody waits for who is writing."""
        files, counts, rows = list[RowFile](), list[int](), dict[str, int]()
        for file in self.files():
            with suppress(FileNotFoundError):
                rows |= {key: sum(counts) + row for key, row in file.find(keys).items()}
                files, counts = [*files, file], [*counts, file.count()]
        whole = np.arange(sum(counts))
        return Features(tuple(files), tuple(counts), whole, self.width), rows

    def _open(self, dtype: np.dtype) -> RowFile:
        """The file of the last shard if it has room for rows of this type, else that of a new one."""
        files = self.files()
        if files and files[-1].dtype == dtype and files[-1].count() < SHARD:
            return files[-1]
        numbers = [int(file.rows_path.stem) for file in files if file.rows_name != FORMER[0]]
        name = f"{max(numbers, default=-1) + 1:05d}"
        return self._file(f"{name}{NARROW if dtype == np.float16 else WIDE}", f"{name}{KEYS}")

    def _file(self, rows_name: str, keys_name: str) -> RowFile:
        return RowFile(self.folder, (self.width,), _dtype(rows_name), rows_name, keys_name)


@dataclass(frozen=True)
class Features:
    """Features of n items by position, (n, width), which stay on disk and are float32 when they are read.

    files: of the shards. counts: rows of each. rows: (n,) int, which of all these rows each position has.
    totals: for each shard (width,) float64, the sum of its rows; empty: it is not known.
    """

    files: tuple[RowFile, ...]
    counts: tuple[int, ...]
    rows: np.ndarray
    width: int
    totals: tuple[np.ndarray, ...] = ()

    def __post_init__(self) -> None:
        self._arrays  # noqa: B018 (opened now: they can be read even if their files are removed meanwhile)

    @classmethod
    def of(cls, shards: Sequence[Shard], rows: np.ndarray, width: int) -> "Features":
        """The features of the items that have these rows (n,) of the shards, see `rows_of`."""
        counts = tuple(map(len, shards))
        totals = tuple(shard.total for shard in shards)
        return cls(tuple(shard.file for shard in shards), counts, rows, width, totals)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), self.width

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, positions: Any) -> np.ndarray:
        """(k, width) float32 at `positions`: a slice, or (k,) int or bool; (width,) of a single one."""
        rows = self.rows[positions]
        return self._read(rows[None])[0] if rows.ndim == 0 else self._read(rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or np.float32, copy=False)

    def __getstate__(self) -> dict[str, Any]:
        """Another process opens the files itself."""
        return {name: value for name, value in vars(self).items() if name != "_arrays"}

    def mean(self) -> np.ndarray:
        """(width,) float64. Of shards that are used as a whole, or nearly so, few rows or none are read."""
        total, times = np.zeros(self.width), np.bincount(self.rows, minlength=sum(self.counts))
        for number, (start, array) in enumerate(zip(self._starts, self._arrays, strict=True)):
            left = times[start : start + len(array)]
            if self.totals and np.count_nonzero(left == 1) > len(array) // 2:
                total += self.totals[number]
                left = left - 1
            used = np.flatnonzero(left)
            for begin in range(0, len(used), BLOCK):
                block = used[begin : begin + BLOCK]
                total += left[block] @ array[block].astype(np.float64)
        return total / max(len(self.rows), 1)

    @cached_property
    def _arrays(self) -> list[np.ndarray]:
        return [file.array(count) for file, count in zip(self.files, self.counts, strict=True)]

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])[:-1]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        """(k, width) float32 at `rows` (k,) of all shards."""
        result = np.empty((len(rows), self.width), dtype=np.float32)
        shard_of = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(shard_of).tolist():
            here = np.flatnonzero(shard_of == number)
            result[here] = self._arrays[number][rows[here] - self._starts[number]]
            if len(rows) >= BLOCK:
                release(self._arrays[number])
        return result


def as_keys(hashes: Sequence[str] | np.ndarray) -> np.ndarray:
    """(n,) bytes: hashes as shards hold them."""
    return np.asarray(hashes, dtype=np.bytes_)


def rows_of(shards: Sequence[Shard], keys: np.ndarray, expected: np.ndarray | None = None) -> np.ndarray:
    """(n,) int: the row of each key among those of all shards; −1 where it is in none.

    Args: expected: (n,) int, where they were before; only those that are no longer there are searched for.
    """
    if expected is None:
        return _confirmed(shards, _found(shards, _digests(keys)), keys)
    rows = _confirmed(shards, expected, keys)
    left = np.flatnonzero(rows < 0)
    rows[left] = rows_of(shards, keys[left])
    return rows


def _found(shards: Sequence[Shard], digests: np.ndarray) -> np.ndarray:
    """(n,) int: the last row of all shards whose key has each of these digests; −1: there is none.

    Both sides are sorted, so that what is compared lies close together however many there are.
    """
    order = np.argsort(digests)
    digests = digests[order]
    firsts = np.flatnonzero(np.diff(digests, prepend=~digests[:1]))  # of equal ones
    distinct, start = digests[firsts], 0
    found = np.full(len(distinct), -1, dtype=np.int64)
    for shard in shards:
        if len(distinct) < len(shard):
            places = np.searchsorted(shard.digests, distinct, side="right") - 1  # −1 is the last one, which is unequal
            there = np.flatnonzero(shard.digests[places] == distinct)
            found[there] = start + shard.rows[places[there]]
        elif len(shard):
            places = np.minimum(np.searchsorted(distinct, shard.digests), len(distinct) - 1)
            there = np.flatnonzero(distinct[places] == shard.digests)
            found[places[there]] = start + shard.rows[there]
        start += len(shard)
    rows = np.empty(len(digests), dtype=np.int64)
    rows[order] = np.repeat(found, np.diff(firsts, append=len(digests)))
    return rows


def _digests(keys: np.ndarray) -> np.ndarray:
    """(n,) uint64: numbers that are compared in place of keys (n,) bytes, which takes a tenth of the time.

    Different keys hardly ever have the same one, and the same key has it whatever the width of the array.
    """
    words = -(-keys.itemsize // 8)
    digests = np.zeros(len(keys), dtype=np.uint64)
    for start in range(0, len(keys), SHARD):  # which stays in a core's cache
        part = keys[start : start + SHARD].astype(f"S{8 * words}").view(np.uint64).reshape(-1, words)
        for column in range(words - 1, -1, -1):  # words of zeros come first, and change nothing
            mixed = (digests[start : start + SHARD] ^ part[:, column]) * MIXER
            digests[start : start + SHARD] = mixed ^ mixed >> np.uint64(29)
    return digests


def _confirmed(shards: Sequence[Shard], rows: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """(n,) int: the row that was found for each key, −1 where it has not this very key."""
    ends = np.cumsum([len(shard) for shard in shards], dtype=np.int64)
    number = np.searchsorted(ends, rows, side="right")
    number[rows < 0] = len(shards)
    order = np.argsort(number.astype(np.uint16) if len(shards) < 1 << 16 else number, kind="stable")
    stops, confirmed = np.cumsum(np.bincount(number, minlength=len(shards))), np.full(len(rows), -1, dtype=np.int64)
    for shard, end, start, stop in zip(shards, ends, [0, *stops], stops, strict=False):
        if start < stop:
            here = order[start:stop]
            is_right = shard.keys[rows[here] - (end - len(shard))] == keys[here]
            confirmed[here[is_right]] = rows[here[is_right]]
    return confirmed


def narrowed(rows: np.ndarray) -> np.ndarray:
    """The rows (k, d) float32 in float16, or as they are if that would lose much of one of them."""
    with np.errstate(over="ignore"):
        narrow = rows.astype(np.float16)
    lost = np.abs(rows - narrow).max(axis=1, initial=0.0)
    return narrow if (lost <= LOST * np.abs(rows).max(axis=1, initial=0.0)).all() else rows


def feature_files(top: Path) -> Iterator[RowFile]:
    """The files of all shards below a folder."""
    for keys in sorted([*top.rglob(FORMER[1]), *top.rglob(f"[0-9]*{KEYS}")]):
        names = (FORMER[0], f"{keys.stem}{NARROW}", f"{keys.stem}{WIDE}")
        for name in names[:1] if keys.name == FORMER[1] else names[1:]:
            if (rows := keys.with_name(name)).exists():
                width = rows.stat().st_size // max(keys.read_bytes().count(b"\n"), 1) // _dtype(name).itemsize
                yield RowFile(keys.parent, (width,), _dtype(name), name, keys.name)


def erase_rows(top: Path, keys: Collection[str]) -> int:
    """Overwrite the rows of these keys, and the keys themselves, in all files of features below a folder; how many.

    The places of the other rows stay. Nobody finds a row that was overwritten.
    """
    erased = 0
    for file in feature_files(top) if keys else ():
        with file.locked():
            lines = file.keys_path.read_bytes().split(b"\n")[:-1]
            if file.rows_path.stat().st_size != len(lines) * file.row_bytes:
                file.cut([])  # a crash left half a row: nobody knows where the others begin, and all can be made again
            elif rows := [row for row, line in enumerate(lines) if line.decode(errors="replace") in keys]:
                _overwrite(file, lines, rows)
                erased += len(rows)
    return erased


def _overwrite(file: RowFile, lines: Sequence[bytes], rows: Sequence[int]) -> None:
    places = np.concatenate([[0], np.cumsum([len(line) + 1 for line in lines])])
    with file.keys_path.open("r+b") as key_file, file.rows_path.open("r+b") as row_file:
        for row in rows:
            key_file.seek(places[row])
            key_file.write(secrets.token_hex(len(lines[row]))[: len(lines[row])].encode())  # no two keys are equal
            row_file.seek(row * file.row_bytes)
            row_file.write(bytes(file.row_bytes))
    for path in (file.keys_path, file.rows_path):
        synchronise(path)
    _sums_path(file).unlink(missing_ok=True)


def _dtype(rows_name: str) -> np.dtype:
    return np.dtype(np.float16 if rows_name.endswith(NARROW) else np.float32)


def _sums_path(file: RowFile) -> Path:
    return file.keys_path.with_suffix(SUMS)


def _shard(file: RowFile) -> Shard:
    """The shard of a file, as it was found when it was last read through, or read through and mended now.

    This process remembers full shards, whose keys take a second to read where there are a hundred.
    """
    with suppress(OSError, KeyError):
        state, shard = _full[file.rows_path]
        if state == _state(file):
            return shard
    shard = _as_it_is(file)
    if len(shard) == SHARD:
        _full[file.rows_path] = _state(file), shard
    return shard


def _as_it_is(file: RowFile) -> Shard:
    kept = _kept_sums(file)
    if kept is not None:
        return kept
    names = file.repair()
    total, whole = _read_through(file.array(len(names)))
    file.cut(names[:whole])
    write_whole(_sums_path(file), json.dumps({"state": _state(file), "total": total.tolist()}))
    return Shard.of(file, as_keys(names[:whole]), total)


def _kept_sums(file: RowFile) -> Shard | None:
    """The shard with the sums that are kept; None: its files have changed since."""
    try:
        kept = json.loads(_sums_path(file).read_bytes())
        if kept["state"] != _state(file):
            return None
        return Shard.of(file, hashes_in(file.keys_path.read_bytes()), np.array(kept["total"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _state(file: RowFile) -> list[int]:
    files = [path.stat() for path in (file.rows_path, file.keys_path)]
    return [number for about in files for number in (about.st_mtime_ns, about.st_size)]


def _read_through(rows: np.ndarray) -> tuple[np.ndarray, int]:
    """The sum of the rows that come before one with NaN or infinity, which nobody wrote, and their number."""
    total = np.zeros(rows.shape[1])
    for start in range(0, len(rows), BLOCK):
        block = np.asarray(rows[start : start + BLOCK], dtype=np.float32)
        is_finite = np.isfinite(block).all(axis=1)
        if not is_finite.all():
            whole = int(np.argmin(is_finite))
            return total + block[:whole].sum(axis=0, dtype=np.float64), start + whole
        total += block.sum(axis=0, dtype=np.float64)
    return total, len(rows)
