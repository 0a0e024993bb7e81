"""Names of people and of projects over all projects of a home."""

from collections.abc import Iterator
from pathlib import Path

from labeler.core.errors import ConfigError, DatabaseError, LabelerError
from labeler.projects import project as projects
from labeler.projects.project import ServedProject
from labeler.projects.settings_history import last_good


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
    """The projects of a home that can be read; what is wrong with another is said on its pages.

    One whose settings cannot be read has the last good ones, so that who leads it sees it and can put them back.
    """
    for folder in projects.in_home(home):
        try:
            project = _served(home, folder)
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


def _served(home: Path, folder: Path) -> ServedProject:
    try:
        return projects.serve_folder(home, folder.name)
    except ConfigError:
        if (good := last_good(folder)) is None:
            raise
        return ServedProject(folder, good.project.config)
