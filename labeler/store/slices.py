"""Imported columns: their values, the items with each value, and how many of those are labeled."""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from labeler.store.database import Database
from labeler.store.items import LABELED, ids_where

SAMPLE = 1000  # items that are read to list the columns
COUNTED = 20_000  # items whose values are counted


class Slices:
    """Items by the further columns of the tables that they were imported from.

    Queries over most items write `+split`, which keeps SQLite from the index: one pass over the table is faster.
    """

    def __init__(self, db: Database) -> None:
        self.db = db

    def sample(self) -> list[dict[str, str]]:
        """The columns of about `SAMPLE` items in the order of import, drawn at random, always the same: each so many-th
        item would always have the same value of a column that repeats itself, such as one of ten views.
        """
        newest = self.db.value("SELECT MAX(id) FROM items") or 0
        drawn = [*range(1, min(newest, SAMPLE) + 1)]
        if newest > SAMPLE:
            drawn = np.unique(np.random.default_rng(0).integers(1, newest + 1, SAMPLE)).tolist()
        sampled = json.dumps(drawn)
        cursor = self.db.execute("SELECT metadata FROM items WHERE id IN (SELECT value FROM json_each(?))", [sampled])
        return [json.loads(text) for (text,) in cursor]

    def facts(self, most: int = 5000) -> list[tuple[dict[str, str], str | None, str]]:
        """Columns, label and split of so many items at most: labeled ones first, else as good as at random."""
        labeled = ids_where(self.db, LABELED)
        rows = self.db.execute(
            """
            SELECT metadata, label, split FROM items WHERE id IN (SELECT value FROM json_each(:labeled))
            UNION ALL SELECT * FROM (SELECT metadata, label, split FROM items WHERE label IS NULL AND split = 'pool'
                                     ORDER BY content_hash LIMIT :most)
            UNION ALL SELECT metadata, label, split FROM items WHERE label IS NULL AND split = 'holdout' LIMIT :most
            """,
            {"most": most, "labeled": json.dumps(_drawn(labeled, most))},
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

    def values(self, column: str, most: int = COUNTED) -> tuple[list[str], int]:
        """The values of a column among so many items of the pool at most, and how many items those are; 0: all."""
        counted, sampled = self.counts(column, most)
        return [value for value, _n, _labeled in counted], sampled

    def counts(self, column: str, most: int = COUNTED) -> tuple[list[tuple[str, int, int]], int]:
        """The values of a column in the pool: (value, number of items, number of labeled items). Of more than `most`
        items, or labeled items, so many are read, which are as good as random, and the numbers are estimates.

        Returns: the values, and the number of items that were read; 0: all.
        """
        with self.db.read():
            n_of = dict(
                self.db.execute("SELECT label > '', SUM(n) FROM item_counts WHERE split = 'pool' GROUP BY 1").fetchall()
            )
            in_all, labeled = sum(n_of.values()), n_of.get(1, 0)
            some = json.dumps(_drawn(ids_where(self.db, "split = 'pool' AND label IS NOT NULL"), most))
            pool = self._values(column, "split = 'pool' ORDER BY content_hash LIMIT :which", most)
            of_labeled = self._values(column, "id IN (SELECT value FROM json_each(:which))", some)
        items = {value: _share(n, pool, in_all) for value, n in pool.items()}
        labels = {value: _share(n, of_labeled, labeled) for value, n in of_labeled.items()}
        counted = [
            (value, max(items.get(value, 0), labels.get(value, 0)), labels.get(value, 0))
            for value in sorted({*items, *labels})
        ]
        return counted, most if in_all > most else 0

    def _values(self, column: str, condition: str, which: int | str) -> dict[str, int]:
        """How many of some items have each value of a column. Args: which: the value in the condition."""
        return dict(
            self.db.execute(
                "SELECT value, COUNT(*) FROM (SELECT CAST(COALESCE(json_extract(metadata, :path), '') AS TEXT) AS value"
                f" FROM items WHERE {condition}) GROUP BY 1",
                {"path": _path(column), "which": which},
            ).fetchall()
        )


def _drawn(ids: np.ndarray, most: int) -> list[int]:
    """These ids; of more than `most` so many, drawn at random, always the same."""
    if len(ids) > most:
        ids = np.random.default_rng(0).choice(ids, most, replace=False)
    drawn: list[int] = ids.tolist()
    return drawn


def _share(n: int, counted: Mapping[str, int], in_all: int) -> int:
    """How many of all items are as `n` of those that were counted."""
    return round(n * in_all / sum(counted.values()))


def _path(column: str) -> str:
    """SQLite's JSON path to a key. Such a path cannot hold quotes, so a key with quotes finds nothing."""
    return '$."' + column.replace('"', "") + '"'
