"""Signs of life and figures for programs that watch the server.

GET /healthz, /healthz/ready   200 where answers can be stored, else 503
GET /healthz/live              200 as long as the app answers at all
GET /metrics                   figures in Prometheus' text form, for who may see the server
"""

import os

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from labeler.access import api_tokens
from labeler.access.home import home
from labeler.access.roles import may
from labeler.access.settings import access_mode
from labeler.access.users import User, local_user
from labeler.api.account import user_of
from labeler.api.metrics import exposition
from labeler.core.errors import AccessError
from labeler.files.disk import room

NEEDED_BYTES = 16 * 10**6  # free, for some thousand answers with their write-ahead log
NEVER_KEPT = {"Cache-Control": "no-store"}


def is_ready() -> bool:
    """Whether answers can be stored: the home is there, can be written, has room, and says who may log in."""
    try:
        access_mode()
        return os.access(home(), os.W_OK | os.X_OK) and room(home()).free > NEEDED_BYTES
    except (AccessError, OSError):
        return False


async def ready(request: Request) -> Response:
    good = await run_in_threadpool(is_ready)
    return JSONResponse({"live": True, "ready": good}, 200 if good else 503, NEVER_KEPT)


async def live(request: Request) -> Response:
    return JSONResponse({"live": True}, headers=NEVER_KEPT)


async def metrics(request: Request) -> Response:
    def answer() -> Response:
        user = _who_asks(request)
        if user is None:
            headers = NEVER_KEPT | {"WWW-Authenticate": "Bearer"}
            return PlainTextResponse("An admin's API token is needed.", 401, headers)
        if not may(user, None, "see_server"):
            return PlainTextResponse("Only admins see this.", 403, NEVER_KEPT)
        headers = NEVER_KEPT | {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return Response(exposition(), headers=headers)

    return await run_in_threadpool(answer)


def _who_asks(request: Request) -> User | None:
    """Whose API token or session a request carries. Without accounts the server listens on this machine alone."""
    if access_mode() == "none":
        return local_user()
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return api_tokens.owner(secret)
    return user_of(request)


routes = [
    Route("/healthz", ready),
    Route("/healthz/ready", ready),
    Route("/healthz/live", live),
    Route("/metrics", metrics),
]
