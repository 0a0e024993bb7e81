"""Backups of a project or of a home: made while others work, verified, and restored into a new folder.

A backup is a folder: `files/` as they were, and a manifest with the hash of each, which is written last. Databases are
copied by SQLite. Images and models never change once they are written, so where a backup lies on the same disk they are
hard links; another disk gets copies, which link to those of the backup before. What can be computed again is left out.
"""

import contextlib
import errno
import glob
import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from labeler.core.actor import Actor, actor_of_process
from labeler.core.errors import DatabaseError, FullError, LabelerError
from labeler.core.items import Progress
from labeler.core.version import __version__
from labeler.core.whole_files import PART, synchronise, write_whole
from labeler.i18n.messages import dump
from labeler.projects import project as projects
from labeler.projects.private_files import OF_THE_HOME
from labeler.projects.shelf import FOLDERS
from labeler.store import copies
from labeler.store.schema import VERSION

FORMAT = 1
MANIFEST, FILES = "manifest.json", "files"
FOLDER = ".backups"  # in the home, where the settings name no other place
STAMP = "%Y%m%d-%H%M%S-%f"  # of UTC; names sort by it
DATABASES = ("labels.sqlite", "accounts.sqlite")
# What rounds, pages and takeouts make again; uploads of comparisons are deleted when these end.
LEFT_OUT_FOLDERS = ("renditions", "exports", "comparisons", "broken", "__pycache__")
LEFT_OUT_FILES = ("vectors.f32", "hashes.txt", "lock")
NEVER_CHANGED = ("media", "models")  # folders of a project whose files are only ever written whole
CHUNK = 1 << 20


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


def make(source: Path, where: Path | None = None, on_progress: Progress | None = None) -> Backup:
    """A new, verified backup of the project or home in `source`.

    Args:   where: the folder of backups; by default `.backups` in the home, or beside a project.
    Raises: BackupError: there is nothing to back up, the disk is full, another backup is being made, or what was
            written is not what was read.
    """
    source = source.resolve()
    where = (where or default_place(source)).resolve()
    kind = "project" if projects.is_project(source) else "home"
    if kind == "home" and not projects.in_home(source):
        raise BackupError("{folder} is neither a project nor a folder of projects.", folder=source)
    where.mkdir(parents=True, exist_ok=True)
    began = datetime.now(UTC)
    name = f"{source.name}-{began.strftime(STAMP)}"
    part = where / f".{name}{PART}"
    with _alone(where), _explained(where):
        for unfinished in where.glob(f".*{PART}"):  # of a backup that was interrupted
            shutil.rmtree(unfinished, ignore_errors=True)
        try:
            before = latest(where, source.name)
            taker = _Taker(source, part / FILES, before, on_progress)
            left_out = _take_home(taker) if kind == "home" else _take_alone(taker)
            manifest = Manifest(
                kind=kind,
                name=source.name,
                made_at=began.isoformat(timespec="seconds"),
                seconds=round((datetime.now(UTC) - began).total_seconds(), 2),
                files=sorted(taker.files.values(), key=lambda file: file.path),
                schemas=taker.schemas,
                left_out=left_out,
            )
            verified = _verified(part, manifest)
            write_whole(part / MANIFEST, json.dumps(asdict(verified), ensure_ascii=False, indent=1))
            _synchronise_folders(part)
            part.rename(where / name)
            _synchronise_folders(where, below=False)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return Backup(where / name, verified)


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
        if schema is not None and schema <= VERSION:
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
        elif path.stat().st_size != file.size or digest(path) != file.sha256:
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
    with _explained(folder):
        try:
            shutil.rmtree(part, ignore_errors=True)
            for file in files:
                target = part / file.path.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                copy(backup.folder / FILES / file.path, target)
                target.chmod(file.mode)
            _synchronise_folders(part)
            if folder.exists():
                folder.rmdir()
            part.rename(folder)
            _synchronise_folders(folder.parent, below=False)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    restored = projects.in_home(folder)
    for each in restored:
        opened = projects.open_project(each, actor or actor_of_process())
        with opened.store() as store:  # brought to this version's tables
            store.audit.record(opened.actor, "project restored", {"backup": backup.folder.name})
    return restored


# ---------------------------------------------------------------- making one


