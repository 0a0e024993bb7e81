"""Verbs on imported columns: what values there are, which items have one, and what is labeled of them."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from labeler.store.database import Database

SAMPLE = 1000  # items that show which columns there are


class Slices:
    """Items by the other columns of the tables that they came from.

    A query that needs a column of most items says `+split`: reading the table once is faster than by the index.
    """

    def __init__(self, db: Database) -> None:
        self.db = db

    def sample(self) -> list[dict[str, str]]:
        """The columns of some items, spread over all of them: which columns there are, and what kind they are of."""
        newest = self.db.value("SELECT MAX(id) FROM items") or 0
        some = json.dumps(list(range(1, newest + 1, max(1, newest // SAMPLE))))
        found = self.db.execute("SELECT metadata FROM items WHERE id IN (SELECT value FROM json_each(?))", [some])
        return [json.loads(text) for (text,) in found]

    def metadata_of(self, item_ids: Sequence[int]) -> list[dict[str, str]]:
        """The columns of these items, in their order."""
        found = self.db.execute(
            "SELECT id, metadata FROM items WHERE id IN (SELECT value FROM json_each(?))",
            [json.dumps([int(i) for i in item_ids])],
        )
        known: Mapping[int, dict[str, str]] = {item: json.loads(text) for item, text in found}
        return [known[int(i)] for i in item_ids]

    def pool_column(self, column: str) -> tuple[np.ndarray, list[str]]:
        """The ids of the pool's items, ascending, and what each has in a column; empty where it has nothing."""
        found = self.db.execute(
            "SELECT id, COALESCE(json_extract(metadata, ?), '') FROM items WHERE +split = 'pool' ORDER BY id",
            [_path(column)],
        ).fetchall()
        return np.array([row[0] for row in found], dtype=np.int64), [str(row[1]) for row in found]

    def counts(self, column: str) -> list[tuple[str, int, int]]:
        """What the pool's items have in a column: each different text, items with it, and how many have a label."""
        return self.db.execute(
            """
            SELECT CAST(COALESCE(json_extract(metadata, ?), '') AS TEXT), COUNT(*), SUM(label IS NOT NULL)
            FROM items WHERE +split = 'pool' GROUP BY 1 ORDER BY 1
            """,
            [_path(column)],
        ).fetchall()


def _path(column: str) -> str:
    """SQLite's path to a key; one with quotes in it cannot be said, and finds nothing."""
    return '$."' + column.replace('"', "") + '"'
