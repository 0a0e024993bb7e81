"""The files of a zip, of whose directory a part at a time is in memory: `zipfile` holds it whole, 600 bytes a file."""

import io
import struct
import threading
import weakref
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

# APPNOTE 6.3.10 of PKWARE, 4.3.12 to 4.3.16: an entry of the directory, and the three records behind the last one.
_ENTRY = struct.Struct("<4s24x3H12x")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_END = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 1 << 16
PART, PART_BYTES = 250, 1 << 18  # entries, and their bytes, that are in memory together


@dataclass(frozen=True, slots=True)
class Packed:
    """A file in a zip, which is open. place: of its entry in the directory, see `ZipDirectory.at`."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo
    place: int

    @property
    def name(self) -> str:
        return self.entry.filename.rpartition("/")[2]

    def open(self, _mode: str = "rb") -> IO[bytes]:
        return self.archive.open(self.entry)

    def read_bytes(self) -> bytes:
        return self.archive.read(self.entry)


class ZipDirectory:
    """The files and folders of a zip, in the order of its directory, from the first one on with each iteration.

    It stays open for as long as it or one of its files is referred to. What is broken raises what `zipfile` raises:
    BadZipFile, NotImplementedError, UnicodeDecodeError.
    """

    def __init__(self, path: Path) -> None:
        """Raises: BadZipFile: it has no directory. OSError: it cannot be opened."""
        self._file = _File(path)
        self._start, self._end, self._shift = _bounds(self._file)

    def __iter__(self) -> Iterator[Packed]:
        return self._packed(self._all())

    def at(self, places: Iterable[int]) -> Iterator[Packed]:
        """The files whose entries are at these places of the directory."""
        stream = self._stream()
        return self._packed((place, _record(stream, place)) for place in places)

    def _all(self) -> Iterator[tuple[int, bytes]]:
        """The entries with their places."""
        stream, place = self._stream(), self._start
        while place < self._end:
            record = _record(stream, place)
            yield place, record
            place += len(record)

    def _stream(self) -> io.BufferedReader:
        return io.BufferedReader(_WithTail(self._file, b""))

    def _packed(self, entries: Iterable[tuple[int, bytes]]) -> Iterator[Packed]:
        places: list[int] = []
        records: list[bytes] = []
        size = 0
        for place, record in entries:
            places.append(place)
            records.append(record)
            size += len(record)
            if len(places) == PART or size >= PART_BYTES:
                yield from self._part(places, records)
                places, records, size = [], [], 0
        if places:
            yield from self._part(places, records)

    def _part(self, places: list[int], records: list[bytes]) -> Iterator[Packed]:
        """The files of some entries, as `zipfile` reads them where the directory has no others."""
        directory, begin = b"".join(records), self._file.size
        n = len(records)
        tail = (
            directory,
            _END64.pack(b"PK\6\6", _END64.size - 12, 45, 45, 0, 0, n, n, len(directory), begin - self._shift),
            _LOCATOR.pack(b"PK\6\7", 0, begin + len(directory), 1),
            _END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0),
        )
        archive = zipfile.ZipFile(io.BufferedReader(_WithTail(self._file, b"".join(tail))))
        for entry, place in zip(archive.infolist(), places, strict=True):
            yield Packed(archive, entry, place)


class _File:
    """A file that several threads read. Its position is nobody's."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._turn = threading.Lock()
        self.size = self._file.seek(0, io.SEEK_END)
        weakref.finalize(self, self._file.close)

    def read_into(self, place: int, buffer: memoryview) -> int:
        with self._turn:
            self._file.seek(place)
            return self._file.readinto(buffer) or 0


class _WithTail(io.RawIOBase):
    """A file with other bytes behind it."""

    def __init__(self, file: _File, tail: bytes) -> None:
        self._file, self._tail, self._place = file, tail, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size + len(self._tail)}[whence]
        if begin + offset < 0:
            raise zipfile.BadZipFile("a file that begins before the zip")
        self._place = begin + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        behind = self._place - self._file.size
        if behind < 0:
            n = self._file.read_into(self._place, target[:-behind])
        else:
            part = self._tail[behind : behind + len(target)]
            n = len(part)
            target[:n] = part
        self._place += n
        return n


def _record(stream: io.BufferedReader, place: int) -> bytes:
    """An entry of the directory. Raises: BadZipFile: there is none."""
    stream.seek(place)
    head = stream.read(_ENTRY.size)
    if len(head) < _ENTRY.size or not head.startswith(b"PK\1\2"):
        raise zipfile.BadZipFile("no entry where the directory should have one")
    _, *lengths = _ENTRY.unpack(head)
    rest = stream.read(sum(lengths))
    if len(rest) < sum(lengths):
        raise zipfile.BadZipFile("an entry is cut off")
    return head + rest


def _bounds(file: _File) -> tuple[int, int, int]:
    """Where the directory begins and ends, and how many bytes were put before the zip, which its places do not count.

    Raises: BadZipFile: there is no directory, or it is on another disk.
    """
    stream = io.BufferedReader(_WithTail(file, b""))
    begin = max(0, file.size - _LONGEST_COMMENT - _END.size)
    stream.seek(begin)
    tail = stream.read()
    has_no_comment = tail[-_END.size :].startswith(b"PK\5\6") and tail.endswith(b"\0\0")
    place = len(tail) - _END.size if has_no_comment else tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) - place < _END.size:
        raise zipfile.BadZipFile("no end of a directory")
    *_, size, offset, _ = _END.unpack_from(tail, place)
    end = begin + place
    before = end - _LOCATOR.size - _END64.size  # of a zip with many or large files
    if before >= 0:
        stream.seek(before)
        record, locator = stream.read(_END64.size), stream.read(_LOCATOR.size)
        if locator.startswith(b"PK\6\7") and record.startswith(b"PK\6\6"):
            _, disk, _, disks = _LOCATOR.unpack(locator)
            if disk or disks > 1:
                raise zipfile.BadZipFile("it has several disks")
            *_, size, offset = _END64.unpack(record)
            end = before
    if size > end:
        raise zipfile.BadZipFile("its directory is larger than the file")
    return end - size, end, end - size - offset
