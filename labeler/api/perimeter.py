"""The perimeter: what every request passes before Streamlit or a route sees it, and every answer on its way out.

It asks, in this order: has the address asked too often (429), does the server answer under this name (421), does the
request come from one of its own pages (403), is the body small enough (413). Only then is a body read.
"""

import re
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from labeler.access.serving import ON_THIS_MACHINE, Serving, serving
from labeler.api.headers import add_headers, content_security_policy, secure_cookies
from labeler.api.problems import V1, ProblemResponse, is_of_v1
from labeler.api.rates import Buckets, Rate
from labeler.api.requests import MOST_BYTES, MOST_ROWS_BYTES, MOST_UPLOADED
from labeler.i18n.messages import _, preferred, use

# A hundred annotators may share one address, and each asks about ten times a second while a large image is loaded.
USUAL = Rate(at_once=5_000, a_second=1_000)
# Guessing passwords is slow, and a team that logs in at nine o'clock is not kept waiting for long.
LOG_IN = Rate(at_once=30, a_second=1)

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:(?P<port>\d{1,5}))?")
_UPLOADS = re.compile(r"/api/v1/projects/[^/]+/(imports|predict|comparisons)")
_FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"forwarded")


class RefusalError(Exception):
    """A request is not let in: why, and after how many seconds it may come again."""

    def __init__(self, status: int, sentence: str, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.retry_after = status, sentence, retry_after


class Perimeter:
    """The app behind the perimeter.

    Args: app: that is protected. scripts: that stand within its pages. rules: how it is reached; as `labeler serve`
          says if not given.
    """

    def __init__(self, app: ASGIApp, scripts: Iterable[str] = (), rules: Serving | None = None) -> None:
        self.app, self.rules = app, rules or serving()
        self.policy = content_security_policy(scripts, self.rules.embedded_in)
        self.usual, self.log_in = Buckets(USUAL), Buckets(LOG_IN)
        self.behind_proxies = ProxyHeadersMiddleware(self._checked, list(self.rules.proxies))  # type: ignore[arg-type]
        self.trusts = self.behind_proxies.trusted_hosts.__contains__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        peer = scope["client"][0] if scope.get("client") else None
        scope["headers"] = _as_forwarded(scope["headers"]) if self.trusts(peer) else _not_forwarded(scope["headers"])
        await self.behind_proxies(scope, receive, send)  # type: ignore[arg-type]

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer why not."""
        answer = _Answer(send, self.policy, self._is_of_accounts(scope), is_encrypted=_is_encrypted(scope))
        use(preferred(Headers(scope=scope).get("accept-language")))
        try:
            self._check_rate(scope)
            check_host(scope, self.rules)
            check_origin(scope, self.rules)
            await self.app(scope, self._limited(scope, receive), answer.send)
        except RefusalError as refusal:
            if answer.has_begun:
                raise
            await _refuse(refusal, scope, receive, answer.send)
        except Exception:
            if not answer.has_begun and scope["type"] == "http":
                sentence = _("The server met an error that it did not expect; its log says which.")
                await _refuse(RefusalError(500, sentence), scope, receive, answer.send)
            raise

    def _check_rate(self, scope: Scope) -> None:
        address = scope["client"][0] if scope.get("client") else ""
        wait = self.usual.seconds_to_wait(address)
        if not wait and scope.get("method") == "POST" and self._is_of_accounts(scope):
            wait = self.log_in.seconds_to_wait(address)
        if wait:
            raise RefusalError(429, _("Too many requests came from your address. Wait a moment, then try again."), wait)

    def _is_of_accounts(self, scope: Scope) -> bool:
        return bool(scope["path"].startswith(f"{self.rules.base_path}/account/"))

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """`receive`, for a body that is not too large; Streamlit checks uploads itself: its session, then the size."""
        is_upload = scope["path"].startswith(f"{self.rules.base_path}/_stcore/upload_file/")
        if scope["type"] != "http" or is_upload:
            return receive
        headers, most = Headers(scope=scope), self._most_bytes(scope)
        if "transfer-encoding" not in headers:
            length = headers.get("content-length", "0")
            if not length.isdecimal() or int(length) > most:
                raise _too_large(most)
            return receive
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise _too_large(most)
            return message

        return counted

    def _most_bytes(self, scope: Scope) -> int:
        """How large a request may be: files that a form brings are written to disk while they come, rows are not."""
        if scope["method"] != "POST" or not _UPLOADS.fullmatch(scope["path"].removeprefix(self.rules.base_path)):
            return MOST_BYTES
        is_form = Headers(scope=scope).get("content-type", "").startswith("multipart/")
        return MOST_UPLOADED if is_form else MOST_ROWS_BYTES


def _too_large(most: int) -> RefusalError:
    return RefusalError(413, _("The request is larger than {n} MB: send less at once.", n=most // 1_000_000))


# ---------------------------------------------------------------- who is asked, and from where


def check_host(scope: Scope, rules: Serving) -> None:
    """Raises: RefusalError: the request is for another name than the server's, as DNS rebinding makes it."""
    hosts = _values(scope, b"host")
    host = _HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
    own_port = str(scope["server"][1]) if scope.get("server") else ""
    if host and host["name"] in LOOPBACK_NAMES and (host["port"] or "80") == own_port:
        return
    for name in rules.host_names:
        named = _HOST.fullmatch(name)
        assert named, "`labeler serve` checks the names"
        ports = (named["port"],) if named["port"] else (None, "80", "443", own_port)
        if host and host["name"] == named["name"] and host["port"] in ports:
            return
    asked = ", ".join(hosts)[:100]
    raise RefusalError(
        421, _("The server does not answer under the name “{host}”: labeler serve --host-name allows it.", host=asked)
    )


def check_origin(scope: Scope, rules: Serving = ON_THIS_MACHINE) -> None:
    """Raises: RefusalError: a page of another server sends the request.

    Named pages may ask the public API, which no cookie opens.

    An origin must be that of the request's host, to the letter. Streamlit asks the same, and where it is not so, an
    address service of another company for its own address: no such request reaches it.
    """
    origins = _values(scope, b"origin")
    schemes = ("https",) if _is_encrypted(scope) else ("http", "https")  # a proxy may end TLS
    own = {f"{scheme}://{host}" for scheme in schemes for host in _values(scope, b"host")}
    if rules.front_ends and scope["path"].startswith(f"{rules.base_path}{V1}/"):
        own.update(rules.front_ends)
    if len(origins) > 1 or not own.issuperset(origins):
        raise RefusalError(403, _("The request comes from a page of another server."))


def _is_encrypted(scope: Scope) -> bool:
    """Whether the browser's connection has TLS, as the server or a named proxy knows it."""
    return scope["scheme"] in ("https", "wss")


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _as_forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers with the host that the last proxy was asked for."""
    headers = list(headers)
    forwarded = [value for name, value in headers if name == b"x-forwarded-host"]
    if not forwarded:
        return headers
    return [*((n, v) for n, v in headers if n != b"host"), (b"host", forwarded[-1].rpartition(b",")[2].strip())]


def _not_forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers without what only a proxy may say."""
    return [(name, value) for name, value in headers if name not in _FORWARDED]


def below(path: str, routes: Iterable[Route | Mount]) -> list[Route | Mount]:
    """The routes with their addresses below a path. A mount of all would answer for Streamlit's addresses, too."""
    return [
        type(route)(path + route.path, route.app)
        if isinstance(route, Mount)
        else Route(path + route.path, route.endpoint, methods=[*(route.methods or ())])
        for route in routes
    ]


# ---------------------------------------------------------------- answers


class _Answer:
    """An answer on its way out; it gets its headers."""

    def __init__(self, send: Send, policy: str, has_forms: bool, is_encrypted: bool) -> None:
        self._send, self._policy, self._has_forms, self._is_encrypted = send, policy, has_forms, is_encrypted
        self.has_begun = False

    async def send(self, message: Message) -> None:
        self.has_begun = True
        if message["type"].endswith("http.response.start"):  # of a WebSocket that is refused, too
            message["headers"] = [*message.get("headers", ())]
            headers = MutableHeaders(raw=message["headers"])
            add_headers(headers, self._policy, self._has_forms)
            if self._is_encrypted:
                secure_cookies(headers)
        await self._send(message)


async def _refuse(refusal: RefusalError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the sentence: as text for a person, as JSON for a program."""
    headers = {"Connection": "close", "Cache-Control": "no-store"}  # what is left of a body is not read
    if refusal.retry_after:
        headers["Retry-After"] = str(max(1, round(refusal.retry_after)))
    is_read_by_person = "text/html" in Headers(scope=scope).get("accept", "")
    reply: Response
    if is_read_by_person:
        reply = PlainTextResponse(refusal.sentence, refusal.status, headers)
    elif is_of_v1(scope["path"]):
        reply = ProblemResponse(refusal.status, refusal.sentence, headers)
    else:
        reply = JSONResponse({"error": refusal.sentence}, refusal.status, headers)
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        await reply(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
