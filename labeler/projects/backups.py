"""Backups of a project or of a home: what they are, where they lie, and how one is restored into a new folder.

A backup is a folder: `files/` as they were, and a manifest with the hash of each, which is written last. Databases are
copied by SQLite. Images and models never change once they are written, so where a backup lies on the same disk they are
hard links; another disk gets copies, which link to those of the backup before. What can be computed again is left out.
`labeler.projects.backing_up` makes them.
"""

import contextlib
import errno
import glob
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from labeler.core.actor import Actor, actor_of_process
from labeler.core.errors import FullError, LabelerError
from labeler.core.file_copies import copy, sha256
from labeler.core.items import Progress
from labeler.core.version import __version__
from labeler.core.whole_files import PART, synchronise_folder
from labeler.projects import project as projects
from labeler.store.schema import migrations

FORMAT = 1
MANIFEST, FILES = "manifest.json", "files"
FOLDER = ".backups"  # in the home, where the settings name no other place
STAMP = "%Y%m%d-%H%M%S-%f"  # of UTC; names sort by it


class BackupError(LabelerError):
    """A backup cannot be made, read or restored."""


@dataclass(frozen=True)
class File:
    """A file of a backup, by its path below `files/`."""

    path: str
    size: int
    sha256: str
    mode: int
    linked: bool = False


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. schemas: of each database; left_out: folders of projects that are not in it, and why, as
    `dump` stores it.
    """

    kind: str  # project | home
    name: str
    made_at: str
    seconds: float
    files: list[File]
    schemas: dict[str, int]
    left_out: dict[str, str] = field(default_factory=dict)
    verified_at: str = ""
    program: str = __version__
    format: int = FORMAT

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


@dataclass(frozen=True)
class Backup:
    """A finished backup."""

    folder: Path
    manifest: Manifest

    @property
    def made_at(self) -> datetime:
        return datetime.fromisoformat(self.manifest.made_at)

    @property
    def is_whole(self) -> bool:
        """Whether it was verified, and no project is missing in it."""
        return bool(self.manifest.verified_at) and not self.manifest.left_out


def default_place(source: Path) -> Path:
    """Where the backups of a project or home lie if nobody says."""
    return source / FOLDER if not projects.is_project(source) else source.parent / FOLDER


def every(where: Path, name: str = "") -> list[Backup]:
    """The finished backups in a folder, the oldest first. name: only those of this project or home."""
    backups = []
    for manifest in where.glob(f"*/{MANIFEST}"):
        try:
            backup = read(manifest.parent)
        except BackupError:
            continue
        if not name or backup.manifest.name == name:
            backups.append(backup)
    return sorted(backups, key=lambda backup: (backup.manifest.made_at, backup.folder.name))


def latest(where: Path, name: str) -> Backup | None:
    """The newest finished backup of a project or home."""
    for manifest in sorted(where.glob(f"{glob.escape(name)}-*/{MANIFEST}"), reverse=True):  # by their times
        with contextlib.suppress(BackupError):
            if (backup := read(manifest.parent)).manifest.name == name:
                return backup
    return None


def latest_with(where: Path, name: str, project: str) -> Backup | None:
    """The newest backup of a home that has this project, in a form that this version can open."""
    for backup in reversed(every(where, name)):
        schema = backup.manifest.schemas.get(f"{project}/labels.sqlite")
        if schema is not None and schema <= migrations.version:
            return backup
    return None


def read(folder: Path) -> Backup:
    """The backup in `folder`, by its manifest. Raises: BackupError: it has none, or one that cannot be read."""
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if values["format"] > FORMAT:
            raise BackupError(
                "{folder} was made by a newer version of this program ({program}): restore it with that one.",
                folder=folder,
                program=values["program"],
            )
        files = [File(**file) for file in values["files"]]
        for file in files:
            if Path(file.path).is_absolute() or ".." in Path(file.path).parts:
                raise ValueError(f"{file.path} lies outside")
        return Backup(folder, Manifest(**(values | {"files": files})))
    except FileNotFoundError:
        raise BackupError(
            "{folder} is no backup, or one that was interrupted: it has no {manifest}.",
            folder=folder,
            manifest=MANIFEST,
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(
            "The manifest of {folder} cannot be read ({error}): take another backup.", folder=folder, error=error
        ) from None


def verify(backup: Backup, on_progress: Progress | None = None) -> list[str]:
    """What is wrong with a backup: each file that is missing or differs, each database that is damaged."""
    wrong = []
    files = backup.manifest.files
    for number, file in enumerate(files, 1):
        path = backup.folder / FILES / file.path
        if not path.is_file():
            wrong.append(f"{file.path} is missing")
        elif path.stat().st_size != file.size or sha256(path) != file.sha256:
            wrong.append(f"{file.path} is not as it was written")
        if on_progress:
            on_progress(number, len(files))
    return wrong


def command(backup: Backup, folder: Path, project: str = "") -> str:
    """The command that restores a backup, or one project of a home's, into a folder."""
    words = ["labeler", "restore", str(backup.folder), str(folder), *(["--project", project] if project else [])]
    return shlex.join(words)


def restore(
    backup: Backup,
    folder: Path,
    project: str | None = None,
    actor: Actor | None = None,
    on_progress: Progress | None = None,
) -> list[Path]:
    """The folders of the projects that were restored into `folder`, which is new; each was opened once.

    Args:   project: one project of a home's backup, by its folder's name; by default all that the backup holds.
            actor: who restores; by default who acts in this process.
    Raises: BackupError: the folder is not empty, the backup is not as it was written, or has no such project.
    """
    folder = folder.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(
            "{folder} is there already: restore into a new folder, and nothing is replaced.", folder=folder
        )
    prefix = f"{project}/" if project else ""
    files = [file for file in backup.manifest.files if file.path.startswith(prefix)]
    if not files:
        raise BackupError("{backup} holds no project {project!r}.", backup=backup.folder, project=project)
    wrong = verify(backup, on_progress)
    if wrong:
        raise BackupError(
            "{backup} is not as it was written, and nothing was restored: {wrong}. Take another backup.",
            backup=backup.folder,
            wrong="; ".join(wrong[:5]),
        )
    part = folder.with_name(f".{folder.name}{PART}")
    with explained(folder):
        try:
            shutil.rmtree(part, ignore_errors=True)
            for file in files:
                target = part / file.path.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                copy(backup.folder / FILES / file.path, target)
                target.chmod(file.mode)
            synchronise_below(part)
            if folder.exists():
                folder.rmdir()
            part.rename(folder)
            synchronise_folder(folder.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    restored = projects.in_home(folder)
    for each in restored:
        opened = projects.open_project(each, actor or actor_of_process())
        with opened.store() as store:  # brought to this version's tables
            store.audit.record(opened.actor, "project restored", {"backup": backup.folder.name})
    return restored


@contextmanager
def explained(where: Path) -> Iterator[None]:
    """A block in which a full disk is one sentence."""
    try:
        yield
    except (OSError, FullError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BackupError(
            "The disk with {where} is full: nothing was kept of this attempt, and earlier backups are as they were."
            " Free space, keep fewer backups, or name a place on another disk.",
            where=where,
        ) from error


def synchronise_below(top: Path) -> None:
    """Bring the names of files onto the disk, in `top` and the folders below it."""
    for here, _folders, _names in os.walk(top):
        synchronise_folder(Path(here))
