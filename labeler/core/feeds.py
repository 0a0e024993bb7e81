"""What came of a feed of new items, as the store keeps it and pages show it."""

from dataclasses import dataclass
from typing import Any

from labeler.core.items import Problem

MINUTE = 60.0  # seconds
LONGEST_WAIT = 6 * 3600.0  # seconds to the next look after many that failed


@dataclass(frozen=True)
class FeedState:
    """What came of a feed so far.

    cursor: the largest value that was read; None: none was. next_at: Unix time of the next look. looked_at: when it was
    looked at last with success. items: that it has brought in all, `latest` of them at `latest_at`. refused: what was
    not imported lately, the first ones. failures: looks in a row that failed, since `failing_since`, the last one
    because of `problem`.
    """

    name: str
    cursor: Any = None
    next_at: float = 0.0
    looked_at: str | None = None
    items: int = 0
    latest: int = 0
    latest_at: str | None = None
    refused: tuple[Problem, ...] = ()
    failures: int = 0
    failing_since: str | None = None
    problem: str = ""
