"""Webhooks as people add them: an address, the events that it is told of, and a secret that is shown once."""

from collections.abc import Collection

from labeler.core.events import EVENTS, Event
from labeler.events.addresses import WebhookError, checked
from labeler.events.sending import new_secret
from labeler.i18n.messages import mark
from labeler.projects.project import Project

MEANINGS: dict[Event, str] = {
    "round.finished": mark("A round has finished."),
    "target.reached": mark("The accuracy has reached the target."),
    "labels.exported": mark("Somebody has taken the labels out."),
    "item.flagged": mark("Somebody has flagged an item."),
    "member.joined": mark("Somebody has opened the desk for the first time."),
}


def add_webhook(project: Project, url: str, events: Collection[Event]) -> tuple[int, str]:
    """The id of a new webhook, and the secret that its messages are signed with.

    Raises: WebhookError: it cannot have this address, or is told of nothing.
    """
    url = url.strip()
    checked(url)
    unknown = sorted(set(events) - set(EVENTS))
    if unknown or not events:
        raise WebhookError("A webhook is told of at least one of these events: {events}.", events=", ".join(EVENTS))
    secret = new_secret()
    with project.store() as store:
        return store.webhooks.add(url, events, secret), secret
