"""Verbs on explanations: ask for one, claim it, end it; and what the panel beside the desk tells of an item."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from labeler.core.items import Reason
from labeler.core.jobs import Explanation, ExplanationKind
from labeler.i18n.messages import dump, load, mark
from labeler.store.database import Database, now
from labeler.store.desk import as_reason
from labeler.store.items import IMPORT

# One that took its process down this often is given up: the next try would do the same.
ATTEMPTS = 3
DIED = mark("The explainer died {attempts} times at this item.")
# A panel that still waits after this asks again; what nobody waits for is not computed.
PATIENCE = timedelta(seconds=20)
# Answers that neighbours are looked for among, the latest.
KNOWN = 5000


class Explanations:
    """What explains an item to its annotator."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def reason_of(self, annotator: str, item_id: int) -> Reason | None:
        """Why this annotator was asked about an item; of one that is not reserved, why it was asked last."""
        found = self.db.rows(
            """
            SELECT q.strategy, q.score, q.rank, q.round, rounds.model, rounds.seed
            FROM queries q LEFT JOIN rounds ON rounds.number = q.round
            LEFT JOIN reservations r ON r.query_id = q.id AND r.annotator = ?
            WHERE q.item_id = ? ORDER BY r.query_id IS NULL, q.round DESC LIMIT 1
            """,
            [annotator, item_id],
        )
        return as_reason(found[0]) if found else None

    def known_labels(self, annotator: str, others: bool = False) -> dict[str, tuple[int, str]]:
        """Item id and label by content hash: the latest `KNOWN` of the annotator's own labels and imported ones.

        An own label goes before an imported one. Known answers that newcomers are measured against stay unknown.

        Args: others: whether labels of other annotators are told as well.
        """
        found = self.db.rows(
            """
            SELECT i.content_hash, i.id, a.label FROM (
                SELECT * FROM answers WHERE action = 'label' AND (:others OR annotator IN (:annotator, :import))
                AND (annotator = :annotator OR item_id NOT IN (SELECT item_id FROM qualification))
                ORDER BY annotator = :annotator DESC, id DESC LIMIT :most
            ) a JOIN items i ON i.id = a.item_id
            ORDER BY a.annotator = :annotator, a.annotator <> :import, a.id
            """,
            {"annotator": annotator, "import": IMPORT, "others": others, "most": KNOWN},
        )
        return {row["content_hash"]: (row["id"], row["label"]) for row in found}

    def ask(self, content_hash: str, model: str, kind: ExplanationKind) -> Explanation:
        """What is known of an explanation; it is asked for if it has not been. Asking again costs a read alone."""
        key = [content_hash, model, kind]
        columns = "content_hash, model, kind, state, result, error"
        found = self.db.rows(
            f"SELECT {columns} FROM explanations WHERE content_hash = ? AND model = ? AND kind = ?", key
        )
        if not found:
            with self.db.write():
                self.db.execute(
                    "INSERT INTO explanations (content_hash, model, kind, requested_at) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    [*key, now()],
                )
            return Explanation(content_hash, model, kind)
        row = found[0]
        result, error = row["result"], row["error"]
        return Explanation(**(row | {"result": result and json.loads(result), "error": error and load(error)}))

    def waiting(self) -> bool:
        """Whether any is queued, or was left unfinished."""
        return bool(self.db.value("SELECT 1 FROM explanations WHERE state IN ('queued', 'running') LIMIT 1"))

    def claim(self) -> Explanation | None:
        """The one that was asked for last, now running: somebody looks at that item. None if there is none.

        What has waited for too long is forgotten: a panel that is still open asks again. Only the holder of the
        explainer's lock calls this, so that one that is marked as running belongs to a process that died.
        """
        too_old = (datetime.now(UTC) - PATIENCE).isoformat(timespec="milliseconds")
        with self.db.write():
            self.db.execute(
                "UPDATE explanations SET state = 'failed', finished_at = ?,"
                " error = json_object('message', ?, 'fields', json_object('attempts', attempts))"
                " WHERE state = 'running' AND attempts >= ?",
                [now(), DIED, ATTEMPTS],
            )
            self.db.execute("DELETE FROM explanations WHERE state = 'queued' AND requested_at < ?", [too_old])
            found = self.db.rows(
                "UPDATE explanations SET state = 'running', attempts = attempts + 1 WHERE id ="
                " (SELECT id FROM explanations WHERE state IN ('queued', 'running') ORDER BY id DESC LIMIT 1)"
                " RETURNING content_hash, model, kind, state"
            )
        return Explanation(**found[0]) if found else None

    def finish(self, asked: Explanation, result: dict[str, Any]) -> None:
        """Store what explains the item."""
        self._end(asked, "done", json.dumps(result, ensure_ascii=False), None)

    def fail(self, asked: Explanation, error: object) -> None:
        """End one with what went wrong: a message or an error."""
        self._end(asked, "failed", None, dump(error))

    def _end(self, asked: Explanation, state: str, result: str | None, error: str | None) -> None:
        with self.db.write():
            self.db.execute(
                "UPDATE explanations SET state = ?, result = ?, error = ?, finished_at = ?"
                " WHERE content_hash = ? AND model = ? AND kind = ?",
                [state, result, error, now(), asked.content_hash, asked.model, asked.kind],
            )

    def forget_others(self, models: Sequence[str]) -> int:
        """Remove those of all models but these; how many there were."""
        with self.db.write():
            return self.db.execute(
                "DELETE FROM explanations WHERE model NOT IN (SELECT value FROM json_each(?))",
                [json.dumps(list(models))],
            ).rowcount
