"""Databases as files: whole copies while others write, their check, and the end of their write-ahead log."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labeler.core.errors import DamagedError
from labeler.core.whole_files import whole_file
from labeler.store.driver import Sqlite, connect, has_safe_reset, sqlite3, trouble_of
from labeler.store.rescued_rows import TABLES

MOST_MISSED = 10_000  # ids one after the other that cannot be read, before a rescue goes on from the end
Locked = sqlite3.OperationalError  # another connection holds a lock


@dataclass(frozen=True)
class SqliteVersion:
    """The SQLite of this process. loses: whether a commit at the end of a checkpoint can be lost, as before 3.51.3."""

    number: str
    loses: bool


def sqlite_version() -> SqliteVersion:
    return SqliteVersion(sqlite3.sqlite_version, not has_safe_reset())


def copy_database(source: Path, target: Path) -> None:
    """Copy a database with all that is committed, the write-ahead log's part too, while others read and write it.

    The copy is one file. Raises: DatabaseError: the source cannot be read, or the copy not be written.
    """
    read, write = connect(source), connect(target)
    try:
        read.backup(write)
        write.execute("PRAGMA journal_mode = DELETE")  # the header says WAL, as the source's does
    except DamagedError as error:  # said of the copy
        raise trouble_of(sqlite3.DatabaseError(error.fields["error"]), source) or error from error
    except sqlite3.DatabaseError as error:
        raise trouble_of(error, target if "full" in str(error) else source) or error from error
    finally:
        read.close()
        write.close()


def problems(path: Path, thorough: bool = False) -> list[str]:
    """What SQLite finds wrong in a database; nothing where it is whole.

    Args: thorough: also whether each index has the rows of its table, which takes longer.
    """
    try:
        connection = connect(path)
    except DamagedError as error:
        return [str(error)]
    try:
        check = "integrity_check" if thorough else "quick_check"
        found = [str(text) for (text,) in connection.execute(f"PRAGMA {check}(20)").fetchall()]
        return [] if found == ["ok"] else found
    except DamagedError as error:
        return [str(error.fields["error"])]
    finally:
        connection.close()


def schema_version(path: Path) -> int:
    """The number of migrations that a database has been through; 0 for one from before they were counted in it."""
    connection = connect(path)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def checkpoint(path: Path) -> bool:
    """Bring the write-ahead log into the database and end it; False where another connection is still open.

    After that the database is one file: a copy of it has everything.
    """
    connection: Sqlite = connect(path, timeout=2)
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy
    finally:
        connection.close()


def fold(path: Path) -> None:
    """Bring the write-ahead log of a database that nobody else has open into it, also on a disk of another machine.

    Raises: DatabaseError: it is damaged, or cannot be written.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists():
        return
    connection = connect(path)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # needs no memory that is shared
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    log.unlink(missing_ok=True)  # nothing is in it


def rebuild_indexes(path: Path) -> bool:
    """Compute all indexes of a database anew; True where it is whole afterwards."""
    connection = connect(path)
    try:
        connection.execute("REINDEX")
        connection.commit()
    except (DamagedError, sqlite3.DatabaseError):
        return False
    finally:
        connection.close()
    return not problems(path, thorough=True)


def rescue(path: Path, target: Path) -> dict[str, int]:
    """Write what people did and can still be read of a damaged database to a file of JSON Lines, each row with the name
    of its table and the hash of its item's content where that can be read; how many rows of each table they are.
    `labeler.store.rescued` puts them back.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = connect(path)
    except DamagedError:
        return {}
    connection.text_factory = lambda value: value.decode("utf-8", "replace")  # a damaged page may hold anything
    counts: dict[str, int] = {}
    try:
        with whole_file(target) as part, part.open("w", encoding="utf-8") as file:
            for table in TABLES:
                for row in _readable(connection, table):
                    if "item_id" in row:
                        row["content_hash"] = _hash_of(connection, row["item_id"])
                    file.write(json.dumps({"table": table} | row, ensure_ascii=False, default=repr) + "\n")
                    counts[table] = counts.get(table, 0) + 1
    finally:
        connection.close()
    return counts


def _readable(connection: Sqlite, table: str) -> Iterator[dict[str, Any]]:
    """The rows of a table in the order of their ids: past a damaged page from the next id that can be read, and where
    that is too far away from the end backwards.
    """
    last, missed = 0, 0
    while missed < MOST_MISSED:
        try:
            for row in _rows(connection, table, "rowid > ? ORDER BY rowid", last):
                yield row
                last, missed = row["id"], 0
            return
        except (DamagedError, sqlite3.DatabaseError):
            last, missed = last + 1, missed + 1
    last -= missed
    with contextlib.suppress(DamagedError, sqlite3.DatabaseError):
        yield from _rows(connection, table, "rowid > ? ORDER BY rowid DESC", last)


def _rows(connection: Sqlite, table: str, condition: str, value: int) -> Iterator[dict[str, Any]]:
    cursor = connection.execute(f"SELECT rowid AS id, * FROM {table} WHERE {condition}", [value])
    names = [column[0] for column in cursor.description]
    return (dict(zip(names, row, strict=True)) for row in cursor)


def _hash_of(connection: Sqlite, item_id: int) -> str | None:
    try:
        row = connection.execute("SELECT content_hash FROM items WHERE id = ?", [item_id]).fetchone()
    except (DamagedError, sqlite3.DatabaseError):
        return None
    return str(row[0]) if row else None
