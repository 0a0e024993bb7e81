"""The audit log in words: the names of actions and means, and what a row says, on one line."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from labeler.access.roles import ROLE_NAMES
from labeler.core.class_changes import KINDS
from labeler.core.labels import as_list
from labeler.core.settings_changes import flat
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _, mark, translate
from labeler.report.sentences import settings
from labeler.report.sentences.stopping import NAMES as RULES
from labeler.report.sentences.stopping import stop_reason
from labeler.store.audit import AuditRow
from labeler.store.settings_log import CREATED

ACTIONS = {
    "project created": mark("project created"),
    "project archived": mark("project archived"),
    "project deleted": mark("project deleted"),
    "project brought back": mark("project brought back"),
    "project restored": mark("project restored from a backup"),
    "standby taken over": mark("standby home taken over"),
    "settings changed": mark("settings changed"),
    "settings found changed": mark("settings found changed in the file"),
    "settings restored": mark("settings restored"),
    "guidelines changed": mark("guidelines changed"),
    "classes changed": mark("classes changed"),
    "imported": mark("items imported"),
    "import undone": mark("import undone"),
    "metadata changed": mark("metadata changed"),
    "predictions imported": mark("predictions imported"),
    "predictions removed": mark("predictions removed"),
    "items set aside": mark("items set aside, because their images cannot be read"),
    "items brought back": mark("items brought back, because their images can be read again"),
    "exported": mark("exported"),
    "take-out requested": mark("take-out requested"),
    "decided": mark("decided"),
    "decision undone": mark("decision undone"),
    "refused answer stored": mark("refused answer stored"),
    "rescued answers put back": mark("rescued answers put back"),
    "refused answer discarded": mark("refused answer discarded"),
    "labeling stopped": mark("labeling stopped"),
    "stop lifted": mark("stop lifted"),
    "items asked next": mark("items asked next"),
    "items not asked next any more": mark("items not asked next any more"),
    "annotator changed": mark("annotator changed"),
    "person erased": mark("person erased"),
    "items erased": mark("items erased"),
    "logged in": mark("logged in"),
    "logged out": mark("logged out"),
    "log-in refused": mark("log-in refused"),
    "account made": mark("account made"),
    "account disabled": mark("account disabled"),
    "account enabled": mark("account enabled"),
    "admin": mark("admin's rights given or taken"),
    "role given": mark("role given"),
    "password changed": mark("password changed"),
    "invited": mark("invited"),
    "link for a new password": mark("link for a new password"),
    "API token made": mark("API token made"),
    "API token revoked": mark("API token revoked"),
    "webhook added": mark("webhook added"),
    "webhook removed": mark("webhook removed"),
    "Label Studio connected": mark("Label Studio connected"),
    "Label Studio disconnected": mark("Label Studio disconnected"),
}
# The parts of what a row is about, and of its state before and after; settings have the names of the forms.
PARTS = {
    "admin": mark("admin's rights"),
    "annotator": mark("annotator"),
    "answers": mark("answers"),
    "backup": mark("backup"),
    "before": mark("as before row"),
    "days": mark("days"),
    "decision": mark("decision"),
    "duplicates": mark("duplicates"),
    "events": mark("events"),
    "file": mark("file"),
    "format": mark("format"),
    "groups": mark("groups"),
    "holds": mark("holds everything until"),
    "host": mark("server"),
    "import": mark("number of the import"),
    "item": mark("number of the item"),
    "items": mark("items"),
    "kept": mark("unreadable file, kept as"),
    "kind": mark("kind"),
    "labels": mark("labels"),
    "model": mark("model"),
    "name": mark("name"),
    "new": mark("new names"),
    "notes": mark("notes erased"),
    "now": mark("name from now on"),
    "old": mark("old names"),
    "paused": mark("paused"),
    "project": mark("project"),
    "projects": mark("projects"),
    "purpose": mark("purpose"),
    "qualified": mark("qualified"),
    "rate": mark("cost of an hour"),
    "reason": mark("reason"),
    "role": mark("role"),
    "rows": mark("rows"),
    "scope": mark("scope"),
    "selection": mark("selection"),
    "server": mark("server"),
    "sessions": mark("log-ins"),
    "source": mark("source"),
    "stored": mark("stored"),
    "there": mark("there already"),
    "token": mark("number of the token"),
    "unfit": mark("could not be put back"),
    "version": mark("version"),
    "webhook": mark("number of the webhook"),
    "what": mark("what"),
}
NUMBERS = ("before", "import", "item", "token", "webhook")  # parts that are numbers by which something is found
PROJECTS = ("project", "projects")  # parts that name projects by their uids
HIDDEN = ("request",)  # for programs, not for people; the file has it
# What stands in the database as a word of the program's own.
WORDS: dict[str, Mapping[str, str]] = {
    "role": ROLE_NAMES,
    "decision": {
        "label": mark("label decided"),
        "exclude": mark("taken out"),
        "return": mark("given back, to be asked again"),
    },
    "kind": {str(kind): name for kind, name in KINDS.items()},
    "sessions": {"all": mark("all")},
    "rows": {"answers": mark("answers"), "items": mark("items")},
    "what": {"predictions": mark("predictions"), "model": mark("model")},
    "scope": {
        "read": mark("to read"),
        "label": mark("to label"),
        "manage": mark("to manage"),
        "administer": mark("to administer"),
    },
    "reason": {str(stop_reason(rule)): stop_reason(rule) for rule in RULES},
}
OF_ACTION = {"role given": "role"}  # actions whose state before and after is one value, with what that is
MEANS = {
    "page": mark("page"),
    "desk": mark("desk"),
    "command": mark("command"),
    "python": mark("Python"),
    "api": mark("API"),
    "job": mark("job"),
}
MOST = 300  # characters of a value that a list shows


def action_in_words(action: str) -> str:
    """The name of an action in the reader's language; as it is stored where it has no translation."""
    return _(ACTIONS[action]) if action in ACTIONS else action


