"""Databases as files: whole copies while others write, their check, and the end of their write-ahead log."""

import json
from dataclasses import dataclass
from pathlib import Path

from labeler.core.errors import DamagedError
from labeler.store.driver import Sqlite, connect, has_safe_reset, sqlite3, trouble_of

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


def rescue_answers(path: Path, target: Path) -> int:
    """Write the answers of a damaged database that can still be read to a file of JSON Lines; how many they are."""
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    try:
        connection = connect(path)
    except DamagedError:
        return 0
    with target.open("w", encoding="utf-8") as file:
        for order in ("ASC", "DESC"):  # from both ends to where the damage is
            try:
                cursor = connection.execute(f"SELECT * FROM annotations ORDER BY id {order}")
                names = [column[0] for column in cursor.description]
                for row in cursor:
                    file.write(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n")
                    count += 1
                break
            except DamagedError:
                continue
    connection.close()
    return count
