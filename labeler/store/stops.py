"""Verbs on stops: labeling stops, and goes on again. Who, when and why is kept."""

from labeler.i18n.messages import dump, load
from labeler.store.database import Database, Row, now


class Stops:
    """Whether labeling has stopped."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def current(self) -> Row | None:
        """Who stopped labeling, or which rule, why and when; None while it goes on."""
        found = self.db.rows("SELECT by, reason, at FROM stops WHERE lifted_at IS NULL")
        return found[0] | {"reason": load(found[0]["reason"])} if found else None

    # ------------------------------------------------------------ stopping

    def stop(self, by: str, reason: str = "") -> None:
        """Stop labeling: nobody is given items until `go_on`. Nothing changes if it has stopped already.

        Args: by: a lead; "" is a rule.
        """
        with self.db.write():
            self.db.execute(
                "INSERT INTO stops (by, reason, at) SELECT ?, ?, ?"
                " WHERE NOT EXISTS (SELECT 1 FROM stops WHERE lifted_at IS NULL)",
                [by, dump(reason), now()],
            )

    def lifted(self) -> set[str]:
        """The reasons for which labeling had stopped when somebody let it go on."""
        return {load(row["reason"]) for row in self.db.rows("SELECT reason FROM stops WHERE lifted_at IS NOT NULL")}

    def lift(self, by: str) -> None:
        """Let labeling go on."""
        with self.db.write():
            self.db.execute("UPDATE stops SET lifted_by = ?, lifted_at = ? WHERE lifted_at IS NULL", [by, now()])
