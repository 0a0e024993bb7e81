"""Verbs on the holdout: its labels; which items active testing drew, in which order, and how likely each draw was."""

from collections.abc import Sequence

from labeler.store.database import Database, Row


class ActiveTesting:
    """The holdout items that are labeled first, where not all of them need to be."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def draws(self) -> list[Row]:
        """What was drawn, in drawing order: item_id, q, remaining, round."""
        return self.db.rows("SELECT item_id, q, remaining, round FROM testing ORDER BY position")

    def add(self, number: int, item_ids: Sequence[int], q: Sequence[float], left: int) -> None:
        """Add draws behind those that are there.

        Args: number: of the round whose model said where errors are likely; 0 where there was none.
              item_ids, q: in drawing order. left: items that could have been drawn, before the first of these.
        """
        with self.db.write():
            first = 1 + (self.db.value("SELECT MAX(position) FROM testing") or 0)
            self.db.executemany(
                "INSERT INTO testing (position, item_id, q, remaining, round) VALUES (?, ?, ?, ?, ?)",
                [
                    (first + i, int(item), float(chance), left - i, number)
                    for i, (item, chance) in enumerate(zip(item_ids, q, strict=True))
                ],
            )
