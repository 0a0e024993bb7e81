"""Items that a lead selected to be asked next: asked, waiting, taken back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from labeler.core.id_runs import IdRuns
from labeler.i18n.messages import dump, load
from labeler.store.audit import AuditLog
from labeler.store.database import Database, now

# An item `i` that can be asked next: of the pool, without a label, and not taken out or flagged.
ASKABLE = "i.split = 'pool' AND i.open AND i.labels = 0"
_NOT_ASKED = "NOT EXISTS (SELECT 1 FROM asked_next WHERE item_id = i.id AND taken_back_at IS NULL)"
LOOK = 2000  # items that are looked at together


@dataclass(frozen=True)
class Selection:
    """Items that were asked next together and still wait. what: a message. on_desks: those that somebody holds now."""

    by: str
    what: str
    at: str
    waiting: int
    on_desks: int


class AskedNext:
    """What leads had asked next."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.audit = AuditLog(db)

    def ask(self, item_ids: Sequence[int], n: int, by: str, what: object) -> int:
        """Have the first `n` of these items that can be asked answered before all others; how many there were.

        Labeled items, the holdout's, and those that are flagged, taken out or asked next already are passed over.

        Args: what: was selected, a message.
        """
        distinct = dict.fromkeys(int(i) for i in item_ids)
        with self.db.write():
            asked = self.db.rows(
                f"""
                INSERT INTO asked_next (item_id, by, selection, at)
                SELECT i.id, :by, :what, :at FROM json_each(:items) chosen CROSS JOIN items i ON i.id = chosen.value
                WHERE {ASKABLE} AND {_NOT_ASKED}
                ORDER BY chosen.key LIMIT :n RETURNING id
                """,
                {"by": by, "what": dump(what), "at": now(), "items": json.dumps(list(distinct)), "n": n},
            )
            if asked:
                self._record(by, "items asked next", str(what), len(asked))
        return len(asked)

    def first_askable(self, ids: IdRuns, n: int) -> list[int]:
        """The first `n` of these items that can be asked, see `ask`."""
        askable: list[int] = []
        for start in range(0, len(ids), LOOK):
            rows = self.db.execute(
                f"""
                SELECT i.id FROM json_each(:items) chosen CROSS JOIN items i ON i.id = chosen.value
                WHERE {ASKABLE} AND {_NOT_ASKED} ORDER BY chosen.key LIMIT :n
                """,
                {"items": json.dumps(ids[start : start + LOOK].tolist()), "n": n - len(askable)},
            )
            askable += [item for (item,) in rows]
            if len(askable) >= n:
                break
        return askable

    def waiting(self) -> list[Selection]:
        """The selections of which items still wait, the oldest first."""
        rows = self.db.rows(
            f"""
            SELECT n.by, n.selection AS what, n.at, COUNT(*) AS waiting,
                   SUM(EXISTS (SELECT 1 FROM reservations WHERE item_id = n.item_id)) AS on_desks
            FROM asked_next n CROSS JOIN items i ON i.id = n.item_id
            WHERE n.waits AND n.taken_back_at IS NULL AND {ASKABLE}
            GROUP BY n.by, n.selection, n.at ORDER BY MIN(n.id)
            """
        )
        return [Selection(**row | {"what": load(row["what"])}) for row in rows]

    def take_back(self, selection: Selection) -> int:
        """The number of items of a selection that are not asked next any more.

        Those that somebody holds now stay: nothing vanishes while it is looked at.
        """
        with self.db.write():
            taken = self.db.rows(
                f"""
                UPDATE asked_next SET taken_back_at = ? WHERE by = ? AND at = ? AND taken_back_at IS NULL
                  AND EXISTS (SELECT 1 FROM items i WHERE i.id = asked_next.item_id AND {ASKABLE})
                  AND item_id NOT IN (SELECT item_id FROM reservations) RETURNING id
                """,
                [now(), selection.by, selection.at],
            )
            if taken:
                self._record("", "items not asked next any more", str(selection.what), len(taken))
        return len(taken)

    def _record(self, by: str, action: str, selection: str, n: int) -> None:
        self.audit.record(self.db.actor.named(by), action, {"selection": selection, "items": n})

    def version(self) -> int:
        """A number that changes when items are asked next or taken back."""
        return self.db.value("SELECT COALESCE(MAX(id), 0) + COUNT(taken_back_at) FROM asked_next")