class _Taker:
    """Takes files of `source` into `target`, and keeps what the manifest says of them."""

    def __init__(self, source: Path, target: Path, before: Backup | None, on_progress: Progress | None) -> None:
        self.source, self.target, self.on_progress = source, target, on_progress
        self.before = {file.path: file for file in before.manifest.files} if before else {}
        self.before_folder = before.folder / FILES if before else None
        self.files: dict[str, File] = {}
        self.schemas: dict[str, int] = {}

    def database(self, path: Path) -> None:
        """Copy a database. Raises: DatabaseError: it is damaged."""
        name = self._name(path)
        target = self._place(name)
        copies.copy_database(path, target)
        if wrong := copies.problems(target):
            target.unlink()
            raise BackupError("{path} is damaged ({problem}).", path=path, problem=wrong[0])
        target.chmod(path.stat().st_mode & 0o777)
        synchronise(target)
        self.schemas[name] = copies.schema_version(target)
        self._note(name, target, digest(target))

    def file(self, path: Path, never_changed: bool = False) -> None:
        """Link or copy a file, unless it is taken already, or was removed meanwhile."""
        name = self._name(path)
        if name in self.files:
            return
        target = self._place(name)
        try:
            if never_changed and _link(path, target):
                self._note(name, target, digest(target), linked=True)
            elif never_changed and self._link_before(name, path, target):
                self._note(name, target, self.before[name].sha256, linked=True)
            else:
                self._note(name, target, copy(path, target))
        except FileNotFoundError:  # a model that was pruned, an item that was erased
            target.unlink(missing_ok=True)

    def forget(self, folder: Path) -> None:
        """Take nothing of a project after all."""
        prefix = f"{self._name(folder)}/"
        shutil.rmtree(self.target / self._name(folder), ignore_errors=True)
        for kept in (self.files, self.schemas):
            for name in [name for name in kept if name.startswith(prefix)]:
                del kept[name]

    def _link_before(self, name: str, path: Path, target: Path) -> bool:
        """Link to the file in the backup before, if it has the same time and size."""
        if self.before_folder is None or name not in self.before:
            return False
        kept, now = self.before_folder / name, path.stat()
        try:
            same = kept.stat().st_size == now.st_size and kept.stat().st_mtime_ns == now.st_mtime_ns
        except FileNotFoundError:
            return False
        return same and _link(kept, target)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.source).as_posix()

    def _place(self, name: str) -> Path:
        target = self.target / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _note(self, name: str, target: Path, digest: str, linked: bool = False) -> None:
        state = target.stat()
        self.files[name] = File(name, state.st_size, digest, state.st_mode & 0o777, linked)
        if self.on_progress:
            self.on_progress(len(self.files), len(self.files))


def _take_alone(taker: _Taker) -> dict[str, str]:
    _take_project(taker, taker.source)
    return {}


def _take_home(taker: _Taker) -> dict[str, str]:
    """Take a home; the projects that are damaged and left out, and why: the others are taken all the same."""
    left_out = {}
    archive = taker.source / FOLDERS["archive"]
    archived = projects.in_home(archive) if archive.is_dir() and not projects.is_project(archive) else []
    for folder in (*projects.in_home(taker.source), *archived):
        try:
            _take_project(taker, folder)
        except FullError:
            raise
        except (DatabaseError, BackupError) as error:
            taker.forget(folder)
            left_out[folder.relative_to(taker.source).as_posix()] = dump(error)
    for pattern in OF_THE_HOME:
        for path in sorted(taker.source.glob(pattern)):
            if path.name == "accounts.sqlite":
                taker.database(path)
            elif path.is_file() and not path.name.startswith("accounts.sqlite-") and path.suffix not in (".lock", PART):
                taker.file(path)
    return left_out


def _take_project(taker: _Taker, folder: Path) -> None:
    """Take a project: files, then its database, then the files that came meanwhile.

    Images and models are written before the rows that name them, and models are pruned later: so every file that the
    copied rows name is there.
    """
    _take_files(taker, folder)
    for name in DATABASES:
        if (folder / name).exists():
            taker.database(folder / name)
    _take_files(taker, folder)


def _take_files(taker: _Taker, folder: Path) -> None:
    for path in _worth_keeping(folder):
        taker.file(path, never_changed=path.relative_to(folder).parts[0] in NEVER_CHANGED)


def _worth_keeping(folder: Path) -> Iterator[Path]:
    """The files of a project, without its database and what can be made again."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in LEFT_OUT_FOLDERS and not name.startswith("pixels-") and name != FOLDER
        )
        for name in sorted(names):
            path = Path(here, name)
            if name in LEFT_OUT_FILES or path.suffix in (".lock", PART) or name.startswith(DATABASES):
                continue
            if path.is_file() and not path.is_symlink():
                yield path


def _verified(part: Path, manifest: Manifest) -> Manifest:
    """The manifest with the time of its verification. Raises: BackupError: a file is not what was read."""
    wrong = verify(Backup(part, manifest))
    if wrong:
        raise BackupError(
            "The backup in {where} is not what was read ({wrong}): its disk may fail. It was removed.",
            where=part.parent,
            wrong="; ".join(wrong[:5]),
        )
    return Manifest(**(vars(manifest) | {"verified_at": datetime.now(UTC).isoformat(timespec="seconds")}))


# ---------------------------------------------------------------- files


@contextmanager
def _alone(where: Path) -> Iterator[None]:
    try:
        with FileLock(where / ".lock", timeout=0):
            yield
    except Timeout:
        raise BackupError("Another backup into {where} is being made: wait until it has ended.", where=where) from None


@contextmanager
def _explained(where: Path) -> Iterator[None]:
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


def _link(source: Path, target: Path) -> bool:
    """Whether `target` is now a hard link to `source`: not across disks, and not where the file system has none."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        return False
    return True


def copy(source: Path, target: Path) -> str:
    """Copy a file with its time and rights onto the disk; the SHA-256 of what was read."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            write.write(chunk)
        write.flush()
        os.fsync(write.fileno())
    shutil.copystat(source, target)
    return digest.hexdigest()


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _synchronise_folders(top: Path, below: bool = True) -> None:
    """Bring the names of files onto the disk, in `top` and the folders below it."""
    if os.name != "posix":  # elsewhere folders cannot be opened
        return
    for here in [folder for folder, _folders, _names in os.walk(top)] if below else [top]:
        synchronise(Path(here))
