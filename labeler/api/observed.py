"""Every request gets an id, a line in the log where that is JSON, and a place in the figures."""

import logging
import re
import uuid
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labeler.access.serving import base_path
from labeler.api.metrics import REQUESTS
from labeler.core.logs import logged_about

log = logging.getLogger("labeler.requests")

HEADER = "X-Request-Id"
GONE = 499  # the status, as nginx counts it, of a request whose sender has gone before it was read
# The verbs of the desk's routes; all else in an address names projects, items and files.
_DESK = re.compile(r"/api/[^/]+/(?P<verb>[a-z]+)(?P<tile>/.*/tile/)?")
# Those of the public API are counted by their resource, whichever project it is of.
_RESOURCES = (
    "me|status|settings|classes|items|next|answers|review|decisions|rounds|curve|evidence|comparisons|imports"
    "|predictions|predict|export|members|webhooks|webhook-messages|feeds|accounts|invitations|password-links|audit|backups"
    "|projects|docs"
)
_V1 = re.compile(rf"/api/v1(?:/projects/[^/]+(?=/))?(?:/(?P<resource>{_RESOURCES})(?![^/]))?")
_NAMED = ("/account", "/healthz", "/metrics", "/_stcore", "/static")


class Observed:
    """An ASGI app whose requests are counted, timed and logged. It comes before all else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number, began, status = uuid.uuid4().hex[:16], perf_counter(), 500

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ())]
                MutableHeaders(raw=message["headers"])[HEADER] = number
            await send(message)

        with logged_about(request=number):
            try:
                await self.app(scope, receive, numbered)
            except ClientDisconnect:  # no fault of the server's, and nobody is there to be answered
                status = GONE
            except Exception:
                log.exception("a request failed")
                raise
            finally:
                self._record(scope, status, perf_counter() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope["path"].removeprefix(base_path()))
        REQUESTS.labels(route, str(status)).observe(seconds)
        ids = {"method": scope["method"], "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        log.info("request", extra={"ids": ids})


def route_of(path: str) -> str:
    """What kind of address a path is: the verb of the desk's route, or the first part of others; never an id."""
    if v1 := _V1.match(path):
        return f"/api/v1/{v1['resource'] or 'other'}"
    if desk := _DESK.match(path):
        return f"/api/{desk['verb']}{'/tile' if desk['tile'] else ''}"
    return next((name for name in _NAMED if path == name or path.startswith(f"{name}/")), "page")
