"""Answers that were rescued from a damaged database are put back: each once, and never over a newer one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from labeler.core.items import Action, Reveal
from labeler.store.answers import INSERT
from labeler.store.audit import AuditLog
from labeler.store.class_changes import ClassChanges
from labeler.store.database import Database, Row
from labeler.store.items import IMPORT, Items
from labeler.store.rounds import Rounds
from labeler.store.team import Team

Key = tuple[str, str]  # annotator and id of the request


class UnfitError(Exception):
    """An answer that cannot be put back; says why."""


@dataclass(frozen=True)
class PutBack:
    """What came of rescued answers. unfit: why some were not put back, by their place in the file, from 1."""

    stored: int
    there: int  # before
    unfit: Mapping[int, str]


class RescuedAnswers:
    """The way back for the answers that `labeler.store.copies.rescue_answers` has written."""

    def __init__(self, db: Database, items: Items, team: Team, rounds: Rounds, class_changes: ClassChanges) -> None:
        self.db, self.items, self.team, self.rounds = db, items, team, rounds
        self.class_changes = class_changes
        self.audit = AuditLog(db)

    def put_back(self, answers: Sequence[Any], by: str) -> PutBack:
        """Store rescued answers that are not there, in the order in which they were given, in one transaction.

        An answer is not put back over a newer one of the same person to the same item, nor where there is no such item.
        A second time nothing is left to do.

        Args: answers: rows of `annotations` with the hash of the item's content, as they were read; anything else is
              unfit. by: who puts them back.
        """
        places = dict(enumerate(answers, 1))
        unfit = {place: "it is no answer" for place, answer in places.items() if not _is_answer(answer)}
        fit = sorted((p for p in places if p not in unfit), key=lambda place: places[place]["id"])
        order = {_key(places[place]): places[place]["id"] for place in fit}
        stored = there = 0
        with self.db.write():
            for place in fit:
                try:
                    is_new = self._put_back(places[place], order)
                except UnfitError as reason:
                    unfit[place] = str(reason)
                else:
                    stored, there = stored + is_new, there + (not is_new)
            if stored:
                what = {"stored": stored, "there": there, "unfit": len(unfit)}
                self.audit.record(self.db.actor.named(by), "rescued answers put back", what)
                self.rounds.request_if_due()
        return PutBack(stored, there, dict(sorted(unfit.items())))

    def _put_back(self, answer: Row, order: Mapping[Key, int]) -> bool:
        """Whether an answer was stored; False: it was there. Raises: UnfitError."""
        item = self._item(answer)
        key = {"item_id": item, "annotator": answer["annotator"]}
        before = self.db.rows(
            "SELECT item_id, action, label FROM annotations WHERE annotator = ? AND request_id = ?", [*_key(answer)]
        )
        if before:
            if before[0] != {"item_id": item, "action": answer["action"], "label": answer["label"]}:
                raise UnfitError(f"another answer of {answer['annotator']} is stored under its id")
            return False
        self._check_newest(answer, key, order)
        class_change, today = self._label(answer)
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

    def _item(self, answer: Row) -> int:
        """The id that the item of an answer has here, by its content where that is known."""
        if content := answer.get("content_hash"):
            number = self.db.value("SELECT id FROM items WHERE content_hash = ? AND erased_at IS NULL", [content])
        else:  # an item that came later has the number of another one
            number = self.db.value(
                "SELECT id FROM items WHERE id = ? AND added_at <= ? AND erased_at IS NULL",
                [answer["item_id"], answer["at"]],
            )
        if number is None:
            raise UnfitError("its item is not in this project: import it, and put the answers back once more")
        return int(number)

    def _check_newest(self, answer: Row, key: Row, order: Mapping[Key, int]) -> None:
        """Raises: UnfitError: this person has answered the item since.

        What the file has in an earlier place is not newer, whatever the clock said.
        """
        newer = self.db.rows(
            "SELECT annotator, request_id, at FROM annotations"
            " WHERE item_id = :item_id AND annotator = :annotator AND at > :at",
            key | {"at": answer["at"]},
        )
        if any(order.get((row["annotator"], row["request_id"]), answer["id"]) >= answer["id"] for row in newer):
            raise UnfitError(f"{answer['annotator']} has answered this item since, and that answer stays")

    def _label(self, answer: Row) -> tuple[int, str | None]:
        """The number of the change of classes that a label was given under, and what it says today."""
        if answer["label"] is None:
            return 0, None
        known = answer.get("class_change")
        label_now = self.class_changes.label_now(answer["label"], known if isinstance(known, int) else None)
        if label_now is None:
            raise UnfitError(f"{answer['label']!r} is not a class of this project")
        return label_now


def _is_answer(answer: object) -> bool:
    """Whether this has what every answer has; a damaged page may give anything."""
    if not isinstance(answer, dict):
        return False
    texts = all(isinstance(answer.get(name), str) and answer[name] for name in ("request_id", "annotator", "at"))
    numbers = all(isinstance(answer.get(name), int) for name in ("id", "item_id"))
    is_label = answer.get("action") == "label"
    fits = "label" in answer and is_label == isinstance(answer["label"], str)
    return texts and numbers and answer.get("action") in get_args(Action) and fits


def _key(answer: Row) -> Key:
    return answer["annotator"], answer["request_id"]


def _fields(answer: Row) -> Row:
    """The values of an answer for `INSERT`; what cannot be read of them is left out."""
    seconds, note, tab = (answer.get(name) for name in ("seconds", "note", "tab"))
    return {
        **{name: answer[name] for name in ("request_id", "action", "label", "at")},
        "seconds": seconds if isinstance(seconds, int | float) else None,
        "tab": tab if isinstance(tab, str) else None,
        "unsure": answer.get("unsure") == 1,
        "note": note if isinstance(note, str) else None,
        "reveal": answer.get("reveal") if answer.get("reveal") in get_args(Reveal) else "never",
        "chosen": answer.get("chosen") if answer.get("chosen") in ("hand", "next") else None,
    }
