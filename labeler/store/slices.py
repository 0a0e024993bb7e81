"""Imported columns: their values, the items with each value, and how many of those are labeled."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from labeler.store.database import Database

SAMPLE = 1000  # items that are read to list the columns


class Slices:
    """Items by the further columns of the tables that they were imported from.

    Queries over most items write `+split`, which keeps SQLite from the index: one pass over the table is faster.
    """

    def __init__(self, db: Database) -> None:
        self.db = db

    def sample(self) -> list[dict[str, str]]:
        """The columns of about `SAMPLE` items, spread evenly over all items."""
        newest = self.db.value("SELECT MAX(id) FROM items") or 0
        sampled = json.dumps(list(range(1, newest + 1, max(1, newest // SAMPLE))))
        cursor = self.db.execute("SELECT metadata FROM items WHERE id IN (SELECT value FROM json_each(?))", [sampled])
        return [json.loads(text) for (text,) in cursor]

    def facts(self, most: int = 5000) -> list[tuple[dict[str, str], str | None, str]]:
        """Columns, label and split of so many items at most: labeled ones first, else as good as at random."""
        rows = self.db.execute(
            """
            SELECT * FROM (SELECT metadata, label, split FROM items WHERE label IS NOT NULL AND split IS NOT NULL
                           ORDER BY substr(content_hash, -8) LIMIT :most)
            UNION ALL SELECT * FROM (SELECT metadata, label, split FROM items WHERE label IS NULL AND split = 'pool'
                                     ORDER BY content_hash LIMIT :most)
            UNION ALL SELECT metadata, label, split FROM items WHERE label IS NULL AND split = 'holdout' LIMIT :most
            """,
            {"most": most},
        )
        return [(json.loads(metadata), label, split) for metadata, label, split in rows]

    def metadata_of(self, item_ids: Sequence[int]) -> list[dict[str, str]]:
        """The columns of these items, in their order."""
        cursor = self.db.execute(
            "SELECT id, metadata FROM items WHERE id IN (SELECT value FROM json_each(?))",
            [json.dumps([int(i) for i in item_ids])],
        )
        columns: Mapping[int, dict[str, str]] = {item_id: json.loads(text) for item_id, text in cursor}
        return [columns[int(i)] for i in item_ids]

    def pool_column(self, column: str) -> tuple[np.ndarray, list[str]]:
        """The ids of the pool's items, ascending, and each one's value in a column; "" where it has none."""
        rows = self.db.execute(
            "SELECT id, COALESCE(json_extract(metadata, ?), '') FROM items WHERE +split = 'pool' ORDER BY id",
            [_path(column)],
        ).fetchall()
        return np.array([row[0] for row in rows], dtype=np.int64), [str(row[1]) for row in rows]

    def counts(self, column: str) -> list[tuple[str, int, int]]:
        """The values of a column in the pool: (value, number of items, number of labeled items)."""
        return self.db.execute(
            """
            SELECT CAST(COALESCE(json_extract(metadata, ?), '') AS TEXT), COUNT(*), SUM(label IS NOT NULL)
            FROM items WHERE +split = 'pool' GROUP BY 1 ORDER BY 1
            """,
            [_path(column)],
        ).fetchall()


def _path(column: str) -> str:
    """SQLite's JSON path to a key. Such a path cannot hold quotes, so a key with quotes finds nothing."""
    return '$."' + column.replace('"', "") + '"'
