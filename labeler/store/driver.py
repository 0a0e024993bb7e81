"""The driver of SQLite, and what its errors mean: pysqlite3, which brings a current SQLite, else Python's own.

`sqlite_utils` chooses in the same way. A process has one of the two only: they would not see each other's locks.
"""

import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from labeler.core.errors import DamagedError, DatabaseError, FullError, ReadOnlyError

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        import pysqlite3 as sqlite3
    except ImportError:  # there is no wheel for this system
        import sqlite3

# With older ones, a commit at the moment in which a checkpoint ends can be lost: https://sqlite.org/wal.html#walresetbug
FIRST_WITH_SAFE_RESET = (3, 51, 3)

ROOM = 1 << 16  # bytes by which SQLite's index of the write-ahead log grows, and more


class Sqlite(sqlite3.Connection):
    """A connection of the driver whose errors name the file and say what to do. path: of the database."""

    path: Path

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        return self.cursor(_Cursor).execute(*statement)

    def executemany(self, *statement: Any) -> sqlite3.Cursor:
        return self.cursor(_Cursor).executemany(*statement)


def connect(path: Path | str, timeout: float = 30.0) -> Sqlite:
    """A connection to the database at `path`, which is made where it is missing.

    Args:   timeout: seconds that a statement waits for a lock.
    Raises: DatabaseError: the file cannot be opened.
    """
    try:
        connection = sqlite3.connect(path, timeout=timeout, factory=Sqlite)
    except sqlite3.DatabaseError as error:
        raise trouble_of(error, Path(path)) or error from error
    connection.path = Path(path)
    return connection


def trouble_of(error: BaseException, path: Path) -> DatabaseError | None:
    """What an error of the driver means to those who run the server.

    It goes by what SQLite says, since an error that the driver raises by itself has no code. None: it is an error of
    another kind, such as a lock, for which trying again is enough.
    """
    text = str(error)
    # On a full disk, SQLite's index of the write-ahead log cannot grow, which it calls an error of the disk.
    if "disk is full" in text or ("disk I/O error" in text and _is_full(path.parent)):
        return FullError(
            "The disk with {path} is full. Every acknowledged answer is stored; nothing more can be. Free space on this"
            " disk: work goes on by itself.",
            path=path,
        )
    if "readonly database" in text or "unable to open database" in text:
        return ReadOnlyError(
            "{path} cannot be written ({error}). Let the user that runs the server write this file and its folder, or"
            " look whether the disk is mounted read-only.",
            path=path,
            error=error,
        )
    if any(sign in text for sign in ("malformed", "not a database", "disk I/O error")):
        return DamagedError(
            "{path} is damaged, or its disk fails ({error}). Stop the server, and run `labeler check {folder}`: it says"
            " what can be saved, and how to restore the last backup.",
            path=path,
            error=error,
            folder=path.parent,
        )
    return None


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < ROOM
    except OSError:
        return False


def has_safe_reset() -> bool:
    """Whether this SQLite cannot lose a commit at the end of a checkpoint."""
    return sqlite3.sqlite_version_info >= FIRST_WITH_SAFE_RESET


def _explained(method: Callable[..., Any]) -> Callable[..., Any]:
    """The cursor's method, which raises a `DatabaseError` where the driver's error is one."""

    @wraps(method)
    def call(cursor: sqlite3.Cursor, *values: Any) -> Any:
        try:
            return method(cursor, *values)
        except sqlite3.DatabaseError as error:
            if explained := trouble_of(error, cast(Sqlite, cursor.connection).path):
                raise explained from error
            raise

    return call


class _Cursor(sqlite3.Cursor):
    """A cursor of `Sqlite`: a damaged page may be met at any row."""

    execute = _explained(sqlite3.Cursor.execute)
    executemany = _explained(sqlite3.Cursor.executemany)
    fetchone = _explained(sqlite3.Cursor.fetchone)
    fetchall = _explained(sqlite3.Cursor.fetchall)
    fetchmany = _explained(sqlite3.Cursor.fetchmany)
    __next__ = _explained(sqlite3.Cursor.__next__)
