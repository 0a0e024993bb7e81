"""A project folder: the places of its settings, items, features and models."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from filelock import FileLock, Timeout

from labeler.core import settings_file
from labeler.core.actor import Actor, actor_of_process
from labeler.core.errors import ConfigError, DatabaseError, LabelerError, MissingProjectError, ProjectError
from labeler.core.inputs import Input, Inputs
from labeler.core.items import Content, Item
from labeler.core.settings import Config
from labeler.core.settings_changes import Clash, SettingsClashError, changed_names, flat, merged, nested
from labeler.core.settings_parser import parse
from labeler.core.whole_files import write_new, write_whole
from labeler.files.object_cache import ObjectCache, RemoteImage
from labeler.store import Store
from labeler.store.driver import sqlite3
from labeler.store.thread_store import thread_store

SETTINGS = "project.toml"
LONGEST_FOLDER = 255  # bytes of a name
DATABASE = "labels.sqlite"

# Settings read so far, with their file's time, inode and size: a server reads them far more often than they change.
_settings: dict[Path, tuple[tuple[int, int, int], Config]] = {}
# Where each project was found last, by home and uid.
_folders: dict[tuple[Path, str], Path] = {}


@dataclass(frozen=True)
class Project:
    """An opened project. Everything that belongs to it lies below `folder`."""

    folder: Path
    config: Config
    actor: Actor = field(default_factory=actor_of_process, compare=False)  # who works with it, for the audit log

    @property
    def slug(self) -> str:
        """The folder's name, which names the project in the addresses of pages."""
        return self.folder.name

    @cached_property
    def uid(self) -> str:
        """What tells the project from any other, also from a later one of the same name."""
        with self.store() as store:
            return store.uid()

    @property
    def database(self) -> Path:
        return self.folder / DATABASE

    @property
    def media(self) -> Path:
        """Imported images, named by the hash of their content."""
        return self.folder / "media"

    @property
    def renditions(self) -> Path:
        """Pictures of images for the browser, which can all be made again."""
        return self.folder / "renditions"

    @property
    def embeddings(self) -> Path:
        return self.folder / "embeddings"

    @property
    def strategies(self) -> Path:
        """Python files with the project's own query strategies; the folder may be missing."""
        return self.folder / "strategies"

    @property
    def comparisons(self) -> Path:
        """Files uploaded for comparisons, in a folder each; they are deleted when the comparison ends."""
        return self.folder / "comparisons"

    @property
    def tuning(self) -> Path:
        """Trials of searches for better settings, and features of the backbones in them."""
        return self.folder / "tuning"

    @property
    def exports(self) -> Path:
        """Predictions and the published model, made ready to be taken out; all can be made again."""
        return self.folder / "exports"

    @property
    def models(self) -> Path:
        return self.folder / "models"

    def store(self) -> Store:
        """A new connection to the project's database; use it in one thread only, and close it."""
        return Store(self.database, self.config, self.actor)

    @contextmanager
    def lock(self, name: str, wait: float = 0) -> Iterator[None]:
        """A block in which no other process holds the lock of this name.

        The library makes the folder of a lock's file, and would so leave an empty one where a project was moved away.

        Args:   wait: seconds for another one to end; negative: for ever.
        Raises: Timeout: another one holds the lock, or the folder was moved away.
        """
        path = self.folder / name
        if not is_project(self.folder):
            raise Timeout(str(path))
        with FileLock(path, timeout=wait):
            if not is_project(self.folder):  # it was moved since
                path.unlink(missing_ok=True)
                self.folder.rmdir()
                raise Timeout(str(path))
            yield

    @property
    def objects(self) -> ObjectCache:
        """Images of stores that were read last, which can all be fetched again."""
        return ObjectCache(self.folder / "objects", int(self.config.limits.object_cache_gigabytes * 1e9))

    def input_of(self, item: Item | Content) -> Input:
        """The item as an encoder takes it: its text, or the file of its image."""
        return item.text if item.text is not None else self.image_of(item)

    def image_of(self, item: Item | Content) -> Path | RemoteImage:
        """The image of an item: its file, or the object of a store, which is fetched when it is read."""
        if item.object is None:
            return self.folder / str(item.media)
        return RemoteImage(str(item.media), item.content_hash, item.object.suffix, self.objects)

    def inputs(self, ids: np.ndarray) -> Inputs:
        """The items with these ids (n,) as an encoder takes them, read when they are asked for."""
        return Inputs(ids, self._read)

    def texts(self, ids: np.ndarray) -> Sequence[str]:
        """The texts of the items with these ids (n,), read when they are asked for; none where items are images."""
        return cast("Sequence[str]", self.inputs(ids)) if self.config.modality == "text" else ()

    def _read(self, ids: Sequence[int]) -> list[Input]:
        with self.store() as store:
            contents = store.items.contents(ids)
        return [self.input_of(content) for content in contents]

    def save(self, config: Config, store: Store | None = None, restored: Mapping[str, Any] | None = None) -> "Project":
        """The project with changed settings, which are written first. Comments and order in the file stay.

        What `config` changes in the settings that were opened is changed in those that are there now: what others have
        saved meanwhile, or written into the file, stays. The change and its row in the audit log are one transaction,
        see `SettingsLog.changed`; of several processes one saves at a time, and a lock of one that is killed ends.

        Args:   store: that has a transaction open already. restored: what the change goes back to, for the log.
        Raises: SettingsClashError: others have changed the same settings to other values. ConfigError: the file cannot
                be read, or what it says and `config` contradict each other. ProjectError: another process holds the
                database for long, or the file cannot be written. In each case nothing has changed.
        """
        try:
            with nullcontext(store) if store else self.store() as opened, opened.write():
                now = settings_file.load(self.folder / SETTINGS)
                together = self._with_changes_of_others(config, now, opened)
                opened.settings_log.changed(now.as_dict(), together.as_dict(), restored)
                if together != now:
                    self._write_settings(together)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise ProjectError(
                "The settings were not saved: another process has been writing into {folder} for long. Save again.",
                folder=self.folder,
            ) from error
        except OSError as error:
            raise ProjectError(
                "The settings were not saved: {file} cannot be written ({problem}).",
                file=self.folder / SETTINGS,
                problem=error.strerror or error,
            ) from error
        return Project(self.folder, together, self.actor)

    def _with_changes_of_others(self, config: Config, now: Config, store: Store) -> Config:
        """The settings of `config`, and what others have changed since this project was opened."""
        if now == self.config:
            return config
        opened, mine = flat(self.config.as_dict()), flat(config.as_dict())
        merge = merged(opened, flat(now.as_dict()), mine)
        clashes = merge.clashes
        if not clashes:
            try:
                return parse(nested(merge.settings))
            except ConfigError:  # each is right by itself, and they contradict each other
                present = flat(now.as_dict())
                clashes = tuple(
                    Clash(name, opened.get(name), present.get(name), mine.get(name))
                    for name in changed_names(opened, mine)
                )
        raise _clash(clashes, now, store)

    def notice_changes(self, store: Store) -> None:
        """Record in the audit log what somebody has changed in the file by hand; nothing where it is being written."""
        if store.settings_log.is_up_to_date(self.config.as_dict()):
            return
        with suppress(sqlite3.OperationalError, LabelerError), store.write():  # locked, read-only, or full
            store.settings_log.noticed(settings_file.load(self.folder / SETTINGS).as_dict())

    def _write_settings(self, config: Config) -> None:
        path = self.folder / SETTINGS
        text = path.read_bytes().decode("utf-8-sig", "replace")  # its bytes: reading text would change the line ends
        write_whole(path, settings_file.rewritten(text, config))


