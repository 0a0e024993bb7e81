"""Calls on their way: over httpx, for code that waits for replies and for code that awaits them."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from labeler.client.calls import Call, Pause, Reply, Steps, persistent
from labeler.client.errors import UnreachableError
from labeler.client.wire import Received, request_of
from labeler.core.errors import LabelerError
from labeler.core.version import __version__

T = TypeVar("T")

API = "/api/v1"
TIMEOUT = 60.0  # seconds for each part of a reply
PATIENCE = 60.0  # seconds of pauses for a call that is sent again


def is_address(place: object) -> bool:
    """Whether this is the address of a server, and not a folder."""
    return isinstance(place, str) and urlsplit(place).scheme in ("http", "https")


class _Session:
    """What both kinds share: where calls go, and with what.

    Redirects are not followed: the token goes to no server but the one that was named.
    """

    def __init__(self, server: str | None, token: str | None, timeout: float, patience: float) -> None:
        self.server = (server or os.environ.get("LABELER_SERVER", "")).rstrip("/")
        if not is_address(self.server) or not urlsplit(self.server).hostname:
            raise LabelerError(
                "{server!r} is no address of a server: give one such as https://labels.example.org, or set"
                " LABELER_SERVER.",
                server=self.server,
            )
        token = token or os.environ.get("LABELER_TOKEN", "")
        headers = {"User-Agent": f"labeler/{__version__}", "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        self.patience = patience
        self._options: dict[str, Any] = {"base_url": self.server + API, "headers": headers, "timeout": timeout}

    def _lost(self, error: httpx.TransportError) -> UnreachableError:
        """What became of a call that could not be sent, or whose reply could not be read to its end."""
        reason = str(error) or type(error).__name__
        lost = UnreachableError("{server} does not answer: {reason}.", server=self.server, reason=reason)
        lost.may_pass = not isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
        return lost


class Session(_Session):
    """Sends calls and waits for the replies."""

    def __init__(
        self,
        server: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """
        Args:   server, token: by default those in LABELER_SERVER and LABELER_TOKEN. timeout: seconds for each part of a
                reply. patience: seconds of pauses for a call that is sent again. transport: see httpx.
        Raises: LabelerError: no server is given, or it is no address.
        """
        super().__init__(server, token, timeout, patience)
        self._client = httpx.Client(**self._options, transport=transport)

    def run(self, steps: Steps[T]) -> T:
        """What the steps give. Raises: LabelerError: the server refuses a call, or cannot be reached."""
        steps = persistent(steps, self.patience)
        resume: Callable[[Any], Call | Pause] = steps.send
        value: Any = None
        while True:
            try:
                step = resume(value)
            except StopIteration as end:
                return end.value
            try:
                resume, value = steps.send, self._done(step)
            except BaseException as error:  # the steps may have something to put in order
                resume, value = steps.throw, error

    def _done(self, step: Call | Pause) -> Reply | UnreachableError | None:
        if isinstance(step, Call):
            return self._outcome(step)
        time.sleep(step.seconds)
        return None

    def _outcome(self, call: Call) -> Reply | UnreachableError:
        try:
            with request_of(call) as request, self._client.stream(**request) as reply:
                with Received(call, reply.status_code, reply.headers) as received:
                    for part in reply.iter_bytes():
                        received.take(part)
                return received.reply()
        except httpx.TransportError as error:
            return self._lost(error)

    def close(self) -> None:
        """End all connections."""
        self._client.close()


class AsyncSession(_Session):
    """Sends calls and awaits the replies."""

    def __init__(
        self,
        server: str | None = None,
        token: str | None = None,
        *,
        timeout: float = TIMEOUT,
        patience: float = PATIENCE,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """As `Session`."""
        super().__init__(server, token, timeout, patience)
        self._client = httpx.AsyncClient(**self._options, transport=transport)

    async def run(self, steps: Steps[T]) -> T:
        """What the steps give. Raises: LabelerError: the server refuses a call, or cannot be reached."""
        steps = persistent(steps, self.patience)
        resume: Callable[[Any], Call | Pause] = steps.send
        value: Any = None
        while True:
            try:
                step = resume(value)
            except StopIteration as end:
                return end.value
            try:
                resume, value = steps.send, await self._done(step)
            except BaseException as error:
                resume, value = steps.throw, error

    async def _done(self, step: Call | Pause) -> Reply | UnreachableError | None:
        return await (asyncio.sleep(step.seconds) if isinstance(step, Pause) else self._outcome(step))

    async def _outcome(self, call: Call) -> Reply | UnreachableError:
        try:
            with request_of(call) as request:
                async with self._client.stream(**request) as reply:
                    with Received(call, reply.status_code, reply.headers) as received:
                        async for part in reply.aiter_bytes():
                            received.take(part)
                    return received.reply()
        except httpx.TransportError as error:
            return self._lost(error)

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()
