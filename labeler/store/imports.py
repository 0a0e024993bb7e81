"""Imports: recorded with what they brought, and undone without touching anybody's answer.

That an import is undone is decided at once. Its items go some at a time, so that nobody who labels waits; what a crash
cuts off is completed, see `labeler.projects.importer`.
"""

import json
from dataclasses import dataclass

from labeler.core.errors import LabelerError
from labeler.store.audit import AuditLog
from labeler.store.database import Database, now
from labeler.store.incoming import BY_IMPORT
from labeler.store.parts import AT_ONCE, let_others_write

# Items of an import that somebody answered, flagged or skipped, or about which a lead decided: they stay.
_TOUCHED = f"""(
    EXISTS (SELECT 1 FROM annotations
            WHERE item_id = items.id AND annotator <> 'import' AND request_id NOT GLOB '{BY_IMPORT}*')
    OR EXISTS (SELECT 1 FROM adjudications WHERE item_id = items.id AND request_id NOT GLOB '{BY_IMPORT}*')
)"""


@dataclass(frozen=True)
class Import:
    """One import. items: that it brought and that are still there; answered: those of them that people answered.

    undoing: whether it is undone, but some of its items are still to be taken out.
    """

    id: int
    source: str
    at: str
    items: int
    answered: int
    undone_by: str | None
    undone_at: str | None
    undoing: bool


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
            "SELECT id, source, at, items, answered, undone_by, undone_at, undoing FROM imports ORDER BY id DESC"
        )
        return [Import(**row | {"undoing": bool(row["undoing"])}) for row in rows]

    def undo(self, number: int, by: str) -> int:
        """The number of items that were taken out again, see `begin_undo`, `take_out` and `end_undo`."""
        self.begin_undo(number, by)
        self.take_out(number)
        return self.end_undo(number)

    def begin_undo(self, number: int, by: str) -> None:
        """Decide that an import is undone: the items that nobody answered are to be taken out. One of which some are
        left already, as after a crash, stays as it is.

        Raises: LabelerError: there is no such import, or it was undone before.
        """
        with self.db.write():
            if self.db.rows(
                "UPDATE imports SET undone_by = ?, undone_at = ?, undoing = 1 WHERE id = ? AND undone_at IS NULL"
                " RETURNING id",
                [by, now(), number],
            ):
                return
            undoing = self.db.rows("SELECT undoing FROM imports WHERE id = ?", [number])
        if not undoing:
            raise LabelerError("There is no import {number}.", number=number)
        if not undoing[0]["undoing"]:
            raise LabelerError("This import was undone before.")

    def being_undone(self) -> list[int]:
        """The numbers of the imports of which items are to be taken out."""
        return [row["id"] for row in self.db.rows("SELECT id FROM imports WHERE undoing ORDER BY id")]

    def taken_out(self, number: int) -> int:
        """The number of items that the undoing of an import has taken out so far."""
        return self.db.value("SELECT taken_out FROM imports WHERE id = ?", [number]) or 0

    def take_out(self, number: int) -> None:
        """Take out the items of an import that nobody answered, `AT_ONCE` in one transaction. It can be repeated after
        a crash; nobody else may import meanwhile.

        Nothing is deleted: they lose their split, so that nobody is asked about them, and their imported labels are
        taken back. A later import of the same content brings them back, and so does an answer that was on its way.
        """
        last, n = 0, AT_ONCE
        while n == AT_ONCE:
            first = last
            last, n = self.db.execute(
                "SELECT COALESCE(MAX(id), 0), COUNT(*) FROM"
                " (SELECT id FROM items WHERE import_id = ? AND id > ? ORDER BY id LIMIT ?)",
                [number, first, AT_ONCE],
            ).fetchone()
            with self.db.write():
                self._take_out_between(number, first, last)
            let_others_write(self.db, n)

    def _take_out_between(self, number: int, first: int, last: int) -> None:
        """Take out items behind the id `first` up to the id `last`."""
        taken = self.db.rows(
            "UPDATE items SET withdrawn = split, split = NULL, drawn = 0"
            f" WHERE import_id = ? AND id > ? AND id <= ? AND split IS NOT NULL AND NOT {_TOUCHED} RETURNING id",
            [number, first, last],
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
        self.db.execute("UPDATE imports SET taken_out = taken_out + ? WHERE id = ?", [len(taken), number])

    def end_undo(self, number: int) -> int:
        """The number of items that the undoing of an import has taken out, which the audit log has once it is over."""
        with self.db.write():
            ended = self.db.rows(
                "UPDATE imports SET undoing = 0 WHERE id = ? AND undoing RETURNING undone_by", [number]
            )
            taken = self.taken_out(number)
            if ended:
                by = self.db.actor.named(ended[0]["undone_by"])
                self.audit.record(by, "import undone", {"import": number, "items": taken})
        return taken
