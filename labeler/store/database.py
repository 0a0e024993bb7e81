"""The connection that all parts of the store share: WAL, a busy timeout, short write transactions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from labeler.core.actor import Actor, actor_of_process
from labeler.core.lock_waits import lock_wait
from labeler.core.settings import Config
from labeler.store import schema
from labeler.store.driver import Sqlite, connect, sqlite3
from labeler.store.write_turns import turn

# Milliseconds that an answer to a request waits for another process to have written. All requests share a few
# threads, so a browser is soon told to come again, which it does by itself.
PATIENCE_OF_REQUESTS = 4000
PATIENCE_WITH_READERS = 50  # milliseconds for which others cannot write
LONG_LOG = 1 << 14  # pages, 64 MB: to begin anew more often would have an import wait for the disk more often
ROWS_AT_ONCE = 1000  # that a stream holds

Row = dict[str, Any]
Migrate = Callable[[Sqlite, Path], None]  # it also takes where the database is


class Connection:
    """One SQLite connection, for one thread. Close it, or use it as a context manager."""

    def __init__(self, path: Path | str, version: int, migrate: Migrate) -> None:
        """
        Args: version: the number of the migrations that `migrate` applies.
        """
        self.path = Path(path)
        self.connection = connect(path)
        try:
            # FULL: an answer that was acknowledged survives a power cut, not only a crash.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
                self.connection.execute(f"PRAGMA {pragma}")
            self._migrate(version, migrate)
        except BaseException:
            self.close()
            raise

    def _migrate(self, version: int, migrate: Migrate) -> None:
        # The number stands in the file's first page, so that opening a database of this version is cheap.
        if self.value("PRAGMA user_version") == version:
            return
        with self.write():
            migrate(self.connection, self.path)
            self.connection.execute(f"PRAGMA user_version = {version}")

    @contextmanager
    def write(self) -> Iterator[None]:
        """A write transaction, whole or not at all.

        The transaction is IMMEDIATE: one that begins as a reader and writes later fails at once, without waiting, when
        another process has written in between.
        """
        if self.connection.in_transaction:  # part of a larger transaction
            yield
            return
        with ExitStack() as held:
            with lock_wait():
                self._begin(held)
            try:
                yield
            except BaseException:
                self.connection.rollback()
                raise
            self.connection.execute("COMMIT")

    def _begin(self, held: ExitStack) -> None:
        """Begin a write transaction in the turn of this thread, which `held` ends; both in the connection's timeout."""
        patience, began = self.value("PRAGMA busy_timeout"), perf_counter()
        held.enter_context(turn(self.path, patience / 1000))
        left = max(0, patience - round(1000 * (perf_counter() - began)))
        self.connection.execute(f"PRAGMA busy_timeout={left}")
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        finally:
            self.connection.execute(f"PRAGMA busy_timeout={patience}")

    @contextmanager
    def read(self) -> Iterator[None]:
        """A read transaction: all queries within see the database at one moment."""
        if self.connection.in_transaction:  # part of a larger transaction
            yield
            return
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.rollback()

    def restart_log(self) -> None:
        """Let the next transaction write a long write-ahead log from its beginning, unless somebody reads for long.

        SQLite does so by itself only where nobody has written while it brought the log into the database. Beside an
        import others write now and then, and the log would grow until its end.
        """
        # NOOP: it only counts the pages; before SQLite 3.51 it is PASSIVE
        _, pages, _ = self.connection.execute("PRAGMA main.wal_checkpoint(NOOP)").fetchone()
        if pages <= LONG_LOG:
            return
        patience = self.value("PRAGMA busy_timeout")
        self.connection.execute(f"PRAGMA busy_timeout={PATIENCE_WITH_READERS}")
        try:
            self.connection.execute("PRAGMA main.wal_checkpoint(RESTART)").fetchone()
        finally:
            self.connection.execute(f"PRAGMA busy_timeout={patience}")

    def execute(self, sql: str, values: Sequence[Any] | Row = ()) -> sqlite3.Cursor:
        return self.connection.execute(sql, values)

    def executemany(self, sql: str, values: Iterable[Sequence[Any] | Row]) -> sqlite3.Cursor:
        return self.connection.executemany(sql, values)

    def insert(self, table: str, row: Row) -> None:
        """Add one row to a table, by the names of its columns."""
        columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        with self.write():
            self.connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})", row)

    def rows(self, sql: str, values: Sequence[Any] | Row = ()) -> list[Row]:
        cursor = self.connection.execute(sql, values)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def stream(self, sql: str, values: Sequence[Any] | Row = ()) -> Iterator[Row]:
        """The rows one after the other, for results of any size; within `read`, all are of one moment."""
        cursor = self.connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        while part := cursor.fetchmany(ROWS_AT_ONCE):
            for row in part:
                yield dict(zip(names, row, strict=True))

    def value(self, sql: str, values: Sequence[Any] | Row = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.connection.execute(sql, values).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Database(Connection):
    """The connection to a project's database, with the project's settings. actor: who works with it."""

    def __init__(self, path: Path | str, config: Config, actor: Actor | None = None) -> None:
        super().__init__(path, schema.migrations.version, schema.migrations.migrate)
        self.config = config
        self.actor = actor or actor_of_process()

    def version(self) -> tuple[int, ...]:
        """Numbers that change with every answer, decision, round, audit, import, change of the classes or of an item's
        metadata, and erasure, when items are set aside, when rounds are measured anew, and when predictions are
        imported: what is kept under them, e.g. by a page, is never out of date.
        """
        numbers = self.connection.execute(
            """
            SELECT (SELECT COALESCE(MAX(id), 0) FROM annotations), (SELECT COALESCE(MAX(id), 0) FROM adjudications),
                   (SELECT COALESCE(MAX(number), 0) FROM rounds), (SELECT COALESCE(MAX(id), 0) FROM items),
                   (SELECT COALESCE(MAX(id), 0) FROM audits WHERE state = 'done'),
                   (SELECT COALESCE(MAX(number), 0) FROM class_changes),
                   (SELECT COALESCE(SUM(measured), 0) FROM rounds),
                   (SELECT COALESCE(MAX(id), 0) + COUNT(undone_at) + COALESCE(SUM(taken_out), 0) FROM imports),
                   (SELECT COUNT(*) FROM items WHERE unreadable IS NOT NULL),
                   (SELECT COALESCE(MAX(id), 0) FROM foreign_models WHERE complete),
                   (SELECT COUNT(*) FROM foreign_models WHERE complete)
            """
        ).fetchone()
        metadata = self.value("SELECT COUNT(*) FROM audit_log WHERE action = 'metadata changed'")
        return (*numbers, metadata + self.erasures())

    def erasures(self) -> int:
        """How often somebody or something was erased: what is kept in memory must not outlive that."""
        return self.value("SELECT COUNT(*) FROM audit_log WHERE action IN ('person erased', 'items erased')")

    def uid(self) -> str:
        """What tells the project from any other, also from a later one of the same name."""
        return self.value("SELECT uid FROM project")

    def renew_uid(self) -> str:
        """A new uid, for the copy of a project."""
        with self.write():
            self.execute("UPDATE project SET uid = lower(hex(randomblob(16))), older = 0")
        return self.uid()

    def holdout_seed(self) -> int:
        """What the holdout is drawn by, part of the project's data and not of any round's randomness. It is the
        project's own, and nobody's to see: with the items it tells which are in the holdout.
        """
        return self.value("SELECT holdout_seed FROM project")

    def is_older(self) -> bool:
        """Whether the project had items before it had a uid, when browsers knew it by its folder's name."""
        return bool(self.value("SELECT older FROM project"))

    def created_at(self) -> str:
        """When the database was created: it tells a project from a later one in the same folder."""
        return self.value("SELECT MIN(applied_at) FROM _sqlite_migrations")


@contextmanager
def triggers_lifted(db: Connection) -> Iterator[None]:
    """A block of an erasure in which append-only tables can be changed; it ends with the transaction around it."""
    triggers = db.rows(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND name LIKE '%\\_keep\\_%' ESCAPE '\\'"
    )
    for trigger in triggers:
        db.execute(f"DROP TRIGGER {trigger['name']}")
    yield
    for trigger in triggers:
        db.execute(trigger["sql"])


def now() -> str:
    """The time as it is stored: UTC, ISO 8601, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