def _clash(clashes: Sequence[Clash], now: Config, store: Store) -> SettingsClashError:
    """The error about these settings, with who has changed them and when."""
    history = store.settings_log.history()
    named = []
    for clash in clashes:
        row = next((row for row in history if clash.name in {**(row.before or {}), **(row.after or {})}), None)
        is_of_row = row is not None and (row.after or {}).get(clash.name) == clash.now  # else the file was changed
        named.append(replace(clash, by=row.by, at=row.at) if row is not None and is_of_row else clash)
    error = SettingsClashError(
        "Somebody else has changed the same settings meanwhile: {names}. Nothing was saved: look at what is there now,"
        " and change it again.",
        names=", ".join(f"{clash.name} = {clash.now!r}" for clash in named),
    )
    error.clashes, error.now = tuple(named), now
    return error


class ServedProject(Project):
    """A project in a process that answers requests, where each thread keeps one open store."""

    def store(self) -> Store:
        """The calling thread's open store; use it in a `with` block, which leaves it open."""
        return thread_store(self.database, self.config, self.actor)


def create(folder: Path, config: Config, actor: Actor | None = None) -> Project:
    """Make a project folder.

    Args:   actor: who makes it; by default who acts in this process.
    Raises: ProjectError: the folder is already a project, or holds other files.
    """
    if (folder / SETTINGS).exists():
        raise _already_a_project(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError("{folder} is not an empty folder: choose another place for the project.", folder=folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_new(folder / SETTINGS, settings_file.to_toml(config))
    except FileExistsError:  # somebody else has made one at the same moment
        raise _already_a_project(folder) from None
    except OSError as error:
        raise ProjectError("{folder} cannot be written: {strerror}.", folder=folder, strerror=error.strerror) from error
    project = Project(folder, config, actor or actor_of_process())
    with project.store() as store:
        store.settings_log.created(config.as_dict())
    return project


def _already_a_project(folder: Path) -> ProjectError:
    return ProjectError("{folder} is already a project: choose another folder, or import into this one.", folder=folder)


def open_project(folder: Path, actor: Actor | None = None) -> Project:
    """Open the project in `folder`.

    Args:   actor: who opens it; by default who acts in this process.
    Raises: ProjectError: there is none. ConfigError: its settings are wrong.
    """
    path = folder / SETTINGS
    if not path.exists():
        raise ProjectError(
            "{folder} is not a project (it has no {settings}): `init` makes one.", folder=folder, settings=SETTINGS
        )
    file = path.stat()
    now = (file.st_mtime_ns, file.st_ino, file.st_size)
    before, config = _settings.get(path, (None, None))
    if config is None or now != before:
        config = settings_file.load(path)
        _settings[path] = now, config
    return Project(folder, config, actor or actor_of_process())


def serve_project(home: Path, uid: str, actor: Actor | None = None) -> ServedProject:
    """The project with this uid in `home` (or `home` itself if it is one), to answer a request.

    Args:   actor: who sends the request.
    Raises: ProjectError: there is none. ConfigError: its settings are wrong. DatabaseError: a database cannot be read.
    """
    folder = _folders.get((home, uid))
    if folder and is_project(folder):
        served = _served(folder, actor)
        if served.uid == uid:
            return served
    trouble: DatabaseError | None = None
    for folder in in_home(home):  # it is asked for the first time, or was moved, or another has taken its place
        try:
            if _uid(folder) == uid:
                _folders[home, uid] = folder
                return _served(folder, actor)
        except DatabaseError as error:  # it may be this one
            trouble = error
    raise trouble or gone()


def gone() -> ProjectError:
    """The error about a project that is not there, or not for who asks."""
    return MissingProjectError("This project is not here any more. Answers to it are kept in this browser.")


def unknown(slug: str) -> ProjectError:
    """The error about a project of which a program, or somebody at a terminal, has a wrong name."""
    return MissingProjectError("There is no project {slug!r} here.", slug=slug[:100])


def serve_folder(home: Path, slug: str, actor: Actor | None = None) -> ServedProject:
    """The project in this folder of `home` (or `home` itself if it is one).

    Args:   actor: who sends the request.
    Raises: ProjectError: there is none. ConfigError: its settings are wrong.
    """
    folder = home if is_project(home) else home / slug
    if slug == ".." or folder.name != slug or not is_project(folder):
        raise unknown(slug)
    return _served(folder, actor)


def serve_named(home: Path, name: str, actor: Actor | None = None) -> ServedProject:
    """The project of `home` with this uid or folder.

    Args:   actor: who sends the request.
    Raises: MissingProjectError: there is none. ConfigError, DatabaseError.
    """
    if len(os.fsencode(name)) > LONGEST_FOLDER or "\0" in name:
        raise unknown(name)
    try:
        return serve_folder(home, name, actor)
    except MissingProjectError as error:
        try:
            return serve_project(home, name, actor)
        except MissingProjectError:
            raise error from None


def _served(folder: Path, actor: Actor | None = None) -> ServedProject:
    return ServedProject(folder, open_project(folder).config, actor or actor_of_process())


def uid_in(home: Path, project: Project) -> str:
    """A project's uid in `home`. The copy of another project's folder is a project of its own: it gets another uid."""
    with project.store() as store:
        uid = store.uid()
        return uid if serve_project(home, uid).folder == project.folder else store.db.renew_uid()


def _uid(folder: Path) -> str | None:
    """The uid of the project in a folder; None if its settings cannot be read. Raises: DatabaseError."""
    try:
        return open_project(folder).uid
    except DatabaseError:
        raise
    except LabelerError:
        return None


def is_project(folder: Path) -> bool:
    return (folder / SETTINGS).exists()


def in_home(home: Path) -> list[Path]:
    """The project folders in `home` (or `home` itself if it is one), by name."""
    if is_project(home):
        return [home]
    return sorted(p for p in home.iterdir() if is_project(p)) if home.is_dir() else []


def slug(name: str) -> str:
    """A folder name for a project's name; Korean letters stay."""
    return re.sub(r"[^\w]+", "-", name.strip().lower()).strip("-") or "project"
