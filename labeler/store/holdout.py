"""The holdout: which items are drawn into it, before they are stored or behind that. All others go to the pool."""

import json
from collections.abc import Iterator
from itertools import chain

from labeler.core.groups import drawn_groups, drawn_items
from labeler.store.arrivals import UNDECIDED, LaterItems
from labeler.store.database import Database, Row
from labeler.store.parts import AT_ONCE, let_others_write

# Items without a split, found by their index alone, and some of them, which one transaction assigns.
_WAITING = "items INDEXED BY items_undecided"
_SPAN = "id > :first AND id <= :last"
# Those that took part in the first draw: items of the import that it drew from. Later ones that followed a drawn group
# look as if they were drawn then; one from before imports were kept (NULL) comes before all of them.
_OF_FIRST_DRAW = """import_id = (
    SELECT import_id FROM items INDEXED BY items_holdout WHERE split = 'holdout' AND drawn AND chance IS NULL
    ORDER BY import_id LIMIT 1
)"""

PREFIX = 3  # digits of the content hash by which rows are divided into parts
SORTED_AT_ONCE = 1_000_000  # rows that SQLite sorts, which it does in memory: about 80 bytes a row


class Holdout:
    """The draw of the holdout: once of the first items, and with a share of later ones."""

    def __init__(self, db: Database, later: LaterItems) -> None:
        self.db, self.later = db, later

    def draw(self, size: int | None = None) -> None:
        """Assign items without a split. The first of them are drawn into the holdout; of later ones only the share that
        the settings name joins it, see `labeler.store.arrivals`.

        Items in groups are drawn by group, see `drawn_groups`, and an item of a known group goes where the group is.

        Args: size: items in the first holdout; by default 15%, at most 300.
        """
        self._follow_their_groups()
        if not self.db.value("SELECT 1 FROM items WHERE split = 'holdout' LIMIT 1"):
            drawn = self._drawn(size)  # before the lock: it reads all items
            with self.db.write():
                self.db.executemany(
                    f"UPDATE items SET split = 'holdout', drawn = 1 WHERE id = ? AND {UNDECIDED}",
                    [(item,) for item in drawn],
                )
            self._follow_their_groups()
            self._to_pool()
        else:
            self._to_pool(_OF_FIRST_DRAW)  # it was cut off
            chance = self.later.draw(self.db.holdout_seed())
            self._to_pool(chance=chance)

    def _to_pool(self, of: str = "TRUE", chance: float | None = None) -> None:
        """Assign items without a split to the pool. Args: of: which ones. chance: see `labeler.store.arrivals`."""
        for span in self._undecided_spans():
            with self.db.write():
                self.db.execute(
                    f"UPDATE {_WAITING} SET split = 'pool', chance = :chance WHERE {UNDECIDED} AND {_SPAN} AND {of}",
                    span | {"chance": chance},
                )

    def drawn_of(self, table: str) -> list[int] | None:
        """The ids of the rows that are drawn for the holdout, of a table of new items: as `draw` draws, before
        they are stored, so that each is written once. None: that must wait until they are stored, since groups,
        items that wait already, a share of later ones, or a holdout that the table names take part in the draw.

        Args: table: see `Incoming.file`.
        """
        waiting = f"SELECT 1 FROM {_WAITING} WHERE {UNDECIDED} LIMIT 1"
        if self.db.value(f"SELECT 1 FROM {table} WHERE of_group IS NOT NULL LIMIT 1") or self.db.value(waiting):
            return None
        if self.db.value(f"SELECT 1 FROM {table} WHERE split = 'holdout' LIMIT 1"):
            return None
        if self.db.value("SELECT 1 FROM items WHERE split = 'holdout' LIMIT 1"):
            return None if self.db.config.evaluation.later_share else []
        undecided = (
            "SELECT content_hash, first FROM (SELECT MIN(id) AS first, split, content_hash"
            f" FROM {table} WHERE content_hash >= ? AND content_hash < ? GROUP BY content_hash) new"
            " WHERE split IS NULL AND NOT EXISTS ("
            "  SELECT 1 FROM items WHERE items.content_hash = new.content_hash AND withdrawn IS NULL)"
        )
        spans = _hash_spans(self.db.value(f"SELECT COUNT(*) FROM {table}"))
        rows = chain.from_iterable(self.db.execute(undecided, span) for span in spans)
        return drawn_items(rows, self.db.holdout_seed())

    def drawn(self) -> set[int]:
        """The holdout items that were drawn uniformly: without those that an import assigned, and without those that
        came later, of which another share was drawn.
        """
        rows = self.db.rows("SELECT id FROM items WHERE split = 'holdout' AND drawn AND chance IS NULL")
        return {row["id"] for row in rows}

    def _undecided_spans(self) -> Iterator[Row]:
        """Spans of ids with `AT_ONCE` items without a split at most; others can write between two of them."""
        last: int | None = 0
        while True:
            last, n = self.db.execute(
                "SELECT MAX(id), COUNT(*) FROM ("
                f" SELECT id FROM {_WAITING} WHERE {UNDECIDED} AND id > :last ORDER BY id LIMIT :most)",
                {"last": (first := last), "most": AT_ONCE},
            ).fetchone()
            if last is None:
                return
            yield {"first": first, "last": last}
            let_others_write(self.db, n)

    def _drawn(self, size: int | None) -> list[int]:
        """The ids of the items that are drawn for the holdout: single items, or one of each drawn group."""
        undecided = f"FROM {_WAITING} WHERE {UNDECIDED}"
        if not self.db.value(f"SELECT 1 {undecided} AND of_group IS NOT NULL LIMIT 1"):
            return drawn_items(self.db.execute(f"SELECT content_hash, id {undecided}"), self.db.holdout_seed(), size)
        # an item without a group is one by itself; no group has the name of a content hash
        group = "COALESCE(of_group, content_hash)"
        sizes: dict[str, int] = dict(self.db.execute(f"SELECT {group}, COUNT(*) {undecided} GROUP BY 1").fetchall())
        rows = self.db.execute(
            f"SELECT MIN(id) {undecided} AND {group} IN (SELECT value FROM json_each(?)) GROUP BY {group}",
            [json.dumps(drawn_groups(sizes, self.db.holdout_seed(), size))],
        )
        return [item for (item,) in rows]

    def _follow_their_groups(self) -> None:
        """Assign items whose group has a split already."""
        if not self.db.value(f"SELECT 1 FROM {_WAITING} WHERE {UNDECIDED} AND of_group IS NOT NULL LIMIT 1"):
            return
        self.db.execute("DROP TABLE IF EXISTS temp.group_sides")  # of a draw that was cut off
        self.db.execute(  # once for all groups, and before the lock: it reads every item of them
            f"""
            CREATE TEMP TABLE group_sides AS
                SELECT of_group, MAX(COALESCE(split, withdrawn)) AS side, MAX(drawn) AS drawn, MAX(chance) AS chance
                FROM items WHERE of_group IN (SELECT of_group FROM {_WAITING} WHERE {UNDECIDED})
                                 AND COALESCE(split, withdrawn) IS NOT NULL GROUP BY of_group
            """
        )
        self.db.execute("CREATE UNIQUE INDEX temp.group_sides_group ON group_sides (of_group)")
        any_side = self.db.value("SELECT 1 FROM temp.group_sides LIMIT 1")
        for span in self._undecided_spans() if any_side else ():
            with self.db.write():
                self.db.execute(
                    f"""
                    UPDATE {_WAITING} SET (split, drawn, chance) = (g.side, g.drawn, g.chance)
                    FROM temp.group_sides g WHERE {UNDECIDED} AND {_SPAN} AND items.of_group = g.of_group
                    """,
                    span,
                )
        self.db.execute("DROP TABLE temp.group_sides")


def _hash_spans(rows: int) -> list[tuple[str, str]]:
    """Spans of content hashes, ends excluded, that divide so many rows into parts of about `SORTED_AT_ONCE`."""
    n = 1 + rows // SORTED_AT_ONCE
    ends = [f"{16**PREFIX * part // n:0{PREFIX}x}" for part in range(1, n)]
    return list(zip(["", *ends], [*ends, "g"], strict=True))
