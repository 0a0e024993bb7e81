"""Changes of the classes: stored for good, and what they make of the labels that are there."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from labeler.core.class_changes import ClassChange, StoredChange, label_after, label_today
from labeler.core.labels import is_answer, names_of
from labeler.store.audit import AuditLog
from labeler.store.database import Database, Row, now


class ClassChanges:
    """The changes of the project's classes."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.audit = AuditLog(db)

    def latest(self) -> int:
        """The number of the latest change; 0 before the first."""
        return self.db.value("SELECT MAX(number) FROM class_changes") or 0

    def all(self) -> list[StoredChange]:
        """All changes, oldest first."""
        return self.since(0)

    def since(self, number: int) -> list[StoredChange]:
        """The changes after the one of this number, oldest first."""
        return [
            _as_change(row)
            for row in self.db.rows("SELECT * FROM class_changes WHERE number > ? ORDER BY number", [number])
        ]

    def outside(self) -> dict[str, int]:
        """The names in items' labels that are none of the project's classes, and how many items have each."""
        classes, items = self.db.config.classes, dict[str, int]()
        for row in self.db.rows("SELECT label, SUM(n) AS n FROM item_counts WHERE label > '' AND n GROUP BY label"):
            for name in names_of(row["label"], self.db.config):
                if name not in classes:
                    items[name] = items.get(name, 0) + row["n"]
        return items

    def asked_again(self) -> list[int]:
        """The ids of the pool's items without a label whose answers said something before the classes changed."""
        rows = self.db.rows(
            "SELECT DISTINCT a.item_id FROM annotations a CROSS JOIN items i ON i.id = a.item_id"
            " WHERE a.action = 'label' AND a.today IS NULL AND i.label IS NULL AND i.split = 'pool'"
            " ORDER BY a.item_id"
        )
        return [row["item_id"] for row in rows]

    def label_now(self, label: str, known: int | None) -> tuple[int, str | None] | None:
        """The number of the change that a label was given under, and what the label says today.

        Args:    known: number of the latest change that the person who answered knew; None: the latest one whose
                 classes have this label.
        Returns: None if the label was none of the project's at that time.
        """
        changes = self.all()
        config, newest = self.db.config, len(changes)
        for number in range(newest, -1, -1) if known is None else [min(known, newest)]:
            then = config if number == newest else replace(config, classes=changes[number].before, class_details={})
            if is_answer(label, then):
                return number, label_today(label, changes[number:], config.several)
        return None

    def effect(self, change: ClassChange) -> dict[str, str | None]:
        """Each stored label or prediction that this change would alter, with what it would say then."""
        after = change.classes_after(self.db.config.classes)
        texts = self.db.rows(
            "SELECT today FROM annotations WHERE today IS NOT NULL"
            " UNION SELECT today FROM adjudications WHERE today IS NOT NULL"
            " UNION SELECT predicted FROM queries WHERE predicted IS NOT NULL"
        )
        several = self.db.config.several
        moved = {row["today"]: label_after(row["today"], [change], after, several) for row in texts}
        return {text: new for text, new in moved.items() if text != new}

    def regained(self, change: ClassChange) -> dict[str, list[Row]]:
        """The answers and decisions that say nothing now and would say something after this change, as where the parts
        of a split class are merged: id, item_id, today, and whether the item has a label now; by their table. An answer
        that its annotator has given anew is not among them.
        """
        anew = (
            "NOT EXISTS (SELECT 1 FROM annotations b WHERE b.supersedes = a.id OR (b.item_id = a.item_id"
            " AND b.annotator = a.annotator AND b.id > a.id AND b.action <> 'undo'"
            " AND NOT EXISTS (SELECT 1 FROM annotations u WHERE u.supersedes = b.id)))"
        )
        return {
            "annotations": self._regained("annotations", anew, change),
            "adjudications": self._regained("adjudications", "TRUE", change),
        }

    def _regained(self, table: str, condition: str, change: ClassChange) -> list[Row]:
        changes, config = [stored.change for stored in self.all()], self.db.config
        after = change.classes_after(config.classes)
        return [
            {"id": row["id"], "item_id": row["item_id"], "is_labeled": row["is_labeled"], "today": today}
            for row in self.db.rows(
                f"SELECT a.id, a.item_id, a.label, a.class_change, i.label IS NOT NULL AS is_labeled FROM {table} a"
                f" JOIN items i ON i.id = a.item_id WHERE a.action = 'label' AND a.today IS NULL AND {condition}"
            )
            if (today := label_after(row["label"], [*changes[row["class_change"] :], change], after, config.several))
        ]

    def count(self, texts: Iterable[str]) -> tuple[int, dict[str, int]]:
        """How many current answers have one of these labels, and how many items of each split."""
        values = [json.dumps(list(texts), ensure_ascii=False)]
        answers = self.db.value("SELECT COUNT(*) FROM answers WHERE label IN (SELECT value FROM json_each(?))", values)
        rows = self.db.rows(
            "SELECT split, COUNT(*) AS n FROM items WHERE label IN (SELECT value FROM json_each(?)) GROUP BY split",
            values,
        )
        return answers, {row["split"]: row["n"] for row in rows}

    def items_with(self, texts: Iterable[str]) -> list[int]:
        """The ids of the pool's items with one of these labels."""
        rows = self.db.rows(
            "SELECT id FROM items WHERE split = 'pool' AND label IN (SELECT value FROM json_each(?)) ORDER BY id",
            [json.dumps(list(texts), ensure_ascii=False)],
        )
        return [row["id"] for row in rows]

    def add(self, change: ClassChange, by: str) -> StoredChange:
        """Store a change, and let every answer, decision and prediction say what it says after it, in one transaction.

        Items of decisions that say nothing any more are asked again. Explanations and audits, which name classes, go.
        """
        with self.db.write():
            effect = self.effect(change)
            again = [text for text, new in effect.items() if new is None]
            answers, _items = self.count(effect)
            regained = self.regained(change)
            asked_again, _items = self.count(again)
            stored = StoredChange(
                self.latest() + 1,
                change,
                self.db.config.classes,
                change.classes_after(self.db.config.classes),
                by,
                now(),
                answers + len(regained["annotations"]),
                asked_again,
            )
            self._insert(stored)
            self._move(effect, again)
            for table, rows in regained.items():
                self.db.executemany(f"UPDATE {table} SET today = :today WHERE id = :id", rows)
            self.audit.record(
                self.db.actor.named(by),
                "classes changed",
                {"kind": change.kind, "old": list(change.old), "new": list(change.new), "answers": stored.labels},
                list(stored.before),
                list(stored.after),
            )
        return stored

    def _insert(self, stored: StoredChange) -> None:
        old, new = stored.change.as_json()
        self.db.insert(
            "class_changes",
            {
                "number": stored.number,
                "kind": stored.change.kind,
                "old": old,
                "new": new,
                "before": json.dumps(stored.before, ensure_ascii=False),
                "after": json.dumps(stored.after, ensure_ascii=False),
                "labels": stored.labels,
                "asked_again": stored.asked_again,
                "by": stored.by,
                "at": stored.at,
            },
        )

    def _move(self, effect: dict[str, str | None], again: Sequence[str]) -> None:
        moved = {"moved": json.dumps(effect, ensure_ascii=False), "again": json.dumps(again, ensure_ascii=False)}
        self.db.execute(
            "UPDATE items SET wanted = labels + 1 WHERE adjudicated = 'label' AND label IN"
            " (SELECT value FROM json_each(:again))",
            moved,
        )
        for table in ("annotations", "adjudications"):
            self.db.execute(
                f"UPDATE {table} SET today = m.value FROM json_each(:moved) m WHERE {table}.today = m.key", moved
            )
        self.db.execute(
            "UPDATE queries SET predicted = m.value FROM json_each(:moved) m WHERE predicted = m.key", moved
        )
        self.db.execute("DELETE FROM explanations")
        self.db.execute("DELETE FROM audits WHERE state = 'done'")


def _as_change(row: Row) -> StoredChange:
    old, new, before, after = (tuple(json.loads(row[name])) for name in ("old", "new", "before", "after"))
    return StoredChange(
        row["number"],
        ClassChange(row["kind"], old, new),
        before,
        after,
        row["by"],
        row["at"],
        row["labels"],
        row["asked_again"],
    )
