"""Messages to webhooks, sent in a process of their own: a receiver that does not answer holds up no round."""

import logging
import time

from filelock import Timeout

from labeler.core.errors import LabelerError
from labeler.events.addresses import shown
from labeler.events.sending import body, send
from labeler.i18n.messages import Message
from labeler.projects.project import Project
from labeler.store import Store

log = logging.getLogger(__name__)

LOCK = "webhooks.lock"


def is_due(store: Store) -> bool:
    """Whether a message is to be sent now."""
    return store.webhooks.is_due(time.time())


def deliver_once(project: Project) -> bool:
    """Send what is due, unless another process is at it; True if something was sent or tried."""
    try:
        with project.lock(LOCK), project.store() as store:
            tried = False
            while (due := store.webhooks.due(time.time())) is not None:
                tried = True
                delivery, secret = due
                problem: Message | str = ""
                at = time.time()
                try:
                    send(delivery, secret, body(delivery, store.uid(), project.config.name), int(at))
                except LabelerError as error:
                    problem = Message.of(error)
                    log.warning(
                        "%s: %s is not told of %s: %s", project.slug, shown(delivery.url), delivery.event, error
                    )
                store.webhooks.record(delivery, problem, at)
            return tried
    except Timeout:
        return False
