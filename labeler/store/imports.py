"""Imports: recorded with what they brought, and undone without touching anybody's answer."""

import json
from dataclasses import dataclass

from labeler.core.errors import LabelerError
from labeler.store.audit import AuditLog
from labeler.store.database import Database, now
from labeler.store.incoming import BY_IMPORT

# Items of an import that somebody answered, flagged or skipped, or about which a lead decided: they stay.
_TOUCHED = f"""(
    EXISTS (SELECT 1 FROM annotations
            WHERE item_id = items.id AND annotator <> 'import' AND request_id NOT GLOB '{BY_IMPORT}*')
    OR EXISTS (SELECT 1 FROM adjudications WHERE item_id = items.id AND request_id NOT GLOB '{BY_IMPORT}*')
)"""


@dataclass(frozen=True)
class Import:
    """One import. items: that it brought and that are still there; answered: those of them that people answered."""

    id: int
    source: str
    at: str
    items: int
    answered: int
    undone_by: str | None
    undone_at: str | None


class Imports:
    """The imports into the project."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.audit = AuditLog(db)

    def begin(self, source: str) -> int:
        """The number of a new import."""
        with self.db.write():
            return self.db.value("INSERT INTO imports (source, at) VALUES (?, ?) RETURNING id", [source, now()])

    def count(self, number: int) -> int:
        """The number of items that an import has brought."""
        return self.db.value("SELECT items FROM imports WHERE id = ?", [number]) or 0

    def times(self) -> dict[int, str]:
        """When each import came, by its number."""
        return dict(self.db.execute("SELECT id, at FROM imports").fetchall())

    def forget_empty(self) -> None:
        """Forget imports that were cut off before they brought an item; nobody else may import meanwhile."""
        with self.db.write():
            self.db.execute("DELETE FROM imports WHERE NOT EXISTS (SELECT 1 FROM items WHERE import_id = imports.id)")

    def end(self, number: int, added: int, duplicates: int, labels: int) -> None:
        """Record an import in the audit log with what it brought; forget one that brought no item."""
        with self.db.write():
            source = self.db.value("SELECT source FROM imports WHERE id = ?", [number])
            self.db.execute(
                "DELETE FROM imports WHERE id = :id AND NOT EXISTS (SELECT 1 FROM items WHERE import_id = :id)",
                {"id": number},
            )
            brought = {"items": added, "duplicates": duplicates, "labels": labels}
            self.audit.record(self.db.actor, "imported", {"import": number, "source": source}, None, brought)

    def all(self) -> list[Import]:
        """All imports that brought items, the latest first."""
        rows = self.db.rows(
            "SELECT id, source, at, items, answered, undone_by, undone_at FROM imports ORDER BY id DESC"
        )
        return [Import(**row) for row in rows]

    def undo(self, number: int, by: str) -> int:
        """The number of items that were taken out again: those of the import that nobody answered.

        Nothing is deleted: they lose their split, so that nobody is asked about them, and their imported labels are
        taken back. An import of the same content brings them back, and so does an answer that was on its way.

        Raises: LabelerError: there is no such import, or it was undone before.
        """
        with self.db.write():
            if not self.db.rows(
                "UPDATE imports SET undone_by = ?, undone_at = ? WHERE id = ? AND undone_at IS NULL RETURNING id",
                [by, now(), number],
            ):
                if not self.db.rows("SELECT 1 FROM imports WHERE id = ?", [number]):
                    raise LabelerError("There is no import {number}.", number=number)
                raise LabelerError("This import was undone before.")
            taken = self.db.rows(
                "UPDATE items SET withdrawn = split, split = NULL, drawn = 0"
                f" WHERE import_id = ? AND split IS NOT NULL AND NOT {_TOUCHED} RETURNING id",
                [number],
            )
            items = [json.dumps([row["id"] for row in taken])]
            for table in ("reservations", "qualification"):
                self.db.execute(f"DELETE FROM {table} WHERE item_id IN (SELECT value FROM json_each(?))", items)
            self.db.execute(
                "INSERT INTO annotations (request_id, item_id, annotator, action, supersedes, at)"
                f" SELECT '{BY_IMPORT}undo:' || request_id, item_id, annotator, 'undo', id, ? FROM answers"
                " WHERE item_id IN (SELECT value FROM json_each(?))",
                [now(), *items],
            )
            self.audit.record(self.db.actor.named(by), "import undone", {"import": number, "items": len(taken)})
        return len(taken)
