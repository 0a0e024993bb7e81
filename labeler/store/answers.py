"""Annotators' answers: stored, taken back, read and exported."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from labeler.core.blinding import OPEN
from labeler.core.class_changes import StoredChange, label_today
from labeler.core.items import Answer, Chosen, Prediction, Receipt, picture_path
from labeler.i18n.messages import Message, mark
from labeler.store.audit import AuditLog
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row, now
from labeler.store.desk import FREE, Desk, as_prediction
from labeler.store.foreign import ForeignModels
from labeler.store.incoming import BY_IMPORT
from labeler.store.items import IMPORT, Items
from labeler.store.leases import lease_time
from labeler.store.refused import Refused, RefusedAnswers
from labeler.store.rounds import Rounds
from labeler.store.team import Team

# Columns of an export. `label` is this annotator's label in today's classes, `given` the one that was answered, and
# `classes_changed_at` the time of the change that made the difference. `item_label` is the item's label, from all
# annotators' votes or the lead's decision.
EXPORT = {
    "item_id": "i.id",
    "source": "i.source",
    "split": "i.split",
    "text": "i.text",
    "media": "i.media",
    "content_hash": "i.content_hash",
    "metadata": "i.metadata",
    "action": "a.action",
    "label": "a.today",
    "given": "a.label",
    "classes_changed_at": "a.class_change",  # replaced by the time
    "unsure": "a.unsure",
    "note": "a.note",
    "reveal": "a.reveal",
    "chosen": "a.chosen",
    "predicted": "q.predicted",
    "confidence": "q.confidence",
    "item_label": "i.label",
    "decided_by": "d.by",
    "decided_at": "d.at",
    "annotator": "a.annotator",
    "round": "q.round",
    "strategy": "q.strategy",
    "score": "q.score",
    "rank": "q.rank",
    "model": "rounds.model",
    "seed": "rounds.seed",
    "seconds": "a.seconds",
    "answered_at": "a.at",
    "added_at": "i.added_at",
}

# The answers of an export: no undone and no replaced ones, see `Answers.stream`.
_EXPORTED = """
    a.action <> 'undo' AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.supersedes = a.id)
    AND (a.action <> 'label' OR a.today IS NOT NULL OR NOT EXISTS (
        SELECT 1 FROM annotations b WHERE b.item_id = a.item_id AND b.annotator = a.annotator AND b.id > a.id))
"""

INSERT = """
    INSERT INTO annotations
        (request_id, item_id, annotator, action, label, query_id, seconds, tab, at, supersedes, unsure, note, reveal,
         class_change, today, chosen)
    VALUES (:request_id, :item_id, :annotator, :action, :label, :query, :seconds, :tab, :at, :current, :unsure, :note,
            :reveal, :class_change, :today, :chosen)
