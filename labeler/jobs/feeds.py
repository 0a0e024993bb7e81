"""New items that come by themselves: each feed of a project is looked at when it is due, in a process of its own.

What a feed brings is imported as anything else is. How far it was read is stored after that: a crash in between lets
the next look bring the same content again, which adds nothing.
"""

import logging
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import Timeout

from labeler.core.errors import UNEXPECTED, DatabaseError, LabelerError, ProjectError
from labeler.core.feeds import LONGEST_WAIT, MINUTE
from labeler.core.items import Problem
from labeler.core.settings import FeedConfig
from labeler.feeds.look import Brought, FeedError, Look
from labeler.feeds.read import check, look_at
from labeler.i18n.messages import Message, mark
from labeler.jobs.imports import UPLOADS
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from labeler.store import Store

log = logging.getLogger(__name__)

LOCK = "feeds.lock"
ROUND_EVERY = timedelta(minutes=15)  # new items ask for no round if one was asked for within this time


def is_due(store: Store) -> bool:
    """Whether a feed is to be looked at now, or its items are to be ranked."""
    return bool(store.feeds.due(time.time())) or store.feeds.round_is_due(_quiet_since())


def look_once(project: Project) -> bool:
    """Look at the feeds that are due, unless another process is at it; True if there was something to do."""
    try:
        with project.lock(LOCK), project.store() as store:
            due = store.feeds.due(time.time())
            for name in due:
                _look(project, store, name)
            # before the first round nobody waits for one; later, labels ask for rounds, which rank new items as well
            asks = store.feeds.round_is_due(_quiet_since()) and store.rounds.request(mark("new items of a feed"))
            return bool(due) or asks
    except Timeout:
        return False


def add(project: Project, name: str, feed: FeedConfig) -> Project:
    """The project with another feed, which may be read.

    Raises: FeedError: there is one of this name. LabelerError: it may not be read, or its settings are wrong.
    """
    if name in project.config.feeds:
        raise FeedError("There is a feed {name} already: choose another name.", name=name)
    changed = replace(project.config, feeds=project.config.feeds | {name: feed})
    check(feed, project.folder.parent)
    return project.save(changed)


def remove(project: Project, name: str) -> Project:
    """The project without a feed. Its items stay. Raises: FeedError: there is none of this name."""
    require(project, name)
    feeds = {other: feed for other, feed in project.config.feeds.items() if other != name}
    return project.save(replace(project.config, feeds=feeds))


def pause(project: Project, name: str, paused: bool) -> Project:
    """The project whose feed is looked at no more, or again. Raises: FeedError: there is none of this name."""
    feed = require(project, name)
    feeds = project.config.feeds | {name: replace(feed, paused=paused)}
    return project.save(replace(project.config, feeds=feeds))


def require(project: Project, name: str) -> FeedConfig:
    """The feed of this name. Raises: FeedError: there is none."""
    if name not in project.config.feeds:
        raise FeedError("There is no feed {name} in this project.", name=name)
    return project.config.feeds[name]


def _quiet_since() -> str:
    return (datetime.now(UTC) - ROUND_EVERY).isoformat()


def _look(project: Project, store: Store, name: str) -> None:
    """Look at a feed. What goes wrong with it is its own trouble, and is tried again ever later."""
    feed, state = project.config.feeds[name], store.feeds.begin(name)
    at = time.time()
    folder = _empty(project.folder / UPLOADS / f"feed-{name}")  # on the project's own disk, since /tmp may be small
    look = Look(
        name,
        feed,
        project.config.modality,
        project.folder.parent,
        folder,
        state.cursor,
        lambda versions: store.feeds.unread(name, versions),
    )
    try:
        brought = look_at(look)
        added, refused = _imported(project, brought)
        store.feeds.has_read(name, brought.versions)
        cursor = state.cursor if brought.cursor is None else brought.cursor
        store.feeds.looked(name, cursor, added, refused, 0.0 if brought.is_more else at + feed.every * MINUTE)
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
    store.feeds.failed(name, problem, at + wait)


def _empty(folder: Path) -> Path:
    """The folder, without what a look has left in it that was cut off."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _imported(project: Project, brought: Brought) -> tuple[int, list[Problem]]:
    """The number of items that were added, and what was refused. A source that cannot be read keeps no other back."""
    added, refused = 0, [*brought.problems]
    for path, columns in brought.sources:
        try:
            report = import_source(project, path, columns, apart=True, asks_round=False)
        except (DatabaseError, ProjectError):
            raise
        except LabelerError as error:
            refused.append(Problem(path.name, Message.of(error)))
            continue
        added += report.added
        refused += report.problems
    return added, refused
