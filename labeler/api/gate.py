"""The gate before Streamlit: in a home with passwords, nothing but the pages of accounts is there for a stranger.

Pages and routes ask for rights themselves (`labeler.access.roles.may`). The gate is a second wall: without a session
no page is drawn and no WebSocket opens.
"""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from labeler.access import accounts
from labeler.access.settings import AccessSettings, access_settings
from labeler.api.account import COOKIE, notice
from labeler.api.problems import ProblemResponse, is_of_v1
from labeler.core.errors import AccessError, DatabaseError, LabelerError
from labeler.i18n.messages import _, preferred, translate, use

# What is the same for everybody: the pages of accounts, the app's own scripts and fonts, the signs of life that a
# supervisor asks for. Routes of the desk and of the metrics check their token.
OPEN = ("/account", "/static/", "/_stcore/health", "/_stcore/host-config", "/favicon", "/api/", "/healthz", "/metrics")


class ProxyIdentity:
    """An ASGI app that takes the header of identities away from whoever is not the proxy, so that nobody forges it.

    It comes before all that gives a request another address than that which it was sent from.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            client = scope.get("client")
            try:
                settings = access_settings()
            except AccessError:  # the gate refuses the request
                settings = AccessSettings()
            if settings.mode != "proxy" or not client or client[0] not in settings.proxy.peers:
                name = settings.proxy.header.lower().encode("latin-1")
                scope["headers"] = [(key, value) for key, value in scope["headers"] if key.lower() != name]
        await self.app(scope, receive, send)


class Gate:
    """An ASGI app that lets in whom the home's settings let in."""

    def __init__(self, app: ASGIApp, base_path: str = "") -> None:
        self.app, self.base_path = app, base_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(self.base_path)
        try:
            is_closed = access_settings().mode == "local" and not path.startswith(OPEN)
            is_stranger = is_closed and not await run_in_threadpool(_is_known, scope)
        except (AccessError, DatabaseError) as error:  # wrong settings and damaged accounts let nobody in
            await _refuse(scope, receive, send, _unavailable(scope, error))
            return
        if is_stranger:
            await _refuse(scope, receive, send, self._answer(scope, path))
            return
        await self.app(scope, receive, send)

    def _answer(self, scope: Scope, path: str) -> Response:
        """The way to log in for a browser that opens a page, an error for all else."""
        if _is_visit(scope):
            query = scope["query_string"].decode("latin-1")
            onward = quote(path + (f"?{query}" if query else ""), safe="")
            headers = {"Cache-Control": "no-store"}
            return RedirectResponse(f"{self.base_path}/account/login?next={onward}", 303, headers=headers)
        return PlainTextResponse("Log in first.", 401, headers={"Cache-Control": "no-store"})


def _is_visit(scope: Scope) -> bool:
    """Whether a browser opens a page."""
    is_get = scope["type"] == "http" and scope["method"] == "GET"
    return is_get and "text/html" in Headers(scope=scope).get("accept", "")


def _unavailable(scope: Scope, error: LabelerError) -> Response:
    """That the home's settings are wrong or its accounts damaged, in the form that who asks reads."""
    use(preferred(Headers(scope=scope).get("accept-language")))
    if is_of_v1(scope["path"]):
        return ProblemResponse(503, translate(error))
    if _is_visit(scope):
        return notice(_("Nobody can log in now"), translate(error), 503)
    return PlainTextResponse(translate(error), 503)


def _is_known(scope: Scope) -> bool:
    try:
        cookie = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(COOKIE)
    except CookieError:
        return False
    return cookie is not None and accounts.user_of_secret(cookie.value) is not None


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await response(scope, receive, send)