"""


class Answers:
    """Annotators' answers."""

    def __init__(
        self, db: Database, items: Items, team: Team, desk: Desk, rounds: Rounds, class_changes: ClassChanges
    ) -> None:
        self.db = db
        self.items, self.team, self.desk, self.rounds = items, team, desk, rounds
        self.class_changes = class_changes
        self.foreign = ForeignModels(db, class_changes)
        self.refused = RefusedAnswers(db)
        self.audit = AuditLog(db)

    def add(self, annotator: str, answers: Sequence[Answer], offered_only: bool = False) -> list[Receipt]:
        """Store answers in one transaction, each exactly once, and ask for a round when enough are new.

        An answer is stored even when its reservation has expired or somebody else has answered meanwhile: no answer
        is thrown away.

        Args: offered_only: an answer is refused if its item was never given to the annotator.
        """
        with self.db.write():
            receipts = [self._annotate(annotator, answer, offered_only) for answer in answers]
            self.refused.stored(annotator, [receipt.request_id for receipt in receipts if receipt.ok])
            self.rounds.request_if_due()
        return receipts

    def add_refused(self, refused: Refused, by: str) -> Receipt:
        """Store an answer that was refused, in the name of its annotator, because somebody who leads wants it."""
        answer = refused.as_answer()
        if answer is None:
            return Receipt(refused.request_id, False, Message.of(refused.reason))
        with self.db.write():
            (receipt,) = self.add(refused.annotator, [answer])
            if receipt.ok:
                what = {"item": refused.item_id, "annotator": refused.annotator}
                self.audit.record(self.db.actor.named(by), "refused answer stored", what, None, answer.label)
        return receipt

    def _annotate(self, annotator: str, answer: Answer, offered_only: bool) -> Receipt:
        def refused(reason: Message) -> Receipt:
            return Receipt(answer.request_id, False, reason)

        if offered_only and not self.desk.is_offered(annotator, answer.item_id):
            return refused(mark("the item {item_id} was not given to you.", item_id=answer.item_id))
        if answer.request_id.startswith(BY_IMPORT):
            return refused(mark("its id is one of those of imports: send it under another."))
        if stored := self._stored(annotator, answer.request_id):
            if stored != (answer.item_id, answer.action, answer.label):
                return refused(mark("another answer of yours is stored under its id: answer the item again."))
            return self._receipt(answer, annotator)
        self.items.restore(answer.item_id)
        item = self.items.get(answer.item_id)
        if item is None:
            return refused(mark("there is no item {item_id} in this project.", item_id=answer.item_id))
        if (answer.label is not None) != (answer.action == "label"):
            return refused(
                mark(
                    "an answer of kind {action!r} does not fit the label {label!r}.",
                    action=answer.action,
                    label=answer.label,
                )
            )
        label_now = None if answer.label is None else self.class_changes.label_now(answer.label, answer.class_change)
        if answer.label is not None and label_now is None:
            return refused(
                mark("{label!r} is not a class of this project any more: reload the page.", label=answer.label)
            )
        if answer.chosen and item.split != "pool":
            return refused(mark("the holdout measures the model, so nobody chooses which of its items are answered."))
        class_change, today = label_now or (0, None)
        key: Row = {"item_id": item.id, "annotator": annotator}
        current = self.db.value("SELECT id FROM answers WHERE item_id = :item_id AND annotator = :annotator", key)
        if answer.action == "undo" and not self._is_taken_back(answer, annotator, current):
            left = mark("you have given another answer to this item since, and it stays.") if current else None
            return Receipt(answer.request_id, True, left)
        chosen = answer.chosen or self._chosen(item.id, current)
        query = None if chosen else self._query(key)
        made_here = {"query": query, "current": current, "today": today, "chosen": chosen, "class_change": class_change}
        self.db.execute(INSERT, asdict(answer) | key | {"at": now()} | made_here)
        if answer.action == "undo" and answer.tab:
            self._take_back(annotator, answer.tab, item.id, query)
        else:
            self.db.execute("DELETE FROM reservations WHERE item_id = :item_id AND annotator = :annotator", key)
        return self._receipt(answer, annotator)

    def latest(self) -> str:
        """When the last answer was stored; empty where there is none."""
        return self.db.value("SELECT at FROM annotations ORDER BY id DESC LIMIT 1") or ""

    def _stored(self, annotator: str, request_id: str) -> tuple[int, str, str | None] | None:
        """Item, action and label of what this annotator has sent under an id; None if nothing."""
        rows = self.db.rows(
            "SELECT item_id, action, label FROM annotations WHERE annotator = ? AND request_id = ?",
            [annotator, request_id],
        )
        return (rows[0]["item_id"], rows[0]["action"], rows[0]["label"]) if rows else None

    def _is_taken_back(self, undo: Answer, annotator: str, current: int | None) -> bool:
        """Whether an undo takes back the current answer to its item: it names it, or names none."""
        if current is None or undo.undoes is None:
            return current is not None
        return current == self.db.value(
            "SELECT id FROM annotations WHERE annotator = ? AND request_id = ?", [annotator, undo.undoes]
        )

    def _chosen(self, item_id: int, current: int | None) -> Chosen | None:
        """Who chose the item: as in the answer that is changed, else the lead who had it asked next, if anybody had."""
        if current is not None:
            return self.db.value("SELECT chosen FROM annotations WHERE id = ?", [current])
        asked = self.db.value("SELECT 1 FROM asked_next WHERE item_id = ? AND taken_back_at IS NULL", [item_id])
        return "next" if asked else None

    def _query(self, key: Row) -> int | None:
        """The place in a ranking that had the item asked: that of the annotator's reservation, else the latest."""
        return self.db.value(
            "SELECT query_id FROM reservations WHERE item_id = :item_id AND annotator = :annotator", key
        ) or self.db.value("SELECT id FROM queries WHERE item_id = :item_id ORDER BY round DESC LIMIT 1", key)

    def _receipt(self, answer: Answer, annotator: str) -> Receipt:
        """That an answer is stored, with what the models say of its item, as far as the project reveals it."""
        if self.db.config.labeling.reveal == "never" or answer.action != "label":
            return Receipt(answer.request_id, True)
        others = self.foreign.shown([answer.item_id]).get(answer.item_id, ())
        return Receipt(answer.request_id, True, None, self._revealed(answer, annotator), tuple(others))

    def _revealed(self, answer: Answer, annotator: str) -> Prediction | None:
        """The model's prediction for an item that was just labeled.

        Predictions for blind items are never revealed, see `labeler.core.blinding`.
        """
        predictions = self.db.rows(
            f"""
            SELECT q.predicted, q.confidence FROM answers a JOIN queries q ON q.id = a.query_id
            JOIN items i ON i.id = a.item_id
            WHERE a.item_id = ? AND a.annotator = ? AND {OPEN}
            """,
            [answer.item_id, annotator],
        )
        return as_prediction(predictions[0]) if predictions else None

    def _take_back(self, annotator: str, tab: str, item_id: int, query: int | None) -> None:
        """Reserve the item for the annotator again after an undo, unless others have it by now."""
        self.db.execute(
            f"""
            INSERT INTO reservations (item_id, annotator, tab, query_id, expires_at)
            SELECT i.id, :annotator, :tab, :query, :expires FROM items i WHERE i.id = :item_id AND {FREE}
            """,
            self.desk.reservation_values(self.team.join(annotator), tab, lease_time())
            | {"item_id": item_id, "query": query},
        )

    def get(self, annotator: str, item_id: int) -> Row | None:
        """An annotator's current answer to an item: action, label, unsure, note, request_id; None if there is none."""
        answers = self.db.rows(
            "SELECT action, label, unsure, note, request_id FROM answers WHERE annotator = ? AND item_id = ?",
            [annotator, item_id],
        )
        return answers[0] if answers else None

    def some(self, after: int, n: int, annotator: str | None = None) -> list[Row]:
        """The first `n` current answers after the one with this id, in the order of answering: id, request_id, item_id,
        annotator, action, label, seconds, unsure, note, at. Args: annotator: whose; None: everybody's but imports'.
        """
        return self.db.rows(
            """
            SELECT id, request_id, item_id, annotator, action, label, seconds, unsure, note, at FROM answers
            WHERE id > :after AND annotator <> :import AND (:annotator IS NULL OR annotator = :annotator)
            ORDER BY id LIMIT :n
            """,
            {"after": after, "n": n, "annotator": annotator, "import": IMPORT},
        )

    def item_of(self, annotator: str, request_id: str) -> int | None:
        """The item that an annotator has answered under this id; None if nothing was sent under it."""
        stored = self._stored(annotator, request_id)
        return stored[0] if stored else None

    def history(self, annotator: str, n: int = 50) -> list[Row]:
        """The annotator's latest current answers, newest first, with the predictions that may be shown."""
        rows = self.db.rows(
            f"""
            SELECT a.item_id, a.request_id, a.action, a.label, a.unsure, i.content_hash, i.media,
                   iif({OPEN}, q.predicted, NULL) AS predicted, iif({OPEN}, q.confidence, NULL) AS confidence
            FROM answers a JOIN items i ON i.id = a.item_id LEFT JOIN queries q ON q.id = a.query_id
            WHERE a.annotator = ? ORDER BY a.id DESC LIMIT ?
            """,
            [annotator, n],
        )
        for row in rows:
            content_hash, media = row.pop("content_hash"), row.pop("media")
            row["picture"] = picture_path(row["item_id"], content_hash) if media else None
        return rows

    def export(self) -> list[Row]:
        """All rows of `stream`."""
        return [*self.stream()]

    def stream(self, *, by_item: bool = False) -> Iterator[Row]:
        """One row for each current answer, with when and why the item was asked, in the order of answering.

        An answer that says nothing any more since the classes changed has no `label`, but what was `given`. It is left
        out where the same person has answered the item again.

        Args: by_item: in the order of the items instead, and of the annotators of each: as the index has them.
        """
        order = "a.item_id, a.annotator, a.id" if by_item else "a.id"
        columns = ", ".join(f"{expression} AS {name}" for name, expression in EXPORT.items())
        changes = self.class_changes.all()
        for row in self.db.stream(
            f"""
            SELECT {columns}
            FROM annotations a JOIN items i ON i.id = a.item_id
            LEFT JOIN adjudged d ON d.item_id = i.id AND i.adjudicated IS NOT NULL
            LEFT JOIN queries q ON q.id = a.query_id LEFT JOIN rounds ON rounds.number = q.round
            WHERE {_EXPORTED} ORDER BY {order}
            """
        ):
            row["metadata"] = json.loads(row["metadata"])
            row["classes_changed_at"] = self._changed_at(row["given"], changes[row["classes_changed_at"] :])
            yield row

    def exported(self) -> int:
        """The number of rows of `stream`."""
        return self.db.value(f"SELECT COUNT(*) FROM annotations a WHERE {_EXPORTED}")

    def at_most(self) -> int:
        """A number of answers that `stream` has not more rows than; it is known at once."""
        return self.db.value("SELECT COALESCE(MAX(id), 0) FROM annotations")

    def metadata_names(self) -> list[str]:
        """The names in the metadata of the rows of `stream`, in the order in which they occur."""
        # read in this order without an index: sorting would hold all rows
        rows = self.db.execute(
            f"""
            SELECT DISTINCT m.key FROM annotations a NOT INDEXED CROSS JOIN items i ON i.id = a.item_id
            CROSS JOIN json_each(i.metadata) m
            WHERE i.metadata <> '{{}}' AND {_EXPORTED}
            """
        )
        return [name for (name,) in rows]

    def _changed_at(self, label: str | None, changes: Sequence[StoredChange]) -> str | None:
        """When a label began to say what it says after these changes; None if none of them made a difference."""
        if label is None:
            return None
        at: str | None = None
        before: str | None = label
        several = self.db.config.several
        for place, change in enumerate(changes, 1):
            after = label_today(label, changes[:place], several)
            before, at = after, at if after == before else change.at
        return at
