"""What came of a feed of new items, as the store keeps it and pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labeler.core.items import Problem
from labeler.core.settings import FeedConfig

MINUTE = 60.0  # seconds
LONGEST_WAIT = 6 * 3600.0  # seconds to the next look after many that failed


@dataclass(frozen=True)
class FeedLook:
    """A look at a feed.

    ended_at: None: it is at work. step: what it does then, with `done` files, records or rows of `total` (0: not
    known), and the bytes that it has read. added: items that it has brought. refused: what it could not import.
    problem: why it failed.
    """

    id: int
    began_at: str
    ended_at: str | None = None
    step: str = ""
    done: int = 0
    total: int = 0
    bytes: int = 0
    added: int = 0
    refused: int = 0
    problem: str = ""


@dataclass(frozen=True)
class FeedState:
    """What came of a feed so far.

    cursor: the largest value that was read; None: none was. resume: how a feed of the web goes on from there. next_at:
    Unix time of the next look. looked_at: when it was looked at last with success. items: that it has brought in all,
    `latest` of them at `latest_at`. refused: what was not imported lately, the first ones. failures: looks in a row
    that failed, since `failing_since`, the last one because of `problem`. looking: the look that is at work.
    """

    name: str
    cursor: Any = None
    resume: Mapping[str, Any] = field(default_factory=dict)
    next_at: float = 0.0
    looked_at: str | None = None
    items: int = 0
    latest: int = 0
    latest_at: str | None = None
    refused: tuple[Problem, ...] = ()
    failures: int = 0
    failing_since: str | None = None
    problem: str = ""
    looking: FeedLook | None = None


@dataclass(frozen=True)
class Feed:
    """A feed of a project. is_due: whether it is to be looked at now, or is being looked at."""

    name: str
    settings: FeedConfig
    state: FeedState
    is_due: bool


@dataclass(frozen=True)
class Came:
    """What came of a look that succeeded. cursor, resume: from which the next one goes on."""

    cursor: Any = None
    resume: Mapping[str, Any] = field(default_factory=dict)
    added: int = 0
    refused: Sequence[Problem] = ()
