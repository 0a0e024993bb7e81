"""New items that come by themselves: each feed of a project is looked at when it is due, in a process of its own.

What a feed brings is imported as anything else is. How far it was read is stored after that: a crash in between lets
the next look bring the same content again, which adds nothing.
"""

import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import Timeout

from labeler.core.errors import UNEXPECTED, DatabaseError, LabelerError, MissingError, ProjectError
from labeler.core.feeds import LONGEST_WAIT, MINUTE, Came, Feed, FeedLook
from labeler.core.items import Problem
from labeler.core.limited import Limits, run_limited
from labeler.core.settings import FeedConfig
from labeler.feeds.look import SECONDS, Brought, FeedError, Look
from labeler.feeds.read import check, look_at
from labeler.i18n.messages import Message, mark
from labeler.jobs.imports import UPLOADS
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from labeler.store import Store

log = logging.getLogger(__name__)

AT_ONCE = 4  # looks of all projects
SILENT = SECONDS + 60  # seconds without a sign of life after which what reads a feed is ended
EVERY = 0.5  # seconds between two reports of how far a look is
ROUND_EVERY = timedelta(minutes=15)  # new items ask for no round if one was asked for within this time
Tell = Callable[[str, int, int, int], None]  # the step, how much is done, of how much (0: not known), bytes


def work(store: Store) -> int:
    """How many feeds are due, those among them that are being looked at; 0 where all are, and no round is to be asked
    for.
    """
    due, project = store.feeds.due(time.time()), projects.open_project(store.path.parent)
    if any(_is_free(project, name) for name in due):
        return len(due)
    return int(not due and store.feeds.round_is_due(_quiet_since()))


def look_once(project: Project) -> bool:
    """Look at a feed that is due and that no other process looks at; True if there was something to do."""
    with project.store() as store:
        return any(_looked(project, store, name) for name in store.feeds.due(time.time())) or _ask_for_round(store)


# ---------------------------------------------------------------- what pages, programs and commands ask for


def all_feeds(project: Project) -> list[Feed]:
    """The feeds of a project, with what came of them."""
    with project.store() as store:
        states, due = store.feeds.states(), {*store.feeds.due(time.time())}
        settings = store.config.feeds
    return [Feed(name, settings[name], state, name in due) for name, state in states.items()]


def get(project: Project, name: str) -> Feed:
    """The feed of this name. Raises: MissingError: there is none."""
    for feed in all_feeds(project):
        if feed.name == name:
            return feed
    raise _missing(name)


def looks(project: Project, name: str, most: int, before: int | None = None) -> list[FeedLook]:
    """The latest looks at a feed, the latest first. Raises: MissingError: there is none of this name."""
    _settings_of(project, name)
    with project.store() as store:
        return store.feeds.looks(name, most, before)


def add(project: Project, name: str, feed: FeedConfig) -> Project:
    """The project with another feed, which may be read.

    Raises: ProjectError: there is one of this name. LabelerError: it may not be read, or its settings are wrong.
    """
    if name in project.config.feeds:
        raise ProjectError("There is a feed {name} already: choose another name.", name=name)
    changed = replace(project.config, feeds=project.config.feeds | {name: feed})
    check(feed, project.folder.parent)
    return project.save(changed)


def change(project: Project, name: str, **changes: Any) -> Project:
    """The project with other settings of a feed. Where it reads from another place, it begins anew.

    Args:   changes: settings by their names, such as `paused=True`.
    Raises: MissingError: there is no feed of this name. LabelerError: it may not be read, or the settings are wrong.
    """
    before = _settings_of(project, name)
    if unknown := changes.keys() - {entry.name for entry in fields(FeedConfig)}:
        raise FeedError("A feed has no setting {name}.", name=min(unknown))
    after = replace(before, **changes)
    changed = replace(project.config, feeds=project.config.feeds | {name: after})
    if (after.kind, after.place, after.query) != (before.kind, before.place, before.query):
        check(after, project.folder.parent)
    return project.save(changed)


def remove(project: Project, name: str) -> Project:
    """The project without a feed. Its items stay. Raises: MissingError: there is none of this name."""
    _settings_of(project, name)
    feeds = {other: feed for other, feed in project.config.feeds.items() if other != name}
    return project.save(replace(project.config, feeds=feeds))


def look_now(project: Project, name: str) -> None:
    """Let the worker look at a feed now. Raises: MissingError: there is none. FeedError: it is paused."""
    if _settings_of(project, name).paused:
        raise FeedError("The feed {name} is paused: let it go on first.", name=name)
    with project.store() as store:
        store.feeds.look_now(name)


def pull(project: Project, name: str) -> Feed:
    """A feed once all that is new there has come: it is looked at here, unless another process is at it.

    Raises: MissingError, FeedError: see `look_now`. ProjectError: the project was archived meanwhile.
    """
    look_now(project, name)
    while True:
        project = projects.open_project(project.folder, project.actor)  # it may be changed or archived meanwhile
        with project.store() as store:
            if name not in store.feeds.due(time.time()):
                _ask_for_round(store)
                return get(project, name)
            if _looked(project, store, name):
                continue
        time.sleep(EVERY)


