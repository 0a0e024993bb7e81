"""Settings, classes and where a project stands; a new project."""

from collections.abc import Sequence
from typing import Any

from labeler.client import records
from labeler.client.calls import Call, Steps
from labeler.client.verbs.base import ProjectVerbs
from labeler.core.class_changes import ClassChangeKind
from labeler.core.items import ClassesAnItem, Modality
from labeler.core.settings import Config
from labeler.core.settings_parser import parse

WHERE = "The settings on the server"  # in messages


class SettingsVerbs(ProjectVerbs):
    """Settings, classes and where a project stands; a new project."""

    def settings(self) -> Steps[Config]:
        """The settings."""
        return parse((yield Call("GET", f"{self.path}/settings")), WHERE)

    def save(self, settings: Config) -> Steps[Config]:
        """The settings, once these are saved. Raises: LabelerError: they are wrong."""
        before = yield Call("GET", f"{self.path}/settings")
        changes = records.changes_between(before, settings.as_dict())
        return parse((yield Call("PATCH", f"{self.path}/settings", body=changes)), WHERE)

    def classes(self) -> Steps[tuple[str, ...]]:
        """The names of the classes."""
        return tuple((yield Call("GET", self.path))["classes"])

    def change_classes(
        self, kind: ClassChangeKind, old: Sequence[str] = (), new: Sequence[str] = ()
    ) -> Steps[tuple[str, ...]]:
        """The classes after one was renamed, merged, split, added or retired; no answer is lost.

        Args:   old: that the change is about. new: that take their place.
        Raises: LabelerError: the change cannot be made; nothing has changed.
        """
        body = {"kind": kind, "old": [*old], "new": [*new]}
        return tuple((yield Call("POST", f"{self.path}/classes/changes", body=body))["classes"])

    def preview_classes(
        self, kind: ClassChangeKind, old: Sequence[str] = (), new: Sequence[str] = ()
    ) -> Steps[dict[str, Any]]:
        """What a change of the classes would do: the `classes` then, and the numbers of items, answers and rounds.

        Args:   as of `change_classes`.
        Raises: LabelerError: the change cannot be made.
        """
        body = {"kind": kind, "old": [*old], "new": [*new], "preview": True}
        preview: dict[str, Any] = yield Call("POST", f"{self.path}/classes/changes", body=body)
        return preview

    def status(self) -> Steps[dict[str, Any]]:
        """Numbers of items, labels and rounds, the latest metrics, and sentences on them; see `labeler status`."""
        status: dict[str, Any] = yield Call("GET", f"{self.path}/status")
        return status


def created(
    folder: str, classes: Sequence[str], modality: Modality, answers: ClassesAnItem, name: str | None
) -> Steps[str]:
    """The uid of a new project."""
    body = {"name": folder, "classes": [*classes], "modality": modality, "answers": answers}
    facts = yield Call("POST", "/projects", body=body)
    if name:
        yield Call("PATCH", f"/projects/{facts['uid']}/settings", body={"name": name})
    return str(facts["uid"])
