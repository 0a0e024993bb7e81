"""Verbs on the holdout: its labels; which items active testing drew, in which order, and how likely each draw was."""

from collections.abc import Sequence

from labeler.store.connection import Connection, Row


class Testing(Connection):
    """The holdout items that are labeled first, where not all of them need to be."""

    def testing(self) -> list[Row]:
        """What was drawn, in drawing order: item_id, q, remaining, round."""
        return self.rows("SELECT item_id, q, remaining, round FROM testing ORDER BY position")

    def holdout_labels(self) -> dict[int, str]:
        """The current label of each labeled item of the holdout, by item id."""
        rows = self.rows("SELECT id, label FROM items WHERE split = 'holdout' AND label IS NOT NULL ORDER BY id")
        return {row["id"]: row["label"] for row in rows}

    def add_testing(self, number: int, item_ids: Sequence[int], q: Sequence[float], left: int) -> None:
        """Add draws behind those that are there.

        Args: number: of the round whose model said where errors are likely; 0 where there was none.
              item_ids, q: in drawing order. left: items that could have been drawn, before the first of these.
        """
        with self.write():
            first = 1 + (self.value("SELECT MAX(position) FROM testing") or 0)
            self.db.conn.executemany(
                "INSERT INTO testing (position, item_id, q, remaining, round) VALUES (?, ?, ?, ?, ?)",
                [
                    (first + i, int(item), float(chance), left - i, number)
                    for i, (item, chance) in enumerate(zip(item_ids, q, strict=True))
                ],
            )
