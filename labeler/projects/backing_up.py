"""Making a backup of a project or of a home while others work. `labeler.projects.backups` says what a backup is."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from labeler.core.errors import DatabaseError, FullError
from labeler.core.file_copies import copy, link, sha256
from labeler.core.items import Progress
from labeler.core.whole_files import PART, synchronise, synchronise_folder, write_whole
from labeler.i18n.messages import dump
from labeler.projects import project as projects
from labeler.projects.backups import (
    FILES,
    FOLDER,
    MANIFEST,
    STAMP,
    Backup,
    BackupError,
    File,
    Manifest,
    default_place,
    explained,
    latest,
    synchronise_below,
    verify,
)
from labeler.projects.private_files import OF_THE_HOME
from labeler.projects.shelf import FOLDERS
from labeler.store import copies

DATABASES = ("labels.sqlite", "accounts.sqlite")
# What rounds, pages and takeouts make again; uploads of comparisons are deleted when these end.
LEFT_OUT_FOLDERS = ("renditions", "objects", "exports", "comparisons", "broken", "__pycache__")
LEFT_OUT_FILES = ("vectors.f32", "hashes.txt", "lock")
LEFT_OUT_SUFFIXES = (".f16", ".f32", ".keys", ".sums", ".lock", PART)  # features, and what is being written
NEVER_CHANGED = ("media", "models")  # folders of a project whose files are only ever written whole


def back_up(source: Path, where: Path | None = None, on_progress: Progress | None = None) -> Backup:
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
    with _alone(where), explained(where):
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
            synchronise_below(part)
            part.rename(where / name)
            synchronise_folder(where)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return Backup(where / name, verified)


@contextmanager
def _alone(where: Path) -> Iterator[None]:
    try:
        with FileLock(where / ".lock", timeout=0):
            yield
    except Timeout:
        raise BackupError("Another backup into {where} is being made: wait until it has ended.", where=where) from None


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
        self._note(name, target, sha256(target))

    def file(self, path: Path, never_changed: bool = False) -> None:
        """Link or copy a file, unless it is taken already, or was removed meanwhile."""
        name = self._name(path)
        if name in self.files:
            return
        target = self._place(name)
        try:
            if never_changed and link(path, target):
                self._note(name, target, sha256(target), linked=True)
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
        return same and link(kept, target)

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
    for path in worth_keeping(folder):
        taker.file(path, never_changed=path.relative_to(folder).parts[0] in NEVER_CHANGED)


def worth_keeping(folder: Path, without: str = "") -> Iterator[Path]:
    """The files of a project, without its database, what can be made again, and its folder `without`."""
    for here, folders, names in os.walk(folder):
        left_out = {*LEFT_OUT_FOLDERS, FOLDER, without if Path(here) == folder else ""}
        folders[:] = sorted(name for name in folders if name not in left_out and not name.startswith("pixels-"))
        for name in sorted(names):
            path = Path(here, name)
            if name in LEFT_OUT_FILES or path.suffix in LEFT_OUT_SUFFIXES or name.startswith(DATABASES):
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
