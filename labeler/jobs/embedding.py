"""Embedding what a round left out: a round ranks what it can embed in its time, and this goes on beside the rounds.

A round is asked for as often as the items that a ranking may choose from have doubled, and once all are there.
"""

import logging
import time

from filelock import Timeout

from labeler.core.errors import EngineError, ImageError
from labeler.core.rounds import Round
from labeler.cycle.embedding import Missing
from labeler.cycle.snapshot import encoder_of
from labeler.engine.engines import engine_of, working_on
from labeler.i18n.messages import mark
from labeler.jobs.runner import FOR_ENGINE
from labeler.projects.project import Project
from labeler.projects.unreadable import set_aside
from labeler.store import Store

log = logging.getLogger(__name__)

LOCK = "embedding.lock"
BREATH = 0.05  # seconds in which a round may take the features' lock
WORTH = 4  # times what it took to find what is missing, for which embedding goes on beside a round


def is_left_out(store: Store) -> bool:
    """Whether the latest round left items out, and no round waits."""
    latest = store.rounds.latest()
    return latest is not None and latest.left_out > 0


def embed_once(project: Project) -> bool:
    """Embed the items that the latest round left out, unless another process is at it; True if it did.

    It ends where a round is due, which then has the processor, but not before `_share` has passed: where people answer
    fast, a round is always due.
    """
    try:
        with project.lock(LOCK), project.store() as store, working_on(engine_of(project.config.engine)):
            return is_left_out(store) and _embed(project, store)
    except Timeout:
        return False
    except EngineError as error:  # the round tells people of it
        log.warning("%s: embedding waits: %s", project.slug, error)
        time.sleep(FOR_ENGINE)
        return False


def _embed(project: Project, store: Store) -> bool:
    began, latest = time.monotonic(), store.rounds.latest()
    assert latest is not None
    items, labels = store.items.columns(), store.items.labels()
    encoder = encoder_of(project, items)
    missing = Missing.of(project, encoder, items, items.is_among(labels))
    enough = 2 * max(1, len(items) - latest.left_out)
    share_ends = time.monotonic() + _share(time.monotonic() - began, latest)
    log.info("%s: %d of %d items are not embedded yet", project.slug, len(missing), len(items))
    while len(missing) and len(items) - len(missing) < enough:
        if time.monotonic() >= share_ends and store.rounds.waiting():
            return True
        try:
            missing.embed_part()
        except ImageError:
            if not set_aside(project, store):
                raise
            return True  # it begins anew without them
        time.sleep(BREATH)
    if not store.rounds.waiting():
        store.rounds.request(mark("more items are embedded"))
    return True


def _share(preparation: float, latest: Round) -> float:
    """The seconds for which embedding goes on although a round is due.

    It is worth its preparation, which takes minutes in a large pool, and it has as much of the machine as rounds have:
    these take the longer, the more labels there are.
    """
    return max(WORTH * preparation, latest.train_seconds + latest.query_seconds)