def _settings_of(project: Project, name: str) -> FeedConfig:
    if name not in project.config.feeds:
        raise _missing(name)
    return project.config.feeds[name]


def _missing(name: str) -> MissingError:
    return MissingError("There is no feed {name} in this project.", name=name)


# ---------------------------------------------------------------- a look


def _ask_for_round(store: Store) -> bool:
    """Ask for a round that ranks new items, if it is due; whether it was asked for."""
    # before the first round nobody waits for one; later, labels ask for rounds, which rank new items as well
    return store.feeds.round_is_due(_quiet_since()) and store.rounds.request(mark("new items of a feed"))


def _quiet_since() -> str:
    return (datetime.now(UTC) - ROUND_EVERY).isoformat()


def _lock_of(name: str) -> str:
    return f"feed-{name}.lock"


def _is_free(project: Project, name: str) -> bool:
    try:
        with project.lock(_lock_of(name)):
            return True
    except Timeout:
        return False


def _looked(project: Project, store: Store, name: str) -> bool:
    """Look at a feed if it is due, unless another process is at it; whether that was done."""
    with suppress(Timeout), project.lock(_lock_of(name)):
        if name in store.feeds.due(time.time()):  # another process may just have ended
            _look(project, store, name)
            _ask_for_round(store)
            return True
    return False


def _look(project: Project, store: Store, name: str) -> None:
    """Look at a feed. What goes wrong with it is its own trouble, and is tried again ever later."""
    feed, state, at = project.config.feeds[name], store.feeds.begin(name), time.time()
    number = store.feeds.begin_look(name)
    tell = _reporter(store, number)
    folder = _empty(project.folder / UPLOADS / f"feed-{name}")  # on the project's own disk, since /tmp may be small
    look = Look(name, feed, project.config.modality, project.folder.parent, folder, state.cursor, state.resume)
    try:
        brought = run_limited(
            read_apart,
            project.folder,
            look,
            name=name,
            limits=Limits(SILENT, project.config.limits.import_megabytes),
            on_message=lambda so_far: tell(mark("reading"), *so_far),
            load=("labeler.feeds.read",),
        )
        added, refused = _imported(project, brought, tell)
        if not _is_at_work(store, name, number):
            return
        store.feeds.has_read(name, brought.versions, brought.kept_version)
        cursor = state.cursor if brought.cursor is None else brought.cursor
        next_at = 0.0 if brought.is_more else at + feed.every * MINUTE
        store.feeds.looked(name, Came(cursor, brought.resume, added, refused), next_at)
        if added or refused:
            log.info("%s: feed %s: %d items, %d refused", project.slug, name, added, len(refused))
        return
    except (DatabaseError, ProjectError, OSError):  # of the project
        raise
    except LabelerError as error:
        log.warning("%s: feed %s: %s", project.slug, name, error)
        problem = Message.of(error)
    except Exception as error:  # of an answer in another form
        log.exception("%s: feed %s", project.slug, name)
        problem = mark(UNEXPECTED, kind=type(error).__name__, error=error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    wait = min(feed.every * MINUTE * 2.0 ** min(state.failures, 10), max(LONGEST_WAIT, feed.every * MINUTE))
    if _is_at_work(store, name, number):
        store.feeds.failed(name, problem, at + wait)


def _is_at_work(store: Store, name: str, look: int) -> bool:
    """Whether a look still counts: somebody may have changed meanwhile where the feed reads, so that it begins anew."""
    looking = store.feeds.states()[name].looking
    return looking is not None and looking.id == look


def read_apart(folder: Path, look: Look, tell: Callable[[tuple[int, int, int]], None]) -> Brought:
    """As `look_at` for the project in a folder, in a process of its own, which sends how far it is."""
    with projects.open_project(folder).store() as store:
        return look_at(
            replace(
                look,
                until=time.monotonic() + SECONDS,
                unread=lambda versions: store.feeds.unread(look.name, versions),
                tell=lambda done, total, size: tell((done, total, size)),
            )
        )


def _reporter(store: Store, look: int) -> Tell:
    """A function that stores how far a look is, at most twice a second, and whenever a step has come to its end."""
    reported = 0.0

    def tell(step: str, done: int, total: int, size: int) -> None:
        nonlocal reported
        if time.monotonic() - reported >= EVERY or 0 < total <= done:
            reported = time.monotonic()
            store.feeds.report(look, step, done, total, size)

    return tell


def _empty(folder: Path) -> Path:
    """The folder, without what a look has left in it that was cut off."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _imported(project: Project, brought: Brought, tell: Tell) -> tuple[int, list[Problem]]:
    """The number of items that were added, and what was refused. A source that cannot be read keeps no other back."""
    added, refused = 0, [*brought.problems]
    for path, columns in brought.sources:
        try:
            report = import_source(
                project,
                path,
                columns,
                apart=True,
                asks_round=False,
                on_progress=lambda done, total: tell(mark("importing"), done, total, brought.bytes),
            )
        except (DatabaseError, ProjectError):
            raise
        except LabelerError as error:
            refused.append(brought.at_its_place(path, Problem(path.name, Message.of(error))))
            continue
        added += report.added
        refused += [brought.at_its_place(path, problem) for problem in report.problems]
    return added, refused
