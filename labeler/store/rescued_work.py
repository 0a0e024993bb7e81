"""What people did beside answers and decisions, rescued from a damaged database, on its way back."""

import json
from typing import Any

from labeler.store.database import Database, Row
from labeler.store.erasure import ERASED
from labeler.store.rescued_rows import UnfitError, has, item_of, text_or_none
from labeler.store.team import Team


class RescuedWork:
    """The way back for leads' settings of people, for what they had asked next, for stops, and for refused answers.

    Each method says whether the row is new here, and raises UnfitError where it cannot be put back.
    """

    def __init__(self, db: Database, team: Team) -> None:
        self.db, self.team = db, team

    @staticmethod
    def is_person(row: Any) -> bool:
        return has(row, ("name", "groups")) and _is_list(row["groups"])

    def person(self, row: Row) -> bool:
        """A lead's settings of an annotator, unless a lead has changed them since the restore."""
        name, role, groups = row["name"], text_or_none(row, "role") or "", json.loads(row["groups"])
        if name.startswith(ERASED):
            return False
        qualified = None if row.get("qualified") not in (0, 1) else bool(row["qualified"])
        rate = float(row["rate"]) if isinstance(row.get("rate"), int | float) else None
        here = next((person for person in self.team.all() if person.name == name), None)
        settings = (role, tuple(groups), row.get("paused") == 1, qualified, rate)
        if here:
            rate_here = self.team.own_rates().get(name)
            if settings == (here.role, here.groups, here.paused, here.qualified, rate_here):
                return False
            if self._was_changed(name):
                raise UnfitError(f"the settings of {name} were changed since, and they stay")
        self.team.assign(name, role, groups, row.get("paused") == 1, qualified)
        self.team.set_rate(name, rate)
        return True

    def _was_changed(self, name: str) -> bool:
        return bool(
            self.db.value(
                "SELECT 1 FROM audit_log WHERE action = 'annotator changed' AND what ->> '$.annotator' = ?"
                " AND id > (SELECT COALESCE(MAX(id), 0) FROM audit_log WHERE action = 'project restored')",
                [name],
            )
        )

    @staticmethod
    def is_asked_next(row: Any) -> bool:
        return has(row, ("by", "selection", "at"), ("id", "item_id"))

    def asked_next(self, row: Row) -> bool:
        """An item that a lead had asked next, or took back from there."""
        item, taken_back_at = item_of(self.db, row), text_or_none(row, "taken_back_at")
        values = {"item": item, "by": row["by"], "at": row["at"], "taken": taken_back_at, "what": row["selection"]}
        if self.db.value("SELECT 1 FROM asked_next WHERE item_id = :item AND by = :by AND at = :at", values):
            return taken_back_at is not None and bool(
                self.db.rows(
                    "UPDATE asked_next SET taken_back_at = :taken WHERE item_id = :item AND by = :by AND at = :at"
                    " AND taken_back_at IS NULL RETURNING id",
                    values,
                )
            )
        return bool(
            self.db.rows(
                """
                INSERT INTO asked_next (item_id, by, selection, at, taken_back_at, waits)
                SELECT id, :by, :what, :at, :taken, open AND labels = 0 FROM items WHERE id = :item
                ON CONFLICT DO NOTHING RETURNING id
                """,
                values,
            )
        )

    @staticmethod
    def is_stop(row: Any) -> bool:
        return has(row, ("at",)) and isinstance(row.get("by"), str)

    def stop(self, row: Row) -> bool:
        """A stop of labeling, or that it was lifted; while labeling is stopped here, it is not stopped twice."""
        values = {"by": row["by"], "at": row["at"], "reason": text_or_none(row, "reason") or ""}
        lifted = {name: text_or_none(row, name) for name in ("lifted_by", "lifted_at")}
        if self.db.value("SELECT 1 FROM stops WHERE by = :by AND at = :at", values):
            return lifted["lifted_at"] is not None and bool(
                self.db.rows(
                    "UPDATE stops SET lifted_by = :lifted_by, lifted_at = :lifted_at"
                    " WHERE by = :by AND at = :at AND lifted_at IS NULL RETURNING id",
                    values | lifted,
                )
            )
        return bool(
            self.db.rows(
                """
                INSERT INTO stops (by, reason, at, lifted_by, lifted_at)
                SELECT :by, :reason, :at, :lifted_by, :lifted_at
                WHERE :lifted_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM stops WHERE lifted_at IS NULL) RETURNING id
                """,
                values | lifted,
            )
        )

    @staticmethod
    def is_refused(row: Any) -> bool:
        if not has(row, ("annotator", "request_id", "answer", "reason", "at")):
            return False
        return isinstance(row.get("item_id", ""), int | None) and _is_mapping(row["answer"])

    def refused(self, row: Row) -> bool:
        """An answer that was refused, unless it is stored by now."""
        item = None if row["item_id"] is None else item_of(self.db, row)
        values = {name: row[name] for name in ("annotator", "request_id", "answer", "reason", "at")}
        values |= {"item": item, "discarded_by": text_or_none(row, "discarded_by")}
        return bool(
            self.db.rows(
                """
                INSERT INTO refused_answers (annotator, request_id, item_id, answer, reason, at, discarded_by)
                SELECT :annotator, :request_id, :item, :answer, :reason, :at, :discarded_by WHERE NOT EXISTS (
                    SELECT 1 FROM annotations WHERE annotator = :annotator AND request_id = :request_id)
                ON CONFLICT DO NOTHING RETURNING id
                """,
                values,
            )
        )


def _is_list(text: str) -> bool:
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_mapping(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
