"""Writes of many rows, a part in each transaction: whoever labels waits for one part at most."""

import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from labeler.store.database import Database

Row = TypeVar("Row")

AT_ONCE = 5000  # rows that one transaction stores: it holds the lock for about a tenth of a second
PAUSE = 0.02  # seconds between two such transactions, in which others can write


def let_others_write(db: Database, rows: int) -> None:
    """Wait a little behind a transaction of so many rows, unless it was the last one, and let the log begin anew."""
    if rows >= AT_ONCE:
        db.restart_log()
        time.sleep(PAUSE)


def in_parts(db: Database, rows: Sequence[Row], cost: int = 1) -> Iterator[Sequence[Row]]:
    """Parts of rows, each to be written in a transaction; others can write between two of them.

    Args: cost: of a row, where a part has `AT_ONCE` rows of cost 1.
    """
    size = max(1, AT_ONCE // cost)
    for first in range(0, len(rows), size):
        part = rows[first : first + size]
        yield part
        let_others_write(db, len(part) * AT_ONCE // size)
