"""What must hold after a fault: each acknowledged answer once, no item with two people, no round lost or doubled."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bench.soak.home import Home
from labeler.projects.project import Project

# Nobody leaves, and no reservation ends: an item that was offered to two people was given out twice.
SHOWN_TO_TWO = "SELECT COUNT(*) FROM (SELECT 1 FROM offers GROUP BY item_id HAVING COUNT(*) > 1)"
ROUNDS_FAILED = "SELECT COUNT(*) FROM jobs WHERE state = 'failed'"
ROUNDS_WRONG = """
    SELECT (SELECT COUNT(*) - COUNT(DISTINCT job_id) FROM rounds)
         + (SELECT COUNT(*) FROM jobs WHERE (state = 'done') <> (id IN (SELECT job_id FROM rounds)))
"""


class Labeled(Protocol):
    """A home whose project is labeled."""

    project: Project


class Told(Protocol):
    """What an annotator was told: which answers are saved (item and label by request id), which were refused."""

    acknowledged: dict[str, tuple[int, str]]
    outbox: list[dict[str, Any]]
    refused: list[str]


@dataclass(frozen=True)
class Verdict:
    """Figures since the home was made. unsent: answers that no server took in time, which the browser still has."""

    acknowledged: int
    lost: int
    doubled: int
    shown_to_two: int
    unsent: int
    refused: int
    rounds: int
    rounds_failed: int
    rounds_wrong: int

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.shown_to_two or self.unsent or self.refused or self.rounds_wrong)


def verdict(home: Labeled, annotators: Sequence[Told]) -> Verdict:
    """What the database says beside what the annotators were told."""
    with home.project.store() as store, store.read():
        rows = store.db.rows("SELECT request_id, annotator, item_id, label FROM annotations")
        rounds = [r.number for r in store.rounds.all()]
        failed, wrong = store.db.value(ROUNDS_FAILED), store.db.value(ROUNDS_WRONG)
        shown_to_two = store.db.value(SHOWN_TO_TWO)
    stored = {row["request_id"]: (row["item_id"], row["label"]) for row in rows}
    told = {number: answer for a in annotators for number, answer in a.acknowledged.items()}
    unsent = {answer["request_id"] for a in annotators for answer in a.outbox}
    of_whom = Counter((row["annotator"], row["item_id"]) for row in rows)
    return Verdict(
        acknowledged=len(told),
        lost=sum(stored.get(number) != answer for number, answer in told.items()),
        doubled=sum(n - 1 for n in of_whom.values()) + len(stored.keys() - told.keys() - unsent),
        shown_to_two=shown_to_two,
        unsent=len(unsent),
        refused=sum(len(a.refused) for a in annotators),
        rounds=len(rounds),
        rounds_failed=failed,
        rounds_wrong=wrong + (rounds != list(range(1, len(rounds) + 1))),
    )


def recovers(home: Home, seconds: float) -> bool:
    """Whether a round that is asked for now, when nothing is hurt any more, is done in time."""
    if not settle(home, seconds):
        return False
    with home.project.store() as store:
        before = store.rounds.next_number()
        store.rounds.request("after a fault")
    if not settle(home, seconds):
        return False
    with home.project.store() as store:
        return store.rounds.next_number() > before


def settle(home: Home, seconds: float) -> bool:
    """Wait until no round is left to be run; whether that happened in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with home.project.store() as store:
            if not store.rounds.waiting():
                return True
        time.sleep(0.3)
    return False
