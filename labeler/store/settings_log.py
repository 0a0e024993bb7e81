"""Changes of the settings, which lie in `project.toml`, in the audit log: recorded, listed, and followed back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labeler.core.errors import ConfigError
from labeler.core.settings_changes import Flat, changed_names, flat
from labeler.core.settings_parser import parse
from labeler.store import schema
from labeler.store.audit import AuditLog, AuditRow, canonical
from labeler.store.database import Connection, Database

CREATED, FOUND, CHANGED, RESTORED = (
    "project created",
    "settings found changed",
    "settings changed",
    "settings restored",
)


@dataclass(frozen=True)
class LoggedSettings:
    """The settings that the log saw last, by whom they were saved, and when; "" where it does not say."""

    settings: dict[str, Any]
    by: str
    at: str


class SettingsLog:
    """What the audit log says of the settings."""

    def __init__(self, db: Database, audit: AuditLog) -> None:
        self.db, self.audit = db, audit

    def created(self, settings: Mapping[str, Any]) -> None:
        """Record a new project with its settings."""
        with self.db.write():
            self.audit.record(self.db.actor, CREATED, {"name": settings["name"]}, None, settings)
            self._keep(settings)

    def changed(
        self, before: Mapping[str, Any], after: Mapping[str, Any], restored: Mapping[str, Any] | None = None
    ) -> None:
        """Record a change of the settings; what somebody changed in the file before is a row of its own.

        The file is written by the caller inside the same transaction, at its end. A crash between the two leaves the
        file changed without a row for it: the next change finds that, as it finds changes by hand, and records it.

        Args: before: the settings in the file now. after: those that will be there. restored: what the change goes back
              to, where it goes back.
        """
        with self.db.write():
            self.noticed(before)
            was, now_is = _difference(_plain(before), _plain(after))
            if was or now_is:
                action = CHANGED if restored is None else RESTORED
                self.audit.record(self.db.actor, action, restored, was, now_is)
            self._keep(after)

    def noticed(self, settings: Mapping[str, Any]) -> None:
        """Record what somebody changed in the file, if anything.

        Args: settings: that are there now.
        """
        with self.db.write():
            logged = self.db.value("SELECT settings FROM logged_settings")
            if logged is not None:
                was, now_is = _difference(_complete(json.loads(logged)), _plain(settings))
                if was or now_is:
                    self.audit.record(replace(self.db.actor, name="", address=""), FOUND, {}, was, now_is)
            self._keep(settings)

    def is_up_to_date(self, settings: Mapping[str, Any]) -> bool:
        """Whether the log knows these settings."""
        return bool(self.db.value("SELECT settings FROM logged_settings") == canonical(settings))

    def put_back(self, settings: Mapping[str, Any], kept: str) -> None:
        """Record that the last settings of the log stand in the file again, in place of one that could not be read.

        Args: kept: the name of the file that the unreadable one is kept in.
        """
        with self.db.write():
            self.audit.record(self.db.actor, RESTORED, {"kept": kept}, {}, {})
            self._keep(settings)

    def history(self, most: int = -1) -> list[AuditRow]:
        """The changes of the settings, the latest first. Before and after are by names with dots.

        Args: most: rows; −1: all.
        """
        rows = [row for action in (FOUND, CHANGED, RESTORED) for row in self.audit.rows(action=action, most=most)]
        rows.sort(key=lambda row: row.id, reverse=True)
        return rows[:most] if most >= 0 else rows

    def before(self, row: int) -> Flat:
        """The settings before a change, by their names with dots.

        Args: row: the change's row in the audit log.
        """
        settings = flat(json.loads(self.db.value("SELECT settings FROM logged_settings") or "{}"))
        for change in self.history():
            if change.id < row:
                break
            for name in change.after or {}:
                settings.pop(name, None)
            settings |= change.before or {}
        return settings

    def _keep(self, settings: Mapping[str, Any]) -> None:
        self.db.execute(
            "INSERT INTO logged_settings (id, settings) VALUES (1, :settings)"
            " ON CONFLICT (id) DO UPDATE SET settings = :settings",
            {"settings": canonical(settings)},
        )


def last_logged(database: Path) -> LoggedSettings | None:
    """The settings that the log of a database saw last, which needs no readable `project.toml`; None if it saw none."""
    if not database.exists():
        return None
    with Connection(database, schema.migrations.version, schema.migrations.migrate) as db:
        logged = db.value("SELECT settings FROM logged_settings")
        if logged is None:
            return None
        log = AuditLog(db)
        rows = [row for action in (CREATED, FOUND, CHANGED, RESTORED) for row in log.rows(action=action, most=1)]
    latest = max(rows, key=lambda row: row.id, default=None)
    return LoggedSettings(json.loads(logged), latest.by if latest else "", latest.at if latest else "")


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(canonical(settings))
    return plain


def _complete(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings that an earlier version of the program stored, with the defaults of those that came since."""
    try:
        return _plain(parse(settings).as_dict())
    except ConfigError:
        return settings


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Flat, Flat]:
    """The settings that differ, before and after, by their names with dots."""
    was, now_is = flat(before), flat(after)
    names = changed_names(was, now_is)
    return {name: was[name] for name in names if name in was}, {n: now_is[n] for n in names if n in now_is}
