"""Many items without holding all of them: a sample of the pool, and those without a label in parts.

What reads them takes the same memory however many items there are.
"""

import json
from collections.abc import Iterator

import numpy as np

from labeler.core.groups import codes
from labeler.core.items import Item, ItemColumns
from labeler.store.database import Database, Row
from labeler.store.items import as_item

# Content hashes from here on come first in a sample. Those from the beginning are in use already: they choose the items
# that several annotators answer, and those that are asked about when a ranking is used up.
MIDDLE = "8"
PART = 50_000  # items
_NAMES = ("id", "content_hash", "split", "source", "text", "media", "of_group", "object")
_COLUMNS = ", ".join(_NAMES)
_READABLE = "erased_at IS NULL AND unreadable IS NULL"


class Pool:
    """The pool's items, and others that a model predicts."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def count(self) -> int:
        """The number of items in the pool."""
        return self.db.value("SELECT COALESCE(SUM(n), 0) FROM item_counts WHERE split = 'pool'")

    def sample(self, most: int) -> list[Item]:
        """So many items of the pool at most, without those that were erased or set aside.

        They are practically random, since the order is that of their content hashes; the same pool gives the same ones,
        and a smaller sample is the beginning of a larger one.
        """
        rows: list[Row] = []
        for half in ("content_hash >= :middle", "content_hash < :middle"):
            rows += self.db.rows(
                f"SELECT {_COLUMNS} FROM items WHERE split = 'pool' AND {half} AND {_READABLE}"
                " ORDER BY content_hash LIMIT :most",
                {"middle": MIDDLE, "most": most - len(rows)},
            )
        return [as_item(row) for row in rows]

    def count_unlabeled(self) -> int:
        """The number of items of pool and holdout without a label, with those that were erased or set aside."""
        return self.db.value("SELECT COALESCE(SUM(n), 0) FROM item_counts WHERE label = ''")

    def unlabeled(self) -> Iterator[list[Item]]:
        """The items of pool and holdout without a label, by ascending id, `PART` at a time."""
        last = 0
        while True:
            cursor = self.db.execute(
                f"SELECT {_COLUMNS} FROM items WHERE split IS NOT NULL AND label IS NULL AND {_READABLE} AND id > ?"
                " ORDER BY id LIMIT ?",
                [last, PART],
            )
            part = [as_item(dict(zip(_NAMES, row, strict=True))) for row in cursor]
            if not part:
                return
            last = part[-1].id
            yield part

    def columns(self, most: int) -> ItemColumns:
        """All items with a label, those of the holdout, and so many others of the pool at most, see `sample`, in the
        order of import.
        """
        columns = f"SELECT id, content_hash, split = 'holdout' FROM items WHERE {_READABLE} AND"
        rows = set(self.db.execute(f"{columns} split = 'holdout'").fetchall())
        rows.update(self.db.execute(f"{columns} split = 'pool' AND label IS NOT NULL").fetchall())
        rows.update((item.id, item.content_hash, 0) for item in self.sample(most))
        ids, hashes, holdout = zip(*sorted(rows), strict=True) if rows else ((), (), ())
        ids_asked = json.dumps(ids)
        group_of = dict(
            self.db.execute(
                "SELECT i.id, i.of_group FROM json_each(?) asked JOIN items i ON i.id = asked.value"
                " WHERE i.of_group IS NOT NULL",
                [ids_asked],
            ).fetchall()
        )
        groups = codes([group_of.get(item) for item in ids]) if group_of else None
        return ItemColumns(
            np.array(ids, dtype=np.int64), np.array(hashes, dtype=np.bytes_), np.array(holdout, dtype=bool), groups
        )
