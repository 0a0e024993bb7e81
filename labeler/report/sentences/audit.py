"""The audit log in words: the names of actions and means, and what a row says, on one line."""

from typing import Any

from labeler.i18n.messages import _, mark
from labeler.store.audit import AuditRow, canonical

ACTIONS = {
    "project created": mark("project created"),
    "project archived": mark("project archived"),
    "project deleted": mark("project deleted"),
    "project brought back": mark("project brought back"),
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
}
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


def object_in_words(row: AuditRow) -> str:
    """The parts of what a row is about, on one line."""
    return ", ".join(f"{name}: {value_in_words(value)}" for name, value in row.what.items() if value not in ("", None))


def change_in_words(row: AuditRow) -> str:
    """What was before and after, on one line; of settings each with its name."""
    before, after = row.before, row.after
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        changes = [
            f"{name}: {value_in_words(before.get(name)) or '–'} → {value_in_words(after.get(name)) or '–'}"
            for name in names
            if before.get(name) != after.get(name)
        ]
        return ", ".join(changes)
    was, now_is = value_in_words(before), value_in_words(after)
    return f"{was} → {now_is or '–'}" if was else now_is


def value_in_words(value: Any) -> str:
    """A state before or after, on one line."""
    if value is None:
        return ""
    if isinstance(value, dict) and "digests" in value:  # of an erasure: for the check, not for people
        return ""
    if isinstance(value, dict):
        text = ", ".join(f"{name} = {value_in_words(part)}" for name, part in value.items())
    else:
        text = value if isinstance(value, str) else canonical(value)
    return text if len(text) <= MOST else f"{text[:MOST]}…"
