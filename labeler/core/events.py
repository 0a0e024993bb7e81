"""What a project tells other programs of: the names of the events, who is told, and each telling."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

Event = Literal["round.finished", "target.reached", "labels.exported", "item.flagged", "member.joined"]
EVENTS: tuple[Event, ...] = get_args(Event)
Tracker = Literal["mlflow", "wandb", "tensorboard"]


@dataclass(frozen=True)
class Webhook:
    """An address that is told of some events. secret: that bodies are signed with; "" where it is not shown."""

    id: int
    url: str
    events: tuple[Event, ...]
    secret: str
    added_by: str
    added_at: str


@dataclass(frozen=True)
class Delivery:
    """An event for one webhook.

    uid: stays the same in each attempt, so that a receiver knows what it has. data: what happened. next_at: Unix time
    of the next attempt; None: there is none. problem: what came of the last attempt, "" if it was received or there was
    none.
    """

    id: int
    uid: str
    webhook: int
    url: str
    event: Event
    data: dict[str, Any]
    at: str
    attempts: int
    next_at: float | None
    delivered_at: str | None
    problem: str
