"""Names of people and of projects over all projects of a home."""

from collections.abc import Iterator
from pathlib import Path

from labeler.core.errors import DatabaseError, LabelerError
from labeler.projects import project as projects
from labeler.projects.project import ServedProject


def names_in_use(home: Path) -> set[str]:
    """The names, in casefold, of all who have worked in a project of this home."""
    names: set[str] = set()
    for project in readable(home):
        with project.store() as store:
            names |= {annotator.name.casefold() for annotator in store.team.all()}
    return names


def uids(home: Path) -> dict[str, str]:
    """The uid of each project, by its folder's name."""
    return {project.slug: project.uid for project in readable(home)}


def readable(home: Path) -> Iterator[ServedProject]:
    """The projects of a home that can be read; what is wrong with another is said on its pages."""
    for folder in projects.in_home(home):
        try:
            project = projects.serve_folder(home, folder.name)
            project.uid  # noqa: B018  # opens the database
        except LabelerError:
            continue
        yield project


def is_any_unreadable(home: Path) -> bool:
    """Whether the database of a project of this home cannot be read, so that nobody knows who is a member of it."""
    for folder in projects.in_home(home):
        try:
            projects.serve_folder(home, folder.name).uid  # noqa: B018  # opens the database
        except DatabaseError:
            return True
        except LabelerError:
            continue
    return False
