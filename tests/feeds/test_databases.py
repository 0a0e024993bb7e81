"""Queries of databases: the rows behind the cursor, nothing twice, nothing passed over, and what is refused."""

from dataclasses import replace

import pytest

from labeler.core.settings import FeedConfig
from labeler.feeds import databases
from labeler.feeds.databases import check_query, database_url
from labeler.feeds.look import Brought, FeedError, Look
from labeler.feeds.read import look_at
from labeler.store.driver import sqlite3

pytest.importorskip("sqlalchemy")

FEED = FeedConfig("sql", "crm", query="SELECT id, body FROM tickets WHERE id > :since", cursor="id", text="body")


@pytest.fixture
def tickets(tmp_path, monkeypatch):
    """A database with a table of three tickets."""
    path = tmp_path / "crm.sqlite"
    monkeypatch.setenv("LABELER_SQL_CRM", f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE tickets (id INTEGER, body TEXT, at TEXT)")
        rows = [(3, "c", "2026-01-02"), (1, "a", "2026-01-01"), (2, "b", "2026-01-02")]
        connection.executemany("INSERT INTO tickets VALUES (?, ?, ?)", rows)
    connection.close()
    return path


def rows(tmp_path, feed: FeedConfig = FEED, cursor: object = None) -> tuple[list[str], Brought]:
    target = tmp_path / "target"
    target.mkdir(exist_ok=True)
    brought = look_at(Look("crm", feed, "text", tmp_path, target, cursor))
    lines = [line for path, _ in brought.sources for line in path.read_text(encoding="utf-8").splitlines()]
    return lines, brought


def test_rows_behind_the_cursor_come_in_its_order(tickets, tmp_path):
    lines, brought = rows(tmp_path)
    assert lines == ['{"id": 1, "body": "a"}', '{"id": 2, "body": "b"}', '{"id": 3, "body": "c"}']
    assert (brought.cursor, brought.is_more) == (3, False)
    assert rows(tmp_path, cursor=2)[0] == ['{"id": 3, "body": "c"}']
    assert rows(tmp_path, cursor=3)[1].sources == []


def test_rows_of_one_value_are_not_parted(tickets, tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "MOST_ROWS", 2)
    feed = replace(FEED, query="SELECT at, body FROM tickets WHERE at > :since;", cursor="at")
    lines, brought = rows(tmp_path, feed)
    assert (len(lines), brought.cursor, brought.is_more) == (1, "2026-01-01", True)
    lines, brought = rows(tmp_path, feed, brought.cursor)
    assert (len(lines), brought.cursor, brought.is_more) == (2, "2026-01-02", False)
    monkeypatch.setattr(databases, "MOST_ROWS", 1)
    with pytest.raises(FeedError, match="More than 1 rows have the same value of at"):
        rows(tmp_path, feed, "2026-01-01")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("DELETE FROM tickets WHERE id > :since", "one SELECT"),
        ("/* SELECT */ DROP TABLE tickets", "one SELECT"),
        ("SELECT 1 WHERE 1 > :since; DELETE FROM tickets", "without a semicolon"),
        ("SELECT * FROM tickets", "rows behind :since alone"),
        ("SELECT * FROM tickets WHERE id > ':since'", "rows behind :since alone"),
        ("SELECT * FROM tickets WHERE id > :since AND shop = :shop", "rows behind :since alone"),
    ],
)
def test_a_query_is_refused(query, says):
    with pytest.raises(FeedError, match=says):
        check_query(query)


def test_a_query_may_have_comments_casts_and_colons_in_texts():
    query = (
        "-- new ones\nWITH t AS (SELECT *, at::date d FROM tickets WHERE a = 'x:y')\nSELECT * FROM t WHERE id > :since"
    )
    assert check_query(f" {query} ; ") == query


def test_a_query_changes_nothing(tickets, tmp_path):
    feed = replace(FEED, query="WITH t AS (SELECT 1) DELETE FROM tickets WHERE id > :since RETURNING id")
    with pytest.raises(FeedError, match="The database crm refuses the query"):
        rows(tmp_path, feed)
    assert len(rows(tmp_path)[0]) == 3
    with (
        databases._reading(database_url("crm"), "crm") as connection,
        pytest.raises(Exception, match=r"query_only|readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM tickets")


def test_what_is_wrong_is_said_without_the_password(tickets, tmp_path, monkeypatch):
    with pytest.raises(FeedError, match="no such column: elsewhere"):
        rows(tmp_path, replace(FEED, query="SELECT elsewhere FROM tickets WHERE id > :since"))
    with pytest.raises(FeedError, match="gives no column ID"):
        rows(tmp_path, replace(FEED, cursor="ID"))
    with pytest.raises(FeedError, match="knows no database erp: whoever runs it puts its address into LABELER_SQL_ERP"):
        database_url("erp")
    for address in ("oracle://reader:sesame@db/crm", "sesame", "sqlite:////nowhere/sesame.db"):
        monkeypatch.setenv("LABELER_SQL_CRM", address)
        with pytest.raises(FeedError) as refused:
            rows(tmp_path)
        assert "sesame" not in str(refused.value)


def test_a_query_that_takes_too_long_is_ended(tickets, tmp_path, monkeypatch):
    monkeypatch.setattr(databases, "SECONDS", 0.05)
    endless = "WITH RECURSIVE n(id) AS (SELECT :since UNION ALL SELECT id + 1 FROM n) SELECT COUNT(*) AS id FROM n"
    with pytest.raises(FeedError, match="refuses the query: interrupted"):
        rows(tmp_path, replace(FEED, query=endless))
