"""Stops of labeling: who or which rule stopped it, when and why, and who lifted the stop."""

from labeler.i18n.messages import dump, load
from labeler.store.audit import AuditLog
from labeler.store.database import Database, Row, now


class Stops:
    """The stops of labeling."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.audit = AuditLog(db)

    def current(self) -> Row | None:
        """The stop that holds: by, reason, at; None while labeling goes on."""
        stops = self.db.rows("SELECT by, reason, at FROM stops WHERE lifted_at IS NULL")
        return stops[0] | {"reason": load(stops[0]["reason"])} if stops else None

    def stop(self, by: str, reason: str = "") -> None:
        """Stop labeling: nobody is given items until `lift`. Nothing changes if labeling is stopped already.

        Args: by: a lead, or "" for a stopping rule.
        """
        with self.db.write():
            if self.db.rows(
                "INSERT INTO stops (by, reason, at) SELECT ?, ?, ?"
                " WHERE NOT EXISTS (SELECT 1 FROM stops WHERE lifted_at IS NULL) RETURNING id",
                [by, dump(reason), now()],
            ):
                self.audit.record(self.db.actor.named(by), "labeling stopped", {"reason": str(reason)})

    def lifted_reasons(self) -> set[str]:
        """The reasons of the stops that somebody lifted."""
        return {load(row["reason"]) for row in self.db.rows("SELECT reason FROM stops WHERE lifted_at IS NOT NULL")}

    def lift(self, by: str) -> None:
        """Lift the stop, so that labeling goes on."""
        with self.db.write():
            if self.db.rows(
                "UPDATE stops SET lifted_by = ?, lifted_at = ? WHERE lifted_at IS NULL RETURNING id", [by, now()]
            ):
                self.audit.record(self.db.actor.named(by), "stop lifted")
