"""Erasure: a person's name, and what items hold, leave the database; the figures that rest on them stay.

Tables that are append-only are changed here alone: their triggers are lifted within the transaction.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from labeler.core.actor import Actor
from labeler.store.audit import AuditLog, replaced
from labeler.store.background import Audits
from labeler.store.database import Database, now, triggers_lifted

ERASED = "erased-"  # how a name begins that stands in place of a person's

# The columns that hold people's names. `tests/store/test_erasure.py` finds one that is missing.
PEOPLE = (
    ("annotations", "annotator"),
    ("reservations", "annotator"),
    ("offers", "annotator"),
    ("annotators", "name"),
    ("tally", "annotator"),
    ("adjudications", "by"),
    ("class_changes", "by"),
    ("stops", "by"),
    ("stops", "lifted_by"),
    ("asked_next", "by"),
    ("refused_answers", "annotator"),
    ("refused_answers", "discarded_by"),
    ("imports", "undone_by"),
    ("foreign_models", "by"),
    ("label_studio_people", "name"),
    ("encoder_comparisons", "answered_by"),
    ("webhooks", "added_by"),
    ("label_studio", "by"),
    *(
        (table, "requested_by")
        for table in (
            "comparisons",
            "tunings",
            "adaptations",
            "encoder_comparisons",
            "audits",
            "takeouts",
            "maps",
            "import_jobs",
        )
    ),
)


@dataclass(frozen=True)
class AboutPerson:
    """What a project has of a person: answers, changed ones too; notes; decisions."""

    answers: int
    notes: int
    decisions: int


@dataclass(frozen=True)
class ErasedItem:
    """An item that lost its content. content_hash, media: what its files were named by; erased_hash: its hash now.

    in_store: whether `media` was the address of an object, which is still in its store.
    """

    id: int
    content_hash: str
    media: str | None
    erased_hash: str
    in_store: bool = False


class Erasure:
    """What leaves a project's database for good."""

    def __init__(self, db: Database, audit: AuditLog, audits: Audits) -> None:
        self.db, self.audit, self.audits = db, audit, audits

    def about(self, name: str) -> AboutPerson | None:
        """What there is of a person; None if nothing has this name."""
        if not any(self.db.value(f"SELECT 1 FROM {t} WHERE {c} = ? LIMIT 1", [name]) for t, c in PEOPLE):
            return None
        (row,) = self.db.rows(
            "SELECT COUNT(*) AS answers, COALESCE(SUM(note <> ''), 0) AS notes,"
            " (SELECT COUNT(*) FROM adjudications WHERE by = :name AND action <> 'undo') AS decisions"
            " FROM annotations WHERE annotator = :name AND action <> 'undo'",
            {"name": name},
        )
        return AboutPerson(**row)

    def person(self, name: str, notes: bool) -> str:
        """The name that stands in place of a person's from now on, everywhere, in the audit log too.

        Args: notes: whether the notes beside the person's answers go as well.
        """
        opaque = f"{ERASED}{secrets.token_hex(4)}"
        with self.db.write(), triggers_lifted(self.db):
            for table in ("reservations", "refused_answers"):
                self.db.execute(f"DELETE FROM {table} WHERE annotator = ?", [name])
            self.db.execute("DELETE FROM webhook_deliveries WHERE ? IN (data ->> '$.by', data ->> '$.name')", [name])
            if notes:
                self.db.execute("UPDATE annotations SET note = NULL WHERE annotator = ?", [name])
            # a tab of Python code is named after the annotator
            self.db.execute("UPDATE annotations SET tab = NULL WHERE annotator = ?", [name])
            for table, column in (("annotations", "annotator"), ("adjudications", "by")):  # pages put names into them
                self.db.execute(
                    f"UPDATE {table} SET request_id = 'erased:' || id WHERE {column} = :name"
                    " AND instr(request_id, :name)",
                    {"name": name},
                )
            for table, column in PEOPLE:
                self.db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", [opaque, name])
            self._replace_in_settings(name, opaque)
            self._without_audits()
            digests = self.audit.replace_name(name, opaque)
            actor = self.db.actor
            if actor.name == name:
                actor = Actor(opaque, actor.how)
            self.audit.record(actor, "person erased", {"now": opaque, "notes": notes}, None, {"digests": digests})
        return opaque

    def items(self, item_ids: Sequence[int]) -> list[ErasedItem]:
        """The items of these ids that lost their content: text, image, source, other columns, notes, explanations,
        predictions of somebody else's models.

        Their ids, splits, labels and answers stay, so that every figure that was measured on them stays what it is.
        Nobody is asked about them, and no model reads them any more. The hash of their content is replaced as well,
        since it tells whether a text that somebody guesses is the right one.
        """
        wanted = [json.dumps([int(i) for i in item_ids])]
        with self.db.write(), triggers_lifted(self.db):
            rows = self.db.rows(
                "SELECT id, content_hash, media, object IS NOT NULL AS in_store FROM items WHERE erased_at IS NULL"
                " AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
                wanted,
            )
            erased = [
                ErasedItem(r["id"], r["content_hash"], r["media"], secrets.token_hex(16), bool(r["in_store"]))
                for r in rows
            ]
            self.db.executemany(
                "UPDATE items SET text = iif(text IS NULL, NULL, ''), media = iif(media IS NULL, NULL, ''),"
                " object = NULL, content_hash = ?, source = 'erased', metadata = '{}', wanted = 0, erased_at = ?"
                " WHERE id = ?",
                [(item.erased_hash, now(), item.id) for item in erased],
            )
            ids = [json.dumps([item.id for item in erased])]
            self._without_names_of_groups(ids)
            self.db.execute("UPDATE annotations SET note = NULL WHERE item_id IN (SELECT value FROM json_each(?))", ids)
            for table in ("reservations", "qualification", "offers", "refused_answers", "foreign_predictions"):
                self.db.execute(f"DELETE FROM {table} WHERE item_id IN (SELECT value FROM json_each(?))", ids)
            self.db.execute(
                "UPDATE asked_next SET taken_back_at = ? WHERE taken_back_at IS NULL"
                " AND item_id IN (SELECT value FROM json_each(?))",
                [now(), *ids],
            )
            self.db.execute(
                "DELETE FROM explanations WHERE content_hash IN (SELECT value FROM json_each(?))",
                [json.dumps([item.content_hash for item in erased])],
            )
            if erased:
                self._without_audits()
                what = {"items": [item.id for item in erased]}
                self.audit.record(self.db.actor, "items erased", what, None, {"digests": {}})
        return erased

    def finish(self) -> bool:
        """Whether nothing of what was erased is left in the database's files: they are written anew.

        False: another process was reading for so long that the write-ahead log still has older pages; it loses them at
        the latest when the last process closes the database.
        """
        self.db.execute("VACUUM")
        return self.db.value("PRAGMA wal_checkpoint(TRUNCATE)") == 0

    def _replace_in_settings(self, name: str, opaque: str) -> None:
        """Replace the name in the settings that rounds and the audit log keep: the leads are in them."""
        for table, key, column in (("rounds", "number", "config"), ("logged_settings", "id", "settings")):
            for row in self.db.rows(f"SELECT {key} AS key, {column} AS text FROM {table}"):
                settings = json.loads(row["text"])
                if (changed := replaced(settings, name, opaque)) != settings:
                    self.db.execute(
                        f"UPDATE {table} SET {column} = ? WHERE {key} = ?",
                        [json.dumps(changed, ensure_ascii=False), row["key"]],
                    )

    def _without_names_of_groups(self, ids: Sequence[str]) -> None:
        """Replace the names of groups, such as patients, of which no other item is left; they stay groups."""
        groups = self.db.rows(
            "SELECT DISTINCT of_group FROM items i"
            " WHERE of_group IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
            " AND NOT EXISTS (SELECT 1 FROM items WHERE of_group = i.of_group AND erased_at IS NULL)",
            ids,
        )
        self.db.executemany(
            "UPDATE items SET of_group = ? WHERE of_group = ?",
            [(f"erased-{secrets.token_hex(8)}", row["of_group"]) for row in groups],
        )

    def _without_audits(self) -> None:
        """Audits name people and items: the finished ones go, and another one is asked for."""
        self.db.execute("DELETE FROM audits WHERE state = 'done'")
        self.audits.request_for_latest()
