"""Between a process of the desk and the app behind it: requests and WebSockets are passed on as they came.

Each carries a header with the secret of this `serve` and the addresses of its connection. The app takes them for its
own, so that all its walls judge the request as if the app had accepted the connection.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import httpcore
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from labeler.access.serving import LOOPBACK, BehindDesk, behind_desk
from labeler.i18n.messages import _, preferred, use

HEADER = b"x-labeler-relay"
# A browser waits for so long where the app does not listen: it is back some seconds after it was killed.
PATIENCE, BETWEEN = 15.0, 0.1
RETRY_SECONDS = 2
KEPT_SECONDS = 2.0  # of an idle connection: less than those after which uvicorn closes it
SAFE = ("GET", "HEAD", "OPTIONS")  # what may be asked twice
# Headers of one connection, not of what it carries; an answer gets a date and a server's name from this process.
OF_CONNECTION = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
OF_REQUEST, OF_ANSWER = OF_CONNECTION | {b"expect", HEADER}, OF_CONNECTION | {b"date", b"server"}

Headers = list[tuple[bytes, bytes]]
Address = Any  # a pair of host and port, or None


class Relayed:
    """An ASGI app that answers processes of the desk alone. It comes before all walls."""

    def __init__(self, app: ASGIApp, behind: BehindDesk) -> None:
        self.app, self.behind = app, behind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            facts = next((value for name, value in scope["headers"] if name == HEADER), b"")
            secret, _space, addresses = facts.partition(b" ")
            if not hmac.compare_digest(secret, self.behind.secret.encode()):
                await _refuse(scope, receive, send)
                return
            scope["client"], scope["server"] = (part and tuple(part) for part in json.loads(addresses))
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != HEADER]
        await self.app(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await PlainTextResponse("This port is used by labeler itself.", 403)(scope, receive, send)


def _facts(behind: BehindDesk, client: Address, server: Address) -> bytes:
    return f"{behind.secret} {json.dumps([client, server])}".encode()


class Relay:
    """An ASGI app that passes HTTP requests on to the app. It waits for an app that is being started."""

    def __init__(self, behind: BehindDesk) -> None:
        self.behind = behind
        self.pool = httpcore.AsyncConnectionPool(
            max_connections=None, max_keepalive_connections=50, keepalive_expiry=KEPT_SECONDS
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        headers = [(name, value) for name, value in scope["headers"] if name not in OF_REQUEST]
        headers.insert(0, (HEADER, _facts(self.behind, scope["client"], scope["server"])))
        request = httpcore.Request(
            scope["method"],
            httpcore.URL(scheme=b"http", host=LOOPBACK.encode(), port=self.behind.port, target=target),
            headers=headers,
            content=_body(receive) if _has_body(scope["headers"]) else None,
            extensions={"timeout": {"connect": PATIENCE}},
        )
        try:
            reply = await self._reply(request)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
            use(preferred(next((v.decode("latin-1") for n, v in headers if n == b"accept-language"), None)))
            sentence = _("The pages are being started again. Wait a moment, then load the page again.")
            answer = PlainTextResponse(sentence, 503, {"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"})
            await answer(scope, receive, send)
            return
        try:
            own = [(name.lower(), value) for name, value in reply.headers if name.lower() not in OF_ANSWER]
            await send({"type": "http.response.start", "status": reply.status, "headers": own})
            async for part in reply.aiter_stream():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await reply.aclose()

    async def _reply(self, request: httpcore.Request) -> httpcore.Response:
        """The app's reply. Raises: httpcore's errors, once it has not answered for long."""
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                return await self.pool.handle_async_request(request)
            except (
                httpcore.ConnectError,
                httpcore.ReadError,
                httpcore.WriteError,
                httpcore.RemoteProtocolError,
            ) as error:
                # where no connection was made, nothing of the request was sent
                may_repeat = isinstance(error, httpcore.ConnectError) or request.method.decode() in SAFE
                if not may_repeat or asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(BETWEEN)


def _has_body(headers: Headers) -> bool:
    return any(name == b"transfer-encoding" or (name == b"content-length" and value != b"0") for name, value in headers)


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise httpcore.ReadError("the browser has gone")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


class _Flow(asyncio.Protocol):
    """An end of a pipe: what arrives here leaves at the other end, no faster than that end takes it."""

    transport: asyncio.Transport
    other: "_Flow | None" = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.other:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.other:
            self.other.transport.close()


class WebSocketRelay(_Flow):
    """The protocol that uvicorn hands a connection to when a WebSocket is asked for on it.

    Bytes are passed on unread, from the request on, which gets one header more.
    """

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        behind = behind_desk()
        assert behind, "only processes before the app relay"
        self.behind, self.connections, self.tasks = behind, server_state.connections, server_state.tasks
        self.early = b""  # the request, and what comes before the app is there

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.connections.add(self)
        task = asyncio.get_running_loop().create_task(self._connect())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def data_received(self, data: bytes) -> None:
        if self.other:
            super().data_received(data)
        else:
            self.early += data

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while True:
            try:
                _transport, other = await loop.create_connection(_Flow, LOOPBACK, self.behind.port)
                break
            except OSError:
                if self.transport.is_closing() or loop.time() > end:
                    self.transport.close()
                    return
                await asyncio.sleep(BETWEEN)
        if self.transport.is_closing() or other.transport.is_closing():  # one of the two has gone meanwhile
            self.transport.close()
            other.transport.close()
            return
        addresses = [self.transport.get_extra_info(name) for name in ("peername", "sockname")]
        facts = _facts(self.behind, *(address[:2] for address in addresses))
        line, _end, rest = self.early.partition(b"\r\n")
        other.transport.write(b"\r\n".join((line, HEADER + b": " + facts, rest)))
        other.other, self.other = self, other

    def connection_lost(self, error: Exception | None) -> None:
        self.connections.discard(self)
        super().connection_lost(error)

    def shutdown(self) -> None:
        """End the connection, as uvicorn asks where the process ends: the browser comes again, to another one."""
        self.transport.close()
