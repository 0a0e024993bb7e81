"""Changes of the settings, which lie in `project.toml`, in the audit log."""

import json
from collections.abc import Mapping
from typing import Any

from labeler.store.audit import AuditLog, canonical
from labeler.store.database import Database


class SettingsLog:
    """What the audit log says of the settings."""

    def __init__(self, db: Database, audit: AuditLog) -> None:
        self.db, self.audit = db, audit

    def created(self, settings: Mapping[str, Any]) -> None:
        """Record a new project with its settings."""
        with self.db.write():
            self.audit.record(self.db.actor, "project created", {"name": settings["name"]}, None, settings)
            self._keep(settings)

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Record a change of the settings; what somebody changed in the file before is a row of its own.

        The file is written by the caller inside the same transaction, at its end. A crash between the two leaves the
        file changed without a row for it: the next change finds that, as it finds changes by hand, and records it.

        Args: before: the settings in the file now. after: those that will be there.
        """
        with self.db.write():
            logged = self.db.value("SELECT settings FROM logged_settings")
            if logged is not None and (difference := _difference(json.loads(logged), _plain(before)))[1]:
                self.audit.record(self.db.actor.named(""), "settings found changed", {}, *difference)
            was, now_is = _difference(_plain(before), _plain(after))
            if was or now_is:
                self.audit.record(self.db.actor, "settings changed", {}, was, now_is)
            self._keep(after)

    def _keep(self, settings: Mapping[str, Any]) -> None:
        self.db.execute(
            "INSERT INTO logged_settings (id, settings) VALUES (1, :settings)"
            " ON CONFLICT (id) DO UPDATE SET settings = :settings",
            {"settings": canonical(settings)},
        )


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(canonical(settings))
    return plain


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings that differ, before and after, by their names with dots: `query.strategy`."""
    one, other = dict(_flat(before)), dict(_flat(after))
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return {name: one[name] for name in names if name in one}, {name: other[name] for name in names if name in other}


def _flat(settings: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    values: list[tuple[str, Any]] = []
    for name, value in settings.items():
        values += _flat(value, f"{above}{name}.") if isinstance(value, dict) else [(f"{above}{name}", value)]
    return values
