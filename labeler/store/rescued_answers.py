"""Answers that were rescued from a damaged database, on their way back: never over a newer one."""

from collections.abc import Mapping
from typing import get_args

from labeler.core.items import Action, Reveal
from labeler.store.answers import INSERT
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row
from labeler.store.items import IMPORT, Items
from labeler.store.rescued_rows import UnfitError, has, item_of, text_or_none
from labeler.store.team import Team

Key = tuple[str, str]  # annotator and id of the request


class RescuedAnswers:
    """The way back for annotators' answers."""

    def __init__(self, db: Database, items: Items, team: Team, class_changes: ClassChanges) -> None:
        self.db, self.items, self.team, self.class_changes = db, items, team, class_changes
        self.order: Mapping[Key, int] = {}

    @staticmethod
    def is_answer(row: object) -> bool:
        """Whether this has what every answer has."""
        if not (isinstance(row, dict) and has(row, ("request_id", "annotator", "at"), ("id", "item_id"))):
            return False
        is_label = row.get("action") == "label"
        return "label" in row and is_label == isinstance(row["label"], str) and row.get("action") in get_args(Action)

    def among(self, rows: list[Row]) -> "RescuedAnswers":
        """This, which knows the order of these rows: what comes earlier in it is not newer, whatever the clock said."""
        self.order = {_key(row): row["id"] for row in rows}
        return self

    def __call__(self, answer: Row) -> bool:
        """Whether an answer was stored; False: it was there. Raises: UnfitError."""
        item = item_of(self.db, answer)
        key = {"item_id": item, "annotator": answer["annotator"]}
        if self._is_there(answer, key):
            return False
        self._check_newest(answer, key)
        class_change, today = label_today(self.class_changes, answer)
        current = self.db.value("SELECT id FROM answers WHERE item_id = :item_id AND annotator = :annotator", key)
        if answer["action"] == "undo" and current is None:
            raise UnfitError("it takes an answer back that is not there")
        if answer["annotator"] != IMPORT:
            self.team.join(answer["annotator"])
        self.items.restore(item)
        asked_at = self.db.value("SELECT id FROM queries WHERE id = ? AND item_id = ?", [answer.get("query_id"), item])
        made_here = {"query": asked_at, "current": current, "class_change": class_change, "today": today}
        self.db.execute(INSERT, _fields(answer) | key | made_here)
        self.db.execute("DELETE FROM reservations WHERE item_id = :item_id AND annotator = :annotator", key)
        return True

    def _is_there(self, answer: Row, key: Row) -> bool:
        """Whether an answer is stored, also under the name that its annotator had before an erasure.

        Raises: UnfitError: another one is stored under its id.
        """
        stored = self.db.rows(
            "SELECT item_id, action, label FROM annotations WHERE annotator = ? AND request_id = ?", [*_key(answer)]
        )
        if stored and stored[0] != {"item_id": key["item_id"], "action": answer["action"], "label": answer["label"]}:
            raise UnfitError(f"another answer of {answer['annotator']} is stored under its id")
        return bool(stored) or bool(
            self.db.value(
                "SELECT 1 FROM annotations WHERE item_id = :item_id AND request_id = :request_id AND at = :at",
                key | {"request_id": answer["request_id"], "at": answer["at"]},
            )
        )

    def _check_newest(self, answer: Row, key: Row) -> None:
        """Raises: UnfitError: this person has answered the item since."""
        newer = self.db.rows(
            "SELECT annotator, request_id, at FROM annotations"
            " WHERE item_id = :item_id AND annotator = :annotator AND at > :at",
            key | {"at": answer["at"]},
        )
        place = answer["id"]
        if any(self.order.get((row["annotator"], row["request_id"]), place) >= place for row in newer):
            raise UnfitError(f"{answer['annotator']} has answered this item since, and that answer stays")


def label_today(changes: ClassChanges, row: Row) -> tuple[int, str | None]:
    """The number of the change of classes that a label was given under, and what it says today.

    Raises: UnfitError: it was no label of this project.
    """
    if row["label"] is None:
        return 0, None
    known = row.get("class_change")
    label_now = changes.label_now(row["label"], known if isinstance(known, int) else None)
    if label_now is None:
        raise UnfitError(f"{row['label']!r} is not a class of this project")
    return label_now


def _key(answer: Row) -> Key:
    return answer["annotator"], answer["request_id"]


def _fields(answer: Row) -> Row:
    """The values of an answer for `INSERT`; what cannot be read of them is left out."""
    seconds = answer.get("seconds")
    return {
        **{name: answer[name] for name in ("request_id", "action", "label", "at")},
        "seconds": seconds if isinstance(seconds, int | float) else None,
        "tab": text_or_none(answer, "tab"),
        "unsure": answer.get("unsure") == 1,
        "note": text_or_none(answer, "note"),
        "reveal": answer.get("reveal") if answer.get("reveal") in get_args(Reveal) else "never",
        "chosen": answer.get("chosen") if answer.get("chosen") in ("hand", "next") else None,
    }
