"""Answers that the server did not take: what was sent, by whom, and what is wrong with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from labeler.core.items import Action, Answer, Reveal
from labeler.i18n.messages import dump, load
from labeler.store.audit import AuditLog
from labeler.store.database import Database, Row, now

MOST = 1000  # kept of an annotator: a program that sends nonsense does not fill the disk
MOST_TEXT = 4000  # characters of a text in an answer
FIELDS = ("action", "label", "seconds", "unsure", "note", "reveal", "class_change", "undoes")


@dataclass(frozen=True)
class Refused:
    """An answer that was not taken. answer: its fields as they were sent, unchecked. reason: a message.

    item_id: None where what was sent is no item's id.
    """

    id: int
    annotator: str
    request_id: str
    item_id: int | None
    answer: Mapping[str, Any]
    reason: object
    at: str

    def as_answer(self) -> Answer | None:
        """The answer with what can be read of its fields; None if that is no answer."""
        fields = self.answer
        action, label, seconds = fields.get("action"), fields.get("label"), fields.get("seconds")
        if self.item_id is None or action not in get_args(Action):
            return None
        return Answer(
            self.request_id,
            self.item_id,
            cast(Action, action),
            label=label if isinstance(label, str) else None,
            seconds=seconds if isinstance(seconds, int | float) else None,
            unsure=fields.get("unsure") is True,
            note=str(fields["note"]) if "note" in fields else None,
            reveal=fields["reveal"] if fields.get("reveal") in get_args(Reveal) else "never",
            class_change=fields["class_change"] if isinstance(fields.get("class_change"), int) else None,
            undoes=str(fields["undoes"]) if "undoes" in fields else None,
        )


class RefusedAnswers:
    """The answers that were refused, until they are stored after all or somebody discards them."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.audit = AuditLog(db)

    def record(
        self, annotator: str, request_id: str, item_id: int | None, answer: Mapping[str, Any], reason: object
    ) -> None:
        """Keep an answer with the reason for which it was refused; one that was sent again with the latest reason."""
        fields = {name: _cut(answer[name]) for name in FIELDS if answer.get(name) is not None}
        with self.db.write():
            self.db.execute(
                """
                INSERT INTO refused_answers (annotator, request_id, item_id, answer, reason, at)
                SELECT :annotator, :request_id, :item_id, :answer, :reason, :at
                WHERE (SELECT COUNT(*) FROM refused_answers WHERE annotator = :annotator) < :most
                ON CONFLICT (annotator, request_id)
                DO UPDATE SET answer = excluded.answer, reason = excluded.reason, discarded_by = NULL
                """,
                {
                    "annotator": annotator,
                    "request_id": request_id,
                    "item_id": item_id,
                    "answer": json.dumps(fields),
                    "reason": dump(reason),
                    "at": now(),
                    "most": MOST,
                },
            )

    def all(self) -> list[Refused]:
        """The refused answers that nobody has dealt with, the latest first."""
        rows = self.db.rows(
            "SELECT id, annotator, request_id, item_id, answer, reason, at FROM refused_answers"
            " WHERE discarded_by IS NULL ORDER BY id DESC"
        )
        return [_as_refused(row) for row in rows]

    def get(self, number: int) -> Refused | None:
        """The refused answer of this id; None if somebody has dealt with it."""
        return next((refused for refused in self.all() if refused.id == number), None)

    def stored(self, annotator: str, request_ids: Sequence[str]) -> None:
        """Forget what was refused of an annotator and is stored now."""
        self.db.execute(
            "DELETE FROM refused_answers WHERE annotator = ? AND request_id IN (SELECT value FROM json_each(?))",
            [annotator, json.dumps(list(request_ids))],
        )

    def discard(self, refused: Refused, by: str) -> None:
        """Give a refused answer up; its annotator's browser hears of it."""
        with self.db.write():
            self.db.execute("UPDATE refused_answers SET discarded_by = ? WHERE id = ?", [by, refused.id])
            what = {"item": refused.item_id, "annotator": refused.annotator}
            self.audit.record(self.db.actor.named(by), "refused answer discarded", what, refused.answer.get("label"))

    def dismissed(self, annotator: str, request_ids: Sequence[str]) -> None:
        """Forget refused answers that the annotator gave up."""
        with self.db.write():
            self.stored(annotator, request_ids)

    def settled(self, annotator: str, request_ids: Sequence[str]) -> list[str]:
        """Those of these answers that are stored by now, or that somebody who leads discarded."""
        rows = self.db.rows(
            """
            SELECT value AS id FROM json_each(:ids) WHERE
                EXISTS (SELECT 1 FROM annotations WHERE annotator = :annotator AND request_id = value)
                OR EXISTS (SELECT 1 FROM refused_answers WHERE annotator = :annotator AND request_id = value
                           AND discarded_by IS NOT NULL)
            """,
            {"annotator": annotator, "ids": json.dumps(list(request_ids))},
        )
        return [row["id"] for row in rows]


def _cut(value: object) -> object:
    """A field of an answer, whatever was sent, no larger than an answer may be."""
    if isinstance(value, str):
        return value[:MOST_TEXT]
    is_small = isinstance(value, int | float) and abs(value) < 2**53
    return value if is_small else str(value)[:MOST_TEXT]


def _as_refused(row: Row) -> Refused:
    return Refused(**row | {"answer": json.loads(row["answer"]), "reason": load(row["reason"])})
