"""The lead's decisions about items: who decided, when, why, and the label before."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from labeler.core.errors import LabelerError
from labeler.core.items import AdjudicationAction
from labeler.core.labels import is_answer
from labeler.store.audit import AuditLog
from labeler.store.background import Audits
from labeler.store.database import Database, Row, now


class Decisions:
    """Leads' decisions."""

    def __init__(self, db: Database, audits: Audits) -> None:
        self.db = db
        self.audits = audits
        self.audit = AuditLog(db)

    def add(
        self,
        by: str,
        request_id: str,
        item_id: int,
        action: AdjudicationAction,
        label: str | None = None,
        reason: str = "",
    ) -> int:
        """Store a decision about an item, once for each `request_id`; its id.

        `label` sets the item's label, whatever annotators answer before or later. `exclude` takes the item out: it has
        no label, and nobody is asked about it. `return` asks for one more answer, even if the item was flagged.

        Raises: LabelerError: there is no such item, or the label is not one of the project's.
        """
        if (action == "label") != (label is not None) or (label is not None and not is_answer(label, self.db.config)):
            raise LabelerError(
                "{label!r} is not a label of this project: reload the page and decide again.", label=label
            )
        with self.db.write():
            if stored := self.db.value("SELECT id FROM adjudications WHERE request_id = ?", [request_id]):
                return stored
            items = self.db.rows("SELECT label, labels FROM items WHERE id = ? AND split IS NOT NULL", [item_id])
            if not items:
                raise LabelerError("There is no item {item_id} in this project.", item_id=item_id)
            if action == "return":
                self._set_wanted(item_id, items[0]["labels"] + 1)
            decision = self.db.value(
                "INSERT INTO adjudications"
                " (request_id, item_id, by, action, label, before, reason, at, today, class_change)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(number), 0) FROM class_changes))"
                " RETURNING id",
                [request_id, item_id, by, action, label, items[0]["label"], reason, now(), label],
            )
            what = {"item": item_id, "decision": action, "reason": reason}
            self.audit.record(self.db.actor.named(by), "decided", what, items[0]["label"], label)
            self.audits.request_for_latest()
        return decision

    def last_of(self, by: str) -> int | None:
        """The latest decision of this lead that was not taken back; None if there is none."""
        return self.db.value(
            "SELECT MAX(a.id) FROM adjudications a WHERE a.by = ? AND a.action <> 'undo'"
            " AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = a.id)",
            [by],
        )

    def undo(self, by: str, number: int | None = None) -> int | None:
        """Take back a decision of this lead, the latest by default; the item's id, or None if there is none.

        The decision before it, if there is one, holds again.
        """
        with self.db.write():
            decisions = self.db.rows(
                """
                SELECT a.id, a.item_id, a.action, items.label FROM adjudications a JOIN items ON items.id = a.item_id
                WHERE a.by = :by AND a.action <> 'undo' AND (:number IS NULL OR a.id = :number)
                  AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = a.id)
                ORDER BY a.id DESC LIMIT 1
                """,
                {"by": by, "number": number},
            )
            if not decisions:
                return None
            undone = decisions[0]
            if undone["action"] == "return":
                self._set_wanted(undone["item_id"], 0)
            self.db.execute(
                "INSERT INTO adjudications (request_id, item_id, by, action, before, at, undoes)"
                " VALUES ('undo:' || :id, :item_id, :by, 'undo', :label, :at, :id)",
                undone | {"by": by, "at": now()},
            )
            after = self.db.value("SELECT label FROM items WHERE id = ?", [undone["item_id"]])
            what = {"item": undone["item_id"], "decision": undone["action"]}
            self.audit.record(self.db.actor.named(by), "decision undone", what, undone["label"], after)
            self.audits.request_for_latest()
        return undone["item_id"]

    def latest(self, n: int = 50, before: int | None = None) -> list[Row]:
        """The latest decisions, newest first; `undone` tells whether a decision was taken back.

        Args: before: the id of a later one.
        """
        return self.db.rows(
            """
            SELECT a.id, a.item_id, a.by, a.action, COALESCE(a.today, a.label) AS label, a.before, a.reason, a.at,
                   EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = a.id) AS undone
            FROM adjudications a WHERE a.action <> 'undo' AND (:before IS NULL OR a.id < :before)
            ORDER BY a.id DESC LIMIT :n
            """,
            {"n": n, "before": before},
        )

    def any_within(self, seconds: float) -> bool:
        """Whether any decision was made or taken back within the last `seconds`."""
        since = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
        return bool(self.db.value("SELECT MAX(at) > ? FROM adjudications", [since]))

    def ask_again(self, item_ids: Sequence[int]) -> None:
        """Ask one more annotator about each of these labeled items."""
        with self.db.write():
            self.db.execute(
                "UPDATE items SET wanted = labels + 1 WHERE id IN (SELECT value FROM json_each(?))"
                " AND labels > 0 AND adjudicated IS NULL",
                [json.dumps([int(i) for i in item_ids])],
            )

    def _set_wanted(self, item_id: int, labels: int) -> None:
        """Set how many labels an item needs in all (0: as many as any item), and clear its flags so far."""
        self.db.execute(
            "UPDATE items SET wanted = :labels, cleared = CASE WHEN :labels > 0 THEN"
            " (SELECT COALESCE(MAX(id), 0) FROM annotations WHERE item_id = :item) ELSE 0 END WHERE id = :item",
            {"item": item_id, "labels": labels},
        )

    def of_item(self, item_id: int) -> list[Row]:
        """The decisions about an item that hold: id, by, action, label, reason, at; oldest first."""
        return self.db.rows(
            """
            SELECT a.id, a.by, a.action, COALESCE(a.today, a.label) AS label, a.reason, a.at FROM adjudications a
            WHERE a.item_id = ? AND a.action <> 'undo'
              AND NOT EXISTS (SELECT 1 FROM adjudications u WHERE u.undoes = a.id) ORDER BY a.id
            """,
            [item_id],
        )

    def decided_items(self) -> list[int]:
        """The ids of the items about which a decision holds."""
        return sorted(row[0] for row in self.db.execute("SELECT id FROM items WHERE adjudicated IS NOT NULL"))

    def count(self) -> int:
        """How many decisions hold, of all leads."""
        return self.db.value("SELECT COUNT(*) FROM adjudged")
