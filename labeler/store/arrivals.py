"""Items of later imports: drawn into the holdout with a share, and what the holdout's items stand for then.

`items.chance` is the probability of the later draw that an item was in; 0: none was drawn; NULL: it came with the first
draw, or its side was given.
"""

import json
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from labeler.core.arrivals import WINDOW_DAYS, Arrivals, Newer, drawn_later
from labeler.store.database import Database
from labeler.store.parts import in_parts

UNDECIDED = "split IS NULL AND withdrawn IS NULL"  # an item without a split
_UNDECIDED = f"items INDEXED BY items_undecided WHERE {UNDECIDED}"
# an item without a group is one by itself; no group has the name of a content hash
_UNIT = "COALESCE(of_group, content_hash)"
# Undecided items that were there before their import was undone, and were asked about or had a label then.
_SEEN = """(
    EXISTS (SELECT 1 FROM queries WHERE item_id = items.id)
    OR EXISTS (SELECT 1 FROM annotations WHERE item_id = items.id AND (annotator <> 'import' OR action = 'undo'))
)"""
_DRAWN = "split = 'holdout' AND chance > 0"


class LaterItems:
    """The items that came after the holdout was drawn first."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def draw(self, seed: int) -> float:
        """Assign the undecided items that join the holdout; the probability with which each was drawn, which is that
        of the items that are left as well.

        Whole groups join. Items that somebody was asked about before their import was undone go to the pool.
        """
        evaluation = self.db.config.evaluation
        if not evaluation.later_share:
            return 0.0
        if self.db.value("SELECT 1 FROM imports WHERE undone_at IS NOT NULL LIMIT 1"):
            self._pass_over_seen()
        drawn, chance = drawn_later(self._units(), evaluation.later_share, self._room(), seed)
        query = f"SELECT id FROM {_UNDECIDED} AND {_UNIT} IN (SELECT value FROM json_each(?))"
        ids = self.db.execute(query, [json.dumps(drawn)]).fetchall()  # before the lock: it reads all undecided items
        with self.db.write():
            self.db.executemany(
                f"UPDATE items SET split = 'holdout', drawn = 1, chance = ? WHERE id = ? AND {UNDECIDED}",
                [(chance, item) for (item,) in ids],
            )
        return chance

    def _units(self) -> Iterator[tuple[str, int]]:
        if not self.db.value(f"SELECT 1 FROM {_UNDECIDED} AND of_group IS NOT NULL LIMIT 1"):
            for (name,) in self.db.execute(f"SELECT content_hash FROM {_UNDECIDED}"):
                yield name, 1
            return
        yield from self.db.execute(f"SELECT {_UNIT}, COUNT(*) FROM {_UNDECIDED} GROUP BY 1")

    def _room(self) -> int:
        """How many items may join the holdout yet."""
        since = (datetime.now(UTC) - timedelta(days=WINDOW_DAYS)).isoformat(timespec="milliseconds")
        joined = self.db.value(f"SELECT COUNT(*) FROM items WHERE {_DRAWN} AND added_at >= ?", [since])
        return max(0, self.db.config.evaluation.later_most - joined)

    def _pass_over_seen(self) -> None:
        seen = self.db.execute(
            f"""
            WITH seen AS (SELECT id, of_group FROM {_UNDECIDED} AND {_SEEN})
            SELECT id FROM {_UNDECIDED} AND (
                id IN (SELECT id FROM seen) OR of_group IN (SELECT of_group FROM seen WHERE of_group IS NOT NULL)
            )
            """
        )
        ids = array("q", (item for (item,) in seen))
        for part in in_parts(self.db, ids):
            with self.db.write():
                self.db.executemany(
                    f"UPDATE items SET split = 'pool', chance = 0 WHERE id = ? AND {UNDECIDED}",
                    [(item,) for item in part],
                )

    def arrivals(self) -> Arrivals | None:
        """What the holdout's items stand for; None where no item of a later import is among them."""
        chances = {
            row["id"]: row["chance"]
            for row in self.db.rows(f"SELECT id, chance FROM items WHERE {_DRAWN} AND chance IS NOT NULL ORDER BY id")
        }
        if not chances:
            return None
        later, without = self._numbers()
        in_all = self.db.value("SELECT SUM(n) FROM item_counts")
        return Arrivals(chances, in_all - later - without)

    def newer(self) -> Newer:
        """The holdout items that came later, and what they stand for."""
        (row,) = self.db.rows(
            "SELECT COUNT(*) AS drawn, COALESCE(SUM(label IS NOT NULL OR open), 0) AS items,"
            f" COALESCE(SUM(label IS NOT NULL), 0) AS labeled FROM items WHERE {_DRAWN} AND chance IS NOT NULL"
        )
        later, without = self._numbers()
        return Newer(row["items"], row["labeled"], later, without, row["drawn"])

    def _numbers(self) -> tuple[int, int]:
        """The number of items that later draws stand for, and of those that came later and none stands for."""
        n_of = dict(self.db.execute("SELECT drawn, n FROM later_counts").fetchall())
        return n_of.get(True, 0), n_of.get(False, 0)

    def imports_of(self, ids: np.ndarray) -> np.ndarray:
        """(n,) int64: the number of the import that brought each item; 0 where that is not known."""
        of_item: dict[int, int] = dict(
            self.db.execute(
                "SELECT i.id, i.import_id FROM json_each(?) asked JOIN items i ON i.id = asked.value"
                " WHERE i.import_id IS NOT NULL",
                [json.dumps(ids.tolist())],
            ).fetchall()
        )
        return np.array([of_item.get(item, 0) for item in ids.tolist()], dtype=np.int64)
