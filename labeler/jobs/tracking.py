"""Rounds, written to trackers of experiments in a process of its own: what a tracker missed, it gets later."""

import logging
import time

from filelock import Timeout

from labeler.core.events import Tracker
from labeler.events.run_facts import facts_of
from labeler.events.trackers import TrackerError, track
from labeler.i18n.messages import Message
from labeler.projects.project import Project
from labeler.store import Store

log = logging.getLogger(__name__)

LOCK = "tracking.lock"
PAUSE = 60.0  # seconds before a tracker that took no round is tried again


def is_due(store: Store) -> bool:
    """Whether a tracker that the settings name lacks a round."""
    trackers = store.config.tracking.to
    return bool(trackers) and bool(store.tracked.is_due(trackers, time.time()))


def track_once(project: Project) -> bool:
    """Write the rounds that the project's trackers lack, unless another process is at it; True if one lacked any."""
    try:
        with project.lock(LOCK), project.store() as store:
            due = store.tracked.is_due(project.config.tracking.to, time.time())
            for tracker in due:
                _track(project, store, tracker)
            return bool(due)
    except Timeout:
        return False


def _track(project: Project, store: Store, tracker: Tracker) -> None:
    latest = store.tracked.latest(tracker)
    for finished in store.rounds.all():
        if finished.number <= latest:
            continue
        try:
            track(tracker, facts_of(project, finished))
        except TrackerError as error:
            log.warning("%s: %s", project.slug, error)
            store.tracked.failed(tracker, Message.of(error), time.time() + PAUSE)
            return
        store.tracked.has(tracker, finished.number)
