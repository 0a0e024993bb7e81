"""Rows of a database that whoever runs the server has named, read by one query that changes nothing."""

import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from labeler.feeds.look import MOST_ROWS, Brought, FeedError, Look, table_of
from labeler.store.driver import sqlite3

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

# Imports of sqlalchemy are deferred: it is an extra, and slow to load.

PREFIX = "LABELER_SQL_"  # of a variable that holds the address of a database; its name follows in capitals
KINDS = ("sqlite", "postgresql", "mysql", "mariadb")  # whose ways to read alone are known here
SECONDS = 60  # that a query may take
SINCE = "since"
_TIMES: dict[str, type[date]] = {"datetime": datetime, "date": date}


def rows(look: Look) -> Brought:
    """The rows behind the largest value of the cursor so far, in its order, up to `MOST_ROWS`.

    Raises: FeedError: the database is not named or does not answer, or the query is wrong or takes too long.
    """
    url, query, cursor = database_url(look.feed.place), check_query(look.feed.query), look.feed.cursor
    since = _as_value(look.cursor) if look.cursor is not None else _first(look.feed.start)
    with _reading(url, look.feed.place) as connection:
        records = _asked(connection, query, cursor, since)
    if records and cursor not in records[0]:
        raise FeedError("The query gives no column {column}, which is the cursor.", column=cursor)
    is_more = len(records) > MOST_ROWS
    if is_more:  # rows of equal value stay together, so that none is passed over
        last = records[-1][cursor]
        records = [record for record in records if record[cursor] != last]
        if not records:
            raise FeedError(
                "More than {n:,} rows have the same value of {column}: choose a column that tells them apart.",
                n=MOST_ROWS,
                column=cursor,
            )
    values = [record[cursor] for record in records if record[cursor] is not None]
    largest = _kept(values[-1]) if values else None  # by the order of the database
    return Brought(table_of(look, records), largest, is_more=is_more)


def database_url(name: str, environment: Mapping[str, str] = os.environ) -> "URL":
    """The address of a database that whoever runs the server has named.

    Raises: FeedError: they have not, or it is of another kind, or what reads it is not installed.
    """
    variable = PREFIX + re.sub(r"\W", "_", name.strip()).upper()
    address = environment.get(variable)
    if not address:
        raise FeedError(
            "This server knows no database {name}: whoever runs it puts its address into {variable}.",
            name=name,
            variable=variable,
        )
    if find_spec("sqlalchemy") is None:
        raise FeedError('SQLAlchemy is not installed: install it with `pip install "labeler[sql]"`.')
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # `from None`: a traceback in a log would quote the address, with its password
        raise FeedError("{variable} holds no address of a database.", variable=variable) from None
    if url.get_backend_name() not in KINDS:
        raise FeedError(
            "{variable} names a database of a kind that is not read here; known are {kinds}.",
            variable=variable,
            kinds=", ".join(KINDS),
        )
    return url


def check_query(query: str) -> str:
    """The query without a semicolon at its end.

    Raises: FeedError: it is not one SELECT, also one that begins with WITH, or its only parameter is not `:since`.
    """
    plain = query.strip().removesuffix(";").strip()
    bare = re.sub(r"'(?:[^']|'')*'", "''", plain)
    beginning = re.sub(r"--[^\n]*|/\*.*?\*/", " ", bare, flags=re.DOTALL).strip()
    if not re.match(r"(select|with)\b", beginning, re.IGNORECASE) or ";" in plain:
        raise FeedError("A query is one SELECT, or one WITH … SELECT, without a semicolon in it.")
    names = {*re.findall(r"(?<![:\w\\]):(\w+)(?!:)", bare)}
    if names != {SINCE}:
        raise FeedError("The query must ask for rows behind {since} alone, such as WHERE id > {since}.", since=":since")
    return plain


# ---------------------------------------------------------------- the database


