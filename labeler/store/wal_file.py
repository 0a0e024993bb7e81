"""SQLite's write-ahead log as a file: which of its bytes are committed.

Source: https://sqlite.org/fileformat2.html#the_write_ahead_log
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

HEADER, FRAME = 32, 24  # bytes of the file's header, and of the header of each page in it
_MAGIC = 0x377F0682  # its lowest bit is set where checksums read words in big-endian order
_MASK = 0xFFFFFFFF
_AT_ONCE = 2048  # frames that are read together: 8 MB with pages of 4 KB

Words = npt.NDArray[np.uint32]
Checksum = tuple[int, int]  # of 32 bits each


@dataclass(frozen=True)
class Position:
    """How far a log was read: to the end of its header, or of a commit.

    header: of the log, since SQLite begins a new one in the same file. checksum: of all bytes before `end`.
    """

    header: bytes
    end: int
    checksum: Checksum

    @property
    def page_size(self) -> int:
        return int.from_bytes(self.header[8:12], "big")

    @property
    def frames(self) -> int:
        """Pages in the log up to here."""
        return (self.end - HEADER) // (FRAME + self.page_size)


def start_of(log: Path) -> Position | None:
    """The position after the header of the log that is in the file now; None where there is no log."""
    try:
        with log.open("rb") as file:
            header = file.read(HEADER)
    except FileNotFoundError:
        return None
    if len(header) < HEADER or int.from_bytes(header[:4], "big") & ~1 != _MAGIC:
        return None
    checksum = _pair(header[24:])
    summed = np.frombuffer(header, _words_of(header), 6)[None]
    return Position(header, HEADER, checksum) if _continued((0, 0), _sums(summed)[0], 3) == checksum else None


def committed_after(log: Path, position: Position) -> Position:
    """The end of the last commit after `position`; `position` itself where there is none.

    A commit counts if SQLite's recovery would take it: each frame has the log's salts, and a checksum that continues
    that of all frames before it.
    """
    read = committed = position
    with log.open("rb") as file:
        if file.read(HEADER) != position.header:
            return position
        file.seek(position.end)
        for checksum, is_commit in _valid_frames(file, position):
            read = replace(read, end=read.end + FRAME + position.page_size, checksum=checksum)
            committed = read if is_commit else committed
    return committed


def still_holds(log: Path, position: Position) -> bool:
    """Whether the log is the one of `position`, and its last frame up to there is the one that was read."""
    try:
        with log.open("rb") as file:
            if file.read(HEADER) != position.header:
                return False
            if position.end == HEADER:
                return True
            file.seek(position.end - position.page_size - FRAME)
            return _pair(file.read(FRAME)[16:]) == position.checksum
    except FileNotFoundError:
        return False


def _valid_frames(file: BinaryIO, position: Position) -> Iterator[tuple[Checksum, bool]]:
    """The checksum of each valid frame from where the file stands, and whether a commit ends with it."""
    size, checksum = FRAME + position.page_size, position.checksum
    while data := file.read(_AT_ONCE * size):
        count = len(data) // size
        frames = np.frombuffer(data, np.uint8, count * size).reshape(count, size)
        summed = np.hstack([frames[:, :8], frames[:, FRAME:]]).view(_words_of(position.header))
        for header, sums in zip(frames[:, :FRAME], _sums(summed), strict=True):
            checksum = _continued(checksum, sums, summed.shape[1] // 2)
            written = header.tobytes()
            if written[8:16] != position.header[16:24] or _pair(written[16:]) != checksum:
                return
            yield checksum, written[4:8] != bytes(4)


def _words_of(header: bytes) -> str:
    """The type of the words that are summed up."""
    return ">u4" if header[3] & 1 else "<u4"


def _pair(data: bytes) -> Checksum:
    return int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")


# The checksum of words a, b, c, d … is s, t = 0, 0, then s += a + t; t += b + s for each pair. That is linear with
# Fibonacci numbers as coefficients, so that numpy sums up many frames at once.
def _sums(words: Words) -> Words:
    """What the words of each row add to the checksum before them, which is `(rows, 2)`."""
    coefficients, _step = _linear(words.shape[1] // 2)
    return np.stack([(words * row).sum(axis=1, dtype=np.uint32) for row in coefficients], axis=1)


def _continued(checksum: Checksum, sums: Words, pairs: int) -> Checksum:
    """The checksum after so many pairs of words, which add `sums`."""
    (a, b), (c, d) = _linear(pairs)[1]
    s, t = checksum
    return (a * s + b * t + int(sums[0])) & _MASK, (c * s + d * t + int(sums[1])) & _MASK


@cache
def _linear(pairs: int) -> tuple[Words, tuple[tuple[int, int], tuple[int, int]]]:
    """The coefficients of the words in both numbers of the checksum, and the matrix of the checksum before them."""
    fibonacci = [0, 1]
    while len(fibonacci) < 2 * pairs + 3:
        fibonacci.append((fibonacci[-1] + fibonacci[-2]) & _MASK)
    before, here, after = fibonacci[2 * pairs - 1 : 2 * pairs + 2]
    coefficients = np.array([fibonacci[2 * pairs - 1 :: -1], fibonacci[2 * pairs : 0 : -1]], np.uint32)
    return coefficients, ((before, here), (here, after))
