"""A database that is copied again and again to another place, commit by commit, while others write it.

The copy is the database as it was once and its write-ahead log since then, byte by byte: SQLite opens it at any moment
and finds the last commit that came whole. SQLite begins a log anew only where no reader needs the old one, so a read
transaction is always open here, and ends after the next one began and what is before that was copied.
"""

import os
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from labeler.core.errors import DatabaseError, LabelerError
from labeler.core.whole_files import PART, synchronise, synchronise_folder, whole_file
from labeler.store import copies, wal_file
from labeler.store.driver import Sqlite, connect
from labeler.store.wal_file import Position

LONG_LOG = 1000  # pages after which a log is brought into the database, so that SQLite may begin it anew
_CHUNK = 1 << 22
_PATIENCE = 1.0  # seconds that a log may be waited for


class ShippingError(LabelerError):
    """A database could not be copied to its other place, which is as it was."""


class Shipping:
    """The way of one database to its copy: `take`, then `bring`. Between them comes what the rows that were taken name.

    After an error in either, the copy is as it was before, and both are called again.
    """

    def __init__(self, source: Path, target: Path) -> None:
        """Raises: DatabaseError: the source cannot be opened."""
        self.source, self.target = source, target
        self._file = source.stat().st_ino
        self._holding, self._next, self._lock = connect(source), connect(source), connect(source, timeout=_PATIENCE)
        _begin(self._holding)
        self._is_copied = False  # whether the copy is one of this database
        self._is_whole = False  # whether a whole copy waits beside its place
        self._copied: Position | None = None  # how far the copy's log goes; None where it has none
        self._taken: Position | None = None
        self._rest: tuple[Position, BytesIO] | None = None  # of the log before, up to its end

    def is_of_source(self) -> bool:
        """Whether the source is the file that was opened: a backup may have been restored in its place."""
        return self.source.exists() and self.source.stat().st_ino == self._file

    def take(self) -> None:
        """Note how far the log goes now; where no copy can be continued, copy the whole database beside its place.

        Raises: DatabaseError, OSError, ShippingError: the source is damaged, or the copy cannot be written.
        """
        self._next.rollback()
        _begin(self._next)
        self._is_whole = False
        if not self._can_go_on():
            self._copied, self._rest = self._left_by_another(), None
            self._is_copied = self._copied is not None
            if not self._is_copied:
                self._copy_whole()
        log = log_of(self.source)
        start = wal_file.start_of(log)
        known = self._copied if start and self._copied and self._copied.header == start.header else start
        self._taken = wal_file.committed_after(log, known) if known else None

    def bring(self) -> int:
        """Copy what was taken; the number of its bytes.

        Raises: DatabaseError, OSError, ShippingError: the copy cannot be written.
        """
        copied = self._put_in_place() if self._is_whole else self._append_rest()
        if self._taken and self._taken != self._copied:
            goes_on = self._copied is not None and self._copied.header == self._taken.header
            copied += self._append(self._copied, self._taken) if self._copied and goes_on else self._begin(self._taken)
        self._copied, self._is_copied, self._is_whole = self._taken, True, False
        self._hold_next()
        if self._copied and self._copied.frames > LONG_LOG:
            self._let_log_begin_anew(self._copied)
        return copied

    def close(self) -> None:
        for connection in (self._holding, self._next, self._lock):
            connection.close()

    def _can_go_on(self) -> bool:
        """Whether copy and source are as they were left here, but for what was written to the source since."""
        log, copied = log_of(self.target), self._copied
        if not self._is_copied or not self.target.exists():
            return False
        if copied is None:
            return not log.exists()
        begun = wal_file.start_of(log_of(self.source))
        is_new = begun is not None and begun.header != copied.header
        is_there = log.exists() and log.stat().st_size >= copied.end
        return is_there and (is_new or wal_file.still_holds(log_of(self.source), copied))

    def _left_by_another(self) -> Position | None:
        """How far the copy that another process made goes; None where it cannot be continued."""
        begun = wal_file.start_of(log_of(self.target))
        if begun is None or not self.target.exists():
            return None
        end = wal_file.committed_after(log_of(self.target), begun)
        return end if wal_file.still_holds(log_of(self.source), end) else None

    def _copy_whole(self) -> None:
        """Copy the database as it was when the transaction began."""
        part = _part(self.target)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with closing(connect(part)) as write:
            self._next.backup(write)
        if wrong := copies.problems(part):
            part.unlink()
            raise ShippingError("{path} is damaged ({problem}).", path=self.source, problem=wrong[0])
        part.chmod(self.source.stat().st_mode & 0o777)
        synchronise(part)
        self._is_whole = True

    def _put_in_place(self) -> int:
        """Let the whole copy take the place of the one before; its bytes."""
        try:
            copies.fold(self.target)
        except DatabaseError:  # somebody damaged it
            log_of(self.target).unlink(missing_ok=True)
        self._copied = self._rest = None
        part = _part(self.target)
        part.replace(self.target)
        synchronise_folder(self.target.parent)
        return self.target.stat().st_size

    def _append_rest(self) -> int:
        """Complete the log that has ended since; the bytes of it."""
        if self._copied is None or self._rest is None:
            return 0
        end, rest = self._rest
        copied = self._append(self._copied, end, rest)
        self._copied, self._rest = end, None
        return copied

    def _append(self, begin: Position, end: Position, rest: BytesIO | None = None) -> int:
        """Copy the log between two positions, or what was kept of it."""
        with log_of(self.target).open("r+b") as file:
            file.truncate(begin.end)  # what an attempt that failed has left
            file.seek(begin.end)
            if rest:
                file.write(rest.getvalue())
            else:
                _copy_bytes(log_of(self.source), begin.end, end.end, file)
            file.flush()
            os.fsync(file.fileno())
        self._verify(log_of(self.target), begin, end)
        return end.end - begin.end

    def _begin(self, end: Position) -> int:
        """Bring the copy's log into it, and begin another with the source's new one."""
        copies.fold(self.target)
        log = log_of(self.target)
        with whole_file(log) as part:
            with part.open("wb") as file:
                _copy_bytes(log_of(self.source), 0, end.end, file)
            begun = wal_file.start_of(part)
            if begun is None:
                raise ShippingError("{path} is not what was written to it: its disk may fail.", path=log)
            self._verify(part, begun, end)
        return end.end

    def _verify(self, log: Path, begin: Position, end: Position) -> None:
        """Read what was written. Raises: ShippingError: it is something else, and the whole is copied anew."""
        if wal_file.committed_after(log, begin) != end:
            self._is_copied = False
            raise ShippingError("{path} is not what was written to it: its disk may fail.", path=log)

    def _hold_next(self) -> None:
        self._holding.rollback()
        self._holding, self._next = self._next, self._holding

    def _let_log_begin_anew(self, copied: Position) -> None:
        """Leave no reader that needs the log, so that the next writer begins a new one; writers wait a moment.

        What they have written since then is kept in memory, and copied the next time.
        """
        self._next.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()  # the most of it, while others write
        try:
            self._lock.execute("BEGIN IMMEDIATE")
        except copies.Locked:
            return  # the log may grow until the next time
        try:
            end = wal_file.committed_after(log_of(self.source), copied)
            rest = BytesIO()
            _copy_bytes(log_of(self.source), copied.end, end.end, rest)
            _begin(self._next)
            self._hold_next()
            self._next.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            _begin(self._next)
            self._hold_next()  # this one reads the database alone
            self._rest = end, rest
        finally:
            self._lock.rollback()


def log_of(database: Path) -> Path:
    """The file of a database's write-ahead log."""
    return database.with_name(f"{database.name}-wal")


def is_logged(database: Path) -> bool:
    """Whether a database has a write-ahead log: one that is being created has none yet."""
    with database.open("rb") as file:
        return file.read(20)[18:] == b"\2\2"


def _begin(connection: Sqlite) -> None:
    """Begin a read transaction."""
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()  # it begins with the first row


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}{PART}")


def _copy_bytes(source: Path, begin: int, end: int, file: BinaryIO) -> None:
    """Write the bytes of a file between two places to another one."""
    with source.open("rb") as read:
        read.seek(begin)
        while (left := end - read.tell()) and (data := read.read(min(left, _CHUNK))):
            file.write(data)
