"""Who is told of events: GET, POST /projects/{p}/webhooks · DELETE /projects/{p}/webhooks/{number}, and what was sent:
GET /projects/{p}/webhook-messages · POST /projects/{p}/webhook-messages/{number}/send-again.
"""

from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import BaseModel, Field

from labeler.api.problems import address
from labeler.api.requests import LARGEST_ID
from labeler.api.v1.frame import Body, Cursor, Limit, Page, ProjectCall, in_project, page, place_of, resource
from labeler.api.v1.once import NO_STORE
from labeler.core.errors import MissingError
from labeler.core.events import EVENTS, Delivery, Event, Webhook
from labeler.events.addresses import LONGEST, shown
from labeler.events.webhooks import add_webhook
from labeler.i18n.messages import translate

router = resource("Webhooks")

WEBHOOKS, MESSAGES = "/projects/{p}/webhooks", "/projects/{p}/webhook-messages"
Number = Annotated[int, Path(ge=0, le=LARGEST_ID, description="Of a webhook.")]
MessageNumber = Annotated[int, Path(ge=0, le=LARGEST_ID, description="Of a message.")]


class WebhookFacts(BaseModel):
    id: int
    url: str = Field(description="Without its path, which is a secret with many receivers.")
    events: list[Event]
    added_by: str
    added_at: str


class NewWebhook(Body):
    url: str = Field(min_length=1, max_length=LONGEST, examples=["https://example.org/labeler"])
    events: list[Event] = Field(default=[*EVENTS], min_length=1, description="That it is told of; all by default.")


class AddedWebhook(BaseModel):
    id: int
    secret: str = Field(description="That messages are signed with; it is not shown again.")


class MessageFacts(BaseModel):
    """An event for one webhook. problem: what came of the last attempt; null: it was received, or there was none."""

    id: int
    uid: str = Field(description="The `webhook-id` of each attempt.")
    webhook: int
    url: str = Field(description="Without its path.")
    event: Event
    data: dict[str, Any]
    at: str
    attempts: int
    next_at: float | None = Field(description="Unix time of the next attempt; null: there is none.")
    delivered_at: str | None
    problem: str | None


@router.get(WEBHOOKS, summary="The webhooks")
def all_webhooks(
    call: Annotated[ProjectCall, in_project("read", "change_settings")], limit: Limit = 50, cursor: Cursor = None
) -> Page[WebhookFacts]:
    """The first one first, without their secrets."""
    after = place_of(cursor) or 0
    with call.project.store() as store:
        webhooks = [webhook for webhook in store.webhooks.all() if webhook.id > after]
    return page([_facts(webhook) for webhook in webhooks], limit, lambda facts: facts.id)


@router.post(WEBHOOKS, status_code=201, summary="Add a webhook")
def make_webhook(
    call: Annotated[ProjectCall, in_project("manage", "change_settings")], response: Response, new: NewWebhook
) -> AddedWebhook:
    """It is told of what happens from now on. docs/events.md says what it gets, and which addresses may be used."""
    number, secret = add_webhook(call.project, new.url, new.events)
    response.headers["Cache-Control"] = NO_STORE
    response.headers["Location"] = address(f"/projects/{call.project.uid}/webhooks/{number}")
    return AddedWebhook(id=number, secret=secret)


@router.delete(WEBHOOKS + "/{number}", status_code=204, summary="Remove a webhook")
def remove_webhook(call: Annotated[ProjectCall, in_project("manage", "change_settings")], number: Number) -> None:
    """It is told of nothing more, also not of what has happened."""
    with call.project.store() as store:
        if not store.webhooks.remove(number):
            raise MissingError("There is no webhook {number}.", number=number)


@router.get(MESSAGES, summary="What was sent to webhooks")
def all_messages(
    call: Annotated[ProjectCall, in_project("read", "change_settings")], limit: Limit = 50, cursor: Cursor = None
) -> Page[MessageFacts]:
    """The latest first, with what came of each."""
    with call.project.store() as store:
        messages = store.webhooks.deliveries(limit + 1, before=place_of(cursor))
    return page([_message(message) for message in messages], limit, lambda facts: facts.id)


@router.post(MESSAGES + "/{number}/send-again", status_code=202, summary="Send a message again")
def send_message_again(
    call: Annotated[ProjectCall, in_project("manage", "change_settings")], number: MessageNumber
) -> None:
    """The worker sends it within seconds, with the same `webhook-id`."""
    with call.project.store() as store:
        if not store.webhooks.send_again(number):
            raise MissingError("There is no message {number}, or its webhook was removed.", number=number)


def _facts(webhook: Webhook) -> WebhookFacts:
    return WebhookFacts(
        id=webhook.id,
        url=shown(webhook.url),
        events=[*webhook.events],
        added_by=webhook.added_by,
        added_at=webhook.added_at,
    )


def _message(message: Delivery) -> MessageFacts:
    return MessageFacts(
        id=message.id,
        uid=message.uid,
        webhook=message.webhook,
        url=shown(message.url),
        event=message.event,
        data=message.data,
        at=message.at,
        attempts=message.attempts,
        next_at=message.next_at,
        delivered_at=message.delivered_at,
        problem=translate(message.problem) or None,
    )