@contextmanager
def _reading(url: "URL", name: str) -> "Iterator[Connection]":
    """A connection that only reads. Raises: FeedError: there is none, or a block goes wrong; holds no password."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        engine = _engine(url)
    except ImportError as error:
        raise FeedError(
            "The driver {driver} of the database {name} is not installed.", driver=error.name or "", name=name
        ) from None
    try:
        connected = engine.connect()
    except SQLAlchemyError as error:
        engine.dispose()
        # what the driver says may hold the address, and `from None` keeps it out of the log
        kind = type(getattr(error, "orig", None) or error).__name__
        raise FeedError("The database {name} cannot be reached ({kind}).", name=name, kind=kind) from None
    try:
        with connected as connection:
            _limit(connection, url.get_backend_name())
            yield connection
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        raise FeedError("The database {name} refuses the query: {reason}", name=name, reason=reason) from None
    except SQLAlchemyError as error:
        raise FeedError("The query cannot be asked ({kind}).", kind=type(error).__name__) from None
    finally:
        engine.dispose()


def _engine(url: "URL") -> "Engine":
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    kind = url.get_backend_name()
    if kind == "sqlite":
        file = f"file:{quote(url.database or '')}"
        read_only = url.set(database=file, query={"mode": "ro", "uri": "true"})
        return create_engine(read_only, poolclass=NullPool, module=sqlite3, connect_args={"check_same_thread": False})
    options = {"postgresql_readonly": True} if kind == "postgresql" else {}
    return create_engine(url, poolclass=NullPool, execution_options=options, connect_args={"connect_timeout": 10})


def _limit(connection: "Connection", kind: str) -> None:
    """Let a connection change nothing, and no query take longer than `SECONDS`."""
    statements: dict[str, Sequence[str]] = {
        "sqlite": ("PRAGMA query_only = ON",),
        "postgresql": (f"SET statement_timeout = {SECONDS * 1000}",),
        "mysql": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_execution_time = {SECONDS * 1000}"),
        "mariadb": ("SET SESSION TRANSACTION READ ONLY", f"SET SESSION max_statement_time = {SECONDS}"),
    }
    if kind == "mysql" and getattr(connection.dialect, "is_mariadb", False):
        kind = "mariadb"
    for statement in statements[kind]:
        connection.exec_driver_sql(statement)
    if kind in ("mysql", "mariadb"):  # it holds for the transactions that begin behind it
        connection.commit()


def _asked(connection: "Connection", query: str, cursor: str, since: Any) -> list[dict[str, Any]]:
    """The rows of the query in the order of the cursor, one more than a look brings."""
    from sqlalchemy import bindparam, literal_column, select, text
    from sqlalchemy.types import NullType

    # within another query it cannot be a statement of another kind
    inner = text(f"({query}\n) AS feed").bindparams(
        bindparam(SINCE, since, NullType())  # a text is what the column is, such as a time
    )
    column: Any = literal_column(connection.dialect.identifier_preparer.quote(cursor))
    statement: Any = select(literal_column("*")).select_from(inner).order_by(column).limit(MOST_ROWS + 1)
    with _ended_in_time(connection):
        return [dict(row) for row in connection.execute(statement).mappings()]


@contextmanager
def _ended_in_time(connection: "Connection") -> Iterator[None]:
    """A block in which a query of SQLite, which has no limit of its own, is ended after `SECONDS`."""
    interrupt = getattr(connection.connection.dbapi_connection, "interrupt", None)
    if interrupt is None:
        yield
        return
    timer = threading.Timer(SECONDS, interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


# ---------------------------------------------------------------- values of the cursor


def _first(start: str) -> Any:
    """The value before the first look: a number where it is one."""
    return int(start) if re.fullmatch(r"-?\d+", start) else start


def _kept(value: Any) -> Any:
    """A value as JSON holds it, see `_as_value`."""
    if isinstance(value, (int, float, str)):
        return value
    for name, kind in _TIMES.items():
        if isinstance(value, kind):
            return {name: value.isoformat()}
    return {"decimal": str(value)} if isinstance(value, Decimal) else str(value)


def _as_value(kept: Any) -> Any:
    if not isinstance(kept, dict):
        return kept
    ((kind, text),) = kept.items()
    return Decimal(text) if kind == "decimal" else _TIMES[kind].fromisoformat(text)
