"""Items whose file cannot be read: set aside, so that labeling and training go on without them, until it is mended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labeler.i18n.messages import dump, load
from labeler.store.audit import AuditLog
from labeler.store.database import Database
from labeler.store.parts import in_parts


@dataclass(frozen=True)
class Unreadable:
    """An item that is set aside. media: its file below the project's folder; reason: a message."""

    id: int
    source: str
    media: str
    reason: str


class SetAside:
    """The items that are set aside. Their answers and labels stay, and are exported as before."""

    def __init__(self, db: Database, audit: AuditLog) -> None:
        self.db = db
        self.audit = audit

    def put(self, reasons: Mapping[int, object]) -> int:
        """The number of items that are set aside now, and were not before; nobody is asked about them from now on.

        Args: reasons: a message or an error for each item's id.
        """
        return sum(self._put({item: reasons[item] for item in part}) for part in in_parts(self.db, list(reasons)))

    def _put(self, reasons: Mapping[int, object]) -> int:
        with self.db.write():
            ids = [item for item in reasons if self._is_here(item)]
            self.db.executemany(
                "UPDATE items SET unreadable = ? WHERE id = ?", [(dump(reasons[item]), item) for item in ids]
            )
            self.db.executemany("DELETE FROM reservations WHERE item_id = ?", [(item,) for item in ids])
            if ids:
                self.audit.record(self.db.actor, "items set aside", {"items": len(ids)})
        return len(ids)

    def _is_here(self, item: int) -> bool:
        query = "SELECT 1 FROM items WHERE id = ? AND unreadable IS NULL AND erased_at IS NULL"
        return bool(self.db.rows(query, [item]))

    def bring_back(self, ids: Sequence[int]) -> None:
        """Let items whose file can be read again take part as before."""
        for part in in_parts(self.db, ids):
            with self.db.write():
                self.db.executemany("UPDATE items SET unreadable = NULL WHERE id = ?", [(item,) for item in part])
                self.audit.record(self.db.actor, "items brought back", {"items": len(part)})

    def all(self) -> list[Unreadable]:
        """The items that are set aside, in the order of import."""
        rows = self.db.rows(
            "SELECT id, source, media, unreadable AS reason FROM items WHERE unreadable IS NOT NULL"
            " AND erased_at IS NULL AND split IS NOT NULL ORDER BY id"
        )
        return [Unreadable(**row | {"reason": load(row["reason"])}) for row in rows]
