"""The draws of active testing: which holdout items were drawn, in which order, and how likely each draw was."""

from collections.abc import Sequence

from labeler.store.database import Database, Row


class ActiveTesting:
    """The holdout items that active testing drew to be labeled first."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def draws(self) -> list[Row]:
        """The draws in drawing order: item_id, q (probability of the draw), remaining, round."""
        return self.db.rows("SELECT item_id, q, remaining, round FROM testing ORDER BY position")

    def add(self, number: int, item_ids: Sequence[int], q: Sequence[float], left: int) -> None:
        """Append draws to those that are stored.

        Args: number: the round whose model gave the probabilities; 0 where there was no model.
              item_ids, q: in drawing order. left: items that could be drawn before the first of these draws.
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
