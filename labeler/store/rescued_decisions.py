"""Leads' decisions that were rescued from a damaged database, on their way back: never over a newer one."""

from collections.abc import Mapping
from typing import get_args

from labeler.core.items import AdjudicationAction
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row
from labeler.store.rescued_answers import label_today
from labeler.store.rescued_rows import UnfitError, has, item_of, text_or_none

INSERT = """
    INSERT INTO adjudications (request_id, item_id, by, action, label, before, reason, at, undoes, class_change, today)
    VALUES (:request_id, :item_id, :by, :action, :label, :before, :reason, :at, :undoes, :class_change, :today)
"""


class RescuedDecisions:
    """The way back for leads' decisions. Answers are put back before them."""

    def __init__(self, db: Database, class_changes: ClassChanges) -> None:
        self.db, self.class_changes = db, class_changes
        self.order: Mapping[str, int] = {}
        self.request_ids: Mapping[int, str] = {}

    @staticmethod
    def is_decision(row: object) -> bool:
        """Whether this has what every decision has."""
        if not (isinstance(row, dict) and has(row, ("request_id", "by", "at"), ("id", "item_id"))):
            return False
        action, label = row.get("action"), row.get("label", 0)
        is_undo = action == "undo" and isinstance(row.get("undoes"), int)
        fits = (action == "label") == isinstance(label, str) and (action == "label" or label is None)
        return fits and (is_undo or action in get_args(AdjudicationAction))

    def among(self, rows: list[Row]) -> "RescuedDecisions":
        """This, which knows the order of these rows, and what those of them that undo another one take back."""
        self.order = {row["request_id"]: row["id"] for row in rows}
        self.request_ids = {row["id"]: row["request_id"] for row in rows}
        return self

    def __call__(self, decision: Row) -> bool:
        """Whether a decision was stored; False: it was there. Raises: UnfitError."""
        item = item_of(self.db, decision)
        if decision["action"] == "undo":
            return self._undo(decision, item)
        stored = self.db.rows(
            "SELECT item_id, action FROM adjudications WHERE request_id = ?", [decision["request_id"]]
        )
        if stored:
            if stored[0] != {"item_id": item, "action": decision["action"]}:
                raise UnfitError("another decision is stored under its id")
            return False
        newer = self.db.rows(
            "SELECT request_id FROM adjudications WHERE item_id = ? AND action <> 'undo' AND at > ?",
            [item, decision["at"]],
        )
        place = decision["id"]
        if any(self.order.get(row["request_id"], place) >= place for row in newer):
            raise UnfitError("somebody has decided about this item since, and that decision stays")
        class_change, today = label_today(self.class_changes, decision)
        if decision["action"] == "return":
            self._return(item, decision["at"])
        self._insert(decision, item, {"class_change": class_change, "today": today, "undoes": None})
        return True

    def _undo(self, decision: Row, item: int) -> bool:
        """Whether a decision was taken back; False: it was before."""
        undone = self.db.rows(
            "SELECT id, action FROM adjudications WHERE request_id = ? AND item_id = ?",
            [self.request_ids.get(decision["undoes"]), item],
        )
        if not undone:
            raise UnfitError("it takes a decision back that is not there")
        number = undone[0]["id"]
        if self.db.value("SELECT 1 FROM adjudications WHERE undoes = ?", [number]):
            return False
        if undone[0]["action"] == "return":
            self.db.execute("UPDATE items SET wanted = 0, cleared = 0 WHERE id = ?", [item])
        made_here = {"request_id": f"undo:{number}", "undoes": number, "class_change": 0, "today": None}
        self._insert(decision, item, made_here)
        return True

    def _return(self, item: int, at: str) -> None:
        """Let an item want one label more than it had at a time, and the flags up to then be dealt with."""
        self.db.execute(
            """
            UPDATE items SET (wanted, cleared) = (
                (SELECT COUNT(*) + 1 FROM answers WHERE item_id = :item AND action = 'label' AND at <= :at),
                (SELECT COALESCE(MAX(id), 0) FROM annotations WHERE item_id = :item AND at <= :at)
            ) WHERE id = :item
            """,
            {"item": item, "at": at},
        )

    def _insert(self, decision: Row, item: int, made_here: Row) -> None:
        read = {name: decision[name] for name in ("request_id", "by", "action", "label", "at")}
        texts = {"before": text_or_none(decision, "before"), "reason": text_or_none(decision, "reason") or ""}
        self.db.execute(INSERT, read | texts | {"item_id": item} | made_here)
