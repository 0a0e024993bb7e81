"""What the client asks of a server, apart from how it is sent: calls, replies, and when a call is sent again."""

import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

from labeler.client.errors import UnreachableError, refusal
from labeler.core.items import Progress

T = TypeVar("T")

AGAIN = {429, 502, 503, 504}  # the server, or a proxy before it, cannot answer now
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0  # seconds
POLL_SECONDS = 0.3  # between two questions about a job


@dataclass(frozen=True)
class Call:
    """A request of the API.

    path: below `/api/v1`. body: sent as JSON. form: fields of a form, sent in its place. upload: a file in the form.
    into: the file that the reply's content is written to, whole or not at all. key: the server makes a change once for
    each key, however often it is sent.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, Any] | None = None
    upload: Path | None = None
    into: Path | None = None
    on_progress: Progress | None = None  # called with bytes: (done, total), total 0 where it is not known
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the call adds."""
        return {} if self.method == "GET" else {"Idempotency-Key": self.key}

    @property
    def params(self) -> dict[str, Any]:
        """The query, without what is not given."""
        return _given(self.query)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the form, without what is not given."""
        return _given(self.form or {})


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Pause:
    """Nothing is asked for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Reply:
    """What the server answered. content: the parsed JSON, the bytes of anything else; where it went into a file, the
    headers.
    """

    status: int
    headers: Mapping[str, str]
    content: Any


# A verb of the client: it yields calls, each of which gives it the content of the reply, and pauses; it returns what
# the verb gives. Whoever runs it may wait for replies or await them.
Steps = Generator[Call | Pause, Any, T]


def persistent(steps: Steps[T], patience: float) -> Steps[T]:
    """The same steps, where a call is sent again as long as it may help.

    Args:   patience: seconds of pauses for one call, after which its last outcome is what it is.
    Raises: LabelerError: the server refuses a call, or cannot be reached.
    """
    resume: Callable[[Any], Call | Pause] = steps.send
    value: Any = None
    while True:
        try:
            step = resume(value)
        except StopIteration as end:
            return end.value
        try:
            value = (yield from _answered(step, patience)) if isinstance(step, Call) else (yield step)
            resume = steps.send
        except BaseException as error:  # the steps may have something to put in order
            resume, value = steps.throw, error


def _answered(call: Call, patience: float) -> Steps[Any]:
    """The content of the reply to a call."""
    waited, tries = 0.0, 0
    while True:
        outcome: Reply | UnreachableError = yield call
        if isinstance(outcome, Reply) and outcome.status < 300:
            return outcome.content
        pause = _pause_after(outcome, tries)
        if pause is None or waited + pause > patience:
            raise (
                outcome
                if isinstance(outcome, UnreachableError)
                else refusal(outcome.status, outcome.headers, outcome.content)
            )
        yield Pause(pause)
        waited, tries = waited + pause, tries + 1


def _pause_after(outcome: Reply | UnreachableError, tries: int) -> float | None:
    """Seconds until the call is sent again; None where that cannot help."""
    if isinstance(outcome, Reply):
        asked = _retry_after(outcome.headers)
        if asked is not None:
            return max(asked, FIRST_PAUSE)  # so that patience ends
        if outcome.status not in AGAIN:
            return None
    elif not outcome.may_pass:
        return None
    # halves of the time at random, so that many clients do not come back at the same moment
    return min(FIRST_PAUSE * 2.0**tries, LONGEST_PAUSE) * random.uniform(0.5, 1.0)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that the header Retry-After asks to wait for: a number, or a date."""
    value = headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return None
