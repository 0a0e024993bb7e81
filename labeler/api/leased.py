"""Nothing is acknowledged while the home's lease does not hold: another server may be storing its answers by then."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labeler.access.home import home
from labeler.api.problems import RETRY_SECONDS, ProblemResponse, is_of_v1
from labeler.core import lease
from labeler.i18n.messages import _, preferred, use

READS = ("GET", "HEAD", "OPTIONS")


class Leased:
    """An ASGI app whose requests that store something are answered only while the lease holds.

    It is asked for again just before the answer leaves: the machine may have slept meanwhile.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READS:
            await self.app(scope, receive, send)
            return
        if not lease.holds(home()):
            await _refusal(scope)(scope, receive, send)
            return
        refused = False

        async def checked(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and not lease.holds(home()):
                refused = True
                await _refusal(scope)(scope, receive, send)
            if not refused:
                await send(message)

        await self.app(scope, receive, checked)


def _refusal(scope: Scope) -> Response:
    use(preferred(Headers(scope=scope).get("accept-language")))
    sentence = _("This server does not reach its standby and stores nothing until it does. Your answers are kept here.")
    headers = {"Retry-After": str(RETRY_SECONDS)}
    if is_of_v1(scope["path"]):
        return ProblemResponse(503, sentence, headers)
    return JSONResponse({"error": sentence}, 503, headers)
