"""Many items without holding all of them: a sample of the pool, and those without a label in parts.

What reads them takes the same memory however many items there are.
"""

from collections.abc import Iterator, Sequence

from labeler.core.items import Item
from labeler.store.database import Database, Row
from labeler.store.items import as_item

# Content hashes from here on come first in a sample. Those from the beginning are in use already: they choose the items
# that several annotators answer, and those that are asked about when a ranking is used up.
MIDDLE = "8"
PART = 100_000  # items
_COLUMNS = "id, content_hash, split, source, text, media, of_group"
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
        part: Sequence[Item] = ()
        while rows := self.db.rows(
            f"SELECT {_COLUMNS} FROM items WHERE split IS NOT NULL AND label IS NULL AND {_READABLE} AND id > ?"
            " ORDER BY id LIMIT ?",
            [part[-1].id if part else 0, PART],
        ):
            part = [as_item(row) for row in rows]
            yield part
