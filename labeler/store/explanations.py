"""Explanations of items: requested, claimed, finished; and the facts that the panel beside the desk shows."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from labeler.core.items import Reason
from labeler.core.jobs import CRASHES, Ending, Explanation, ExplanationKind
from labeler.i18n.messages import dump, load, mark
from labeler.store.database import Database, now
from labeler.store.desk import as_reason
from labeler.store.items import IMPORT

DIED = mark("The explainer died {crashes} times at this item.")
# A panel that still waits after this asks again. A request that nobody waits for is dropped.
PATIENCE = timedelta(seconds=20)
# The neighbours of an item are searched among this many of the latest answers.
MOST_KNOWN = 5000


class Explanations:
    """The explanations of items."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def reason_of(self, annotator: str, item_id: int) -> Reason | None:
        """Why this annotator was asked about an item; why it was asked last if the annotator does not hold it."""
        reasons = self.db.rows(
            """
            SELECT q.strategy, q.score, q.rank, q.round, rounds.model, rounds.seed
            FROM queries q LEFT JOIN rounds ON rounds.number = q.round
            LEFT JOIN reservations r ON r.query_id = q.id AND r.annotator = ?
            WHERE q.item_id = ? ORDER BY r.query_id IS NULL, q.round DESC LIMIT 1
            """,
            [annotator, item_id],
        )
        return as_reason(reasons[0]) if reasons else None

    def known_labels(self, annotator: str, others: bool = False) -> dict[str, tuple[int, str]]:
        """Item id and label by content hash: the latest `MOST_KNOWN` of the annotator's own labels and imported ones.

        An own label goes before an imported one. The known answers of qualification items are left out, so that
        newcomers do not see them.

        Args: others: whether labels of other annotators are included.
        """
        others_answers = "annotator <> :annotator" if others else "annotator = :import"
        rows = self.db.rows(
            f"""
            SELECT i.content_hash, i.id, a.label FROM (
                SELECT * FROM (SELECT * FROM answers WHERE action = 'label' AND annotator = :annotator
                               ORDER BY id DESC LIMIT :most)
                UNION ALL
                SELECT * FROM (SELECT * FROM answers WHERE action = 'label' AND {others_answers}
                               AND item_id NOT IN (SELECT item_id FROM qualification) ORDER BY id DESC LIMIT :most)
                LIMIT :most
            ) a JOIN items i ON i.id = a.item_id
            ORDER BY a.annotator = :annotator, a.annotator <> :import, a.id
            """,
            {"annotator": annotator, "import": IMPORT, "most": MOST_KNOWN},
        )
        return {row["content_hash"]: (row["id"], row["label"]) for row in rows}

    def is_known(self, item_id: int, others: bool = False) -> bool:
        """Whether everybody may know an item's label, as in `known_labels`: an imported one, or anybody's."""
        return bool(
            self.db.value(
                "SELECT 1 FROM answers WHERE item_id = :item AND action = 'label' AND (:others OR annotator = :import)"
                " AND item_id NOT IN (SELECT item_id FROM qualification) LIMIT 1",
                {"item": item_id, "others": others, "import": IMPORT},
            )
        )

    def get_or_request(self, content_hash: str, model: str, kind: ExplanationKind) -> Explanation:
        """An explanation in its present state; it is requested if it does not exist. Asking again costs only a read."""
        key = [content_hash, model, kind]
        columns = "content_hash, model, kind, state, result, error"
        rows = self.db.rows(
            f"SELECT {columns} FROM explanations WHERE content_hash = ? AND model = ? AND kind = ?", key
        )
        if not rows:
            with self.db.write():
                self.db.execute(
                    "INSERT INTO explanations (content_hash, model, kind, requested_at) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    [*key, now()],
                )
            return Explanation(content_hash, model, kind)
        row = rows[0]
        result, error = row["result"], row["error"]
        return Explanation(**(row | {"result": result and json.loads(result), "error": error and load(error)}))

    def waiting(self) -> bool:
        """Whether any explanation is queued, or was left unfinished."""
        return bool(self.db.value("SELECT 1 FROM explanations WHERE state IN ('queued', 'running') LIMIT 1"))

    def claim(self, ended: Ending | None = "outside") -> Explanation | None:
        """The explanation that was requested last, now running; None if there is none. Somebody looks at that item now.

        Requests older than `PATIENCE` are deleted, because a panel that is still open asks again. Only the holder of
        the explainer's lock calls this. An explanation marked as running therefore belongs to a process that ended.
        Where memory was short or it crashed by itself, `CRASHES` times, the explanation fails.

        Args: ended: how that process ended, at the first claim after that.
        """
        too_old = (datetime.now(UTC) - PATIENCE).isoformat(timespec="milliseconds")
        with self.db.write():
            self.db.execute(
                "UPDATE explanations SET crashes = crashes + 1 WHERE state = 'running' AND ? IN ('crashed', 'memory')",
                [ended],
            )
            self.db.execute(
                "UPDATE explanations SET state = 'failed', finished_at = ?,"
                " error = json_object('message', ?, 'fields', json_object('crashes', crashes))"
                " WHERE state = 'running' AND crashes >= ?",
                [now(), DIED, CRASHES],
            )
            self.db.execute("DELETE FROM explanations WHERE state = 'queued' AND requested_at < ?", [too_old])
            claimed = self.db.rows(
                "UPDATE explanations SET state = 'running', attempts = attempts + 1 WHERE id ="
                " (SELECT id FROM explanations WHERE state IN ('queued', 'running') ORDER BY id DESC LIMIT 1)"
                " RETURNING content_hash, model, kind, state"
            )
        return Explanation(**claimed[0]) if claimed else None

    def finish(self, asked: Explanation, result: dict[str, Any]) -> None:
        """Store the result of an explanation."""
        self._end(asked, "done", json.dumps(result, ensure_ascii=False), None)

    def fail(self, asked: Explanation, error: object) -> None:
        """End an explanation with a message or an error."""
        self._end(asked, "failed", None, dump(error))

    def _end(self, asked: Explanation, state: str, result: str | None, error: str | None) -> None:
        with self.db.write():
            self.db.execute(
                "UPDATE explanations SET state = ?, result = ?, error = ?, finished_at = ?"
                " WHERE content_hash = ? AND model = ? AND kind = ?",
                [state, result, error, now(), asked.content_hash, asked.model, asked.kind],
            )

    def delete_except(self, models: Sequence[str]) -> int:
        """Delete the explanations of all models but these; how many there were."""
        with self.db.write():
            return self.db.execute(
                "DELETE FROM explanations WHERE model NOT IN (SELECT value FROM json_each(?))",
                [json.dumps(list(models))],
            ).rowcount
