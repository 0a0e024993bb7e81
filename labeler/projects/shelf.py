"""Projects put away: archived ones, which can be brought back, and deleted ones, which wait in a trash folder.

Both are moved below the home, into folders that are no projects themselves: nobody lists, serves or trains what is in
them. Nothing in the project's folder changes.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from filelock import Timeout

from labeler.core.actor import Actor
from labeler.core.errors import ConfigError, ProjectError
from labeler.projects import project as projects
from labeler.projects.project import Project

Shelf = Literal["archive", "trash"]
FOLDERS: dict[Shelf, str] = {"archive": ".archive", "trash": ".trash"}
PUT_AWAY: dict[Shelf, str] = {"archive": "project archived", "trash": "project deleted"}  # in the audit log
# of all that write into a project's folder for long
LOCKS = ("worker.lock", "background.lock", "audit.lock", "explainer.lock", "import.lock")
WAIT = 2.0  # seconds for a process that only looks whether there is work


def rename(project: Project, name: str) -> Project:
    """The project with another name that people see. Its folder and address stay, so that open desks go on.

    Raises: ConfigError: the name is empty.
    """
    if not name.strip():
        raise ConfigError("A project needs a name.")
    return project.save(replace(project.config, name=name.strip()))


def put_away(project: Project, home: Path, shelf: Shelf) -> Path:
    """The project's new folder below the home's archive or trash.

    Raises: ProjectError: the home holds this project alone, a round or job is running, or the folder cannot be moved.
    """
    if project.folder.resolve() == home.resolve() or project.folder.parent.resolve() != home.resolve():
        raise ProjectError(
            "{folder} is served by itself, not as one of several projects: move or delete the folder by hand.",
            folder=project.folder,
        )
    target = _free(home / FOLDERS[shelf] / project.slug)
    with nobody_at_work(project):
        with project.store() as store:  # before: what is moved away is not written to any more
            store.audit.record(project.actor, PUT_AWAY[shelf])
        _move(project.folder, target)
    return target


def on_shelf(home: Path, shelf: Shelf) -> list[Path]:
    """The folders of the projects that were archived, or deleted and are still in the trash, by name."""
    folder = home / FOLDERS[shelf]
    return sorted(path for path in folder.iterdir() if projects.is_project(path)) if folder.is_dir() else []


def bring_back(folder: Path, home: Path, actor: Actor | None = None) -> Path:
    """The folder of an archived or deleted project, once it is one of the home's projects again.

    Args:   actor: who brings it back; by default who acts in this process.
    Raises: ProjectError: the folder cannot be moved.
    """
    target = _free(home / folder.name)
    _move(folder, target)
    project = projects.open_project(target, actor)
    with project.store() as store:
        store.audit.record(project.actor, "project brought back")
    return target


def _free(folder: Path) -> Path:
    """The folder, or where it is taken the same with a number."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    return free


def _move(folder: Path, target: Path) -> None:
    try:
        target.parent.mkdir(exist_ok=True)
        folder.rename(target)
    except OSError as error:
        raise ProjectError(
            "{folder} cannot be moved: {strerror}.", folder=folder, strerror=error.strerror or error
        ) from error


@contextmanager
def nobody_at_work(project: Project) -> Iterator[None]:
    """A block in which no process begins to work for the project.

    Raises: ProjectError: one is at work.
    """
    with ExitStack() as locks:
        try:
            for name in LOCKS:
                locks.enter_context(project.lock(name, WAIT))
        except Timeout:
            raise ProjectError(
                "A round, a job or an import is running: wait until it has ended, or cancel it."
            ) from None
        yield