def object_in_words(row: AuditRow, projects: Mapping[str, str] = MappingProxyType({})) -> str:
    """The parts of what a row is about, on one line. Args: projects: their names by uid."""
    return _listed({name: part for name, part in row.what.items() if name not in HIDDEN}, projects)


def change_in_words(row: AuditRow, projects: Mapping[str, str] = MappingProxyType({})) -> str:
    """What was before and after, on one line; of settings each with its name."""
    before, after = row.before, row.after
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        changes = [
            f"{_part(name)}: {value_in_words(before.get(name), name) or '–'}"
            f" → {value_in_words(after.get(name), name) or '–'}"
            for name in names
            if before.get(name) != after.get(name)
        ]
        return ", ".join(changes)
    if row.action == CREATED and isinstance(after, dict):  # all settings
        return _short(
            ", ".join(_setting(name, value) for name, value in flat(after).items() if value not in ("", None))
        )
    of = OF_ACTION.get(row.action, "")
    was, now_is = (value_in_words(state, of, projects) for state in (before, after))
    return f"{was} → {now_is or '–'}" if was else now_is


def value_in_words(value: Any, name: str = "", projects: Mapping[str, str] = MappingProxyType({})) -> str:
    """A value, or a state before or after, on one line; settings have their names with dots.

    Args: name: of the part or the setting that has it. projects: their names by uid.
    """
    if value is None or (isinstance(value, dict) and "digests" in value):  # of an erasure: for the check
        return ""
    if isinstance(value, dict):
        text = _listed(flat(value), projects)
    elif isinstance(value, str) and name == "selection":
        text = plain(" · ".join(_(part) for part in value.split(" · ")))
    elif isinstance(value, str):
        text = plain(translate(WORDS[name][value])) if value in WORDS.get(name, {}) else _label(value)
    elif name in NUMBERS:
        text = str(value)
    else:
        text = plain(settings.value_in_words(name, value))
    return _short(text)


def _short(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:MOST]}…"


def _setting(name: str, value: Any) -> str:
    return plain(f"{settings.name_in_words(name)}: {settings.value_in_words(name, value)}")


def _listed(parts: Mapping[str, Any], projects: Mapping[str, str]) -> str:
    """Parts with their names, on one line; without those that are empty."""
    words = {
        name: value_in_words(_named(part, projects) if name in PROJECTS else part, name)
        for name, part in parts.items()
        if part not in ("", None)
    }
    return ", ".join(f"{_part(name)}: {text}" for name, text in words.items() if text)


def _named(part: Any, projects: Mapping[str, str]) -> Any:
    """The names of projects in place of their uids."""
    return [projects.get(uid, uid) for uid in part] if isinstance(part, list) else projects.get(part, part)


def _part(name: str) -> str:
    return plain(_(PARTS[name]) if name in PARTS else settings.name_in_words(name))


def _label(text: str) -> str:
    """A text, such as a label: several classes of an item as people write them."""
    names = as_list(text) if text.startswith("[") else None
    return text if names is None else ", ".join(names) or plain(_("no class"))
