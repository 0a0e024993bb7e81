"""Hooks: functions of other packages that are called after each round, e.g. to log it to an experiment tracker.

A package registers them as entry points of the group `labeler.hooks`.
"""

import logging
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol

from labeler.core.rounds import Round
from labeler.projects.project import Project

GROUP = "labeler.hooks"

log = logging.getLogger(__name__)


class Hook(Protocol):
    """What a package registers. It is called in the worker, after the round was stored."""

    def __call__(self, project: Project, finished: Round) -> object: ...


def call_hooks(project: Project, finished: Round) -> None:
    """Call every hook with a finished round. A hook that fails is logged; the others are called all the same."""
    for point in installed():
        try:
            hook: Hook = point.load()
            hook(project, finished)
        except Exception:
            log.exception("%s: the hook %s failed after round %d", project.slug, point.value, finished.number)


def installed() -> Iterator[EntryPoint]:
    """The registered hooks, by name."""
    yield from sorted(entry_points(group=GROUP), key=lambda point: point.name)
