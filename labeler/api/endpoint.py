"""The frame of all routes: it finds user and project, checks the right, parses the body, and answers errors."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labeler.access.home import home
from labeler.access.roles import Action, check, is_member
from labeler.access.settings import access_mode
from labeler.access.tokens import TOKEN_LIVES, Token, check_token
from labeler.access.users import User
from labeler.api.problems import RETRY_SECONDS, cannot_store, status_of
from labeler.api.requests import LARGEST_ID, Nothing, parse
from labeler.core.actor import Actor
from labeler.core.errors import ForbiddenError, LabelerError
from labeler.files import renditions
from labeler.i18n.messages import preferred, translate, use
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store.driver import sqlite3

# A handler returns the response, or a function that draws it once a thread for drawing is free.
Drawing = Callable[[], Response]


@dataclass(frozen=True)
class Later:
    """A reply once something has come from elsewhere, which may take long and keeps no thread from others."""

    awaited: "Future[None]"
    reply: Callable[[], Response | Drawing]


Handler = Callable[[Request, Project, User, Any], Response | Drawing | Later]  # Any: the body that the route takes


def token_of(request: Request, lives: timedelta = TOKEN_LIVES) -> Token:
    """What the token of a request says. Raises: AccessError."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return check_token(token if kind.lower() == "bearer" else "", request.path_params["project"], lives)


def route(
    path: str, method: str, action: Action | None, takes: type = Nothing, lives: timedelta = TOKEN_LIVES
) -> Callable[[Handler], Route]:
    """A route that checks the token, opens the project, asks whether the user may, parses the body, and answers errors
    with a sentence.

    Args: action: that the user must be allowed; None: the handler asks itself, and finds the token in `request.state`.
          takes: the type of the body, from `labeler.api.requests`. lives: how old the token may be.
    """

    def decorate(handler: Handler) -> Route:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            use(preferred(request.headers.get("accept-language")))

            def answer(body: bytes) -> Response | Drawing | Later:
                token: Token = request.state.token
                actor = Actor(token.user.name, "desk", request.client.host if request.client else "")
                project = projects.serve_project(home(), request.path_params["project"], actor)
                if not is_member(token.user, project):
                    raise projects.gone()
                if token.scope == "read" and method != "GET":
                    raise ForbiddenError("This API token only reads.")
                if request.path_params.get("item_id", 0) > LARGEST_ID:  # which SQLite cannot be asked about
                    raise LabelerError("The item is not in this project.")
                if action is not None:
                    if token.item is not None:  # that of a viewer
                        raise ForbiddenError("This page shows one item only: open the project's Label page.")
                    check(token.user, project, action)
                return handler(request, project, token.user, parse(takes, body))

            try:
                # Before the body, which is not read of a stranger. Without accounts, nothing is looked up for it.
                if access_mode() == "none":
                    request.state.token = token_of(request, lives)
                else:
                    request.state.token = await run_in_threadpool(token_of, request, lives)
                body = await request.body() if method == "POST" else b""
                return await settled(await run_in_threadpool(answer, body))
            except LabelerError as error:
                return _refuse(status_of(error, otherwise=404), translate(error))
            except (sqlite3.OperationalError, OSError) as error:  # disk full, database locked: trying again may help
                return _refuse(503, cannot_store(error))

        return Route(f"/api/{{project}}/{path}", endpoint, methods=[method])

    return decorate


async def settled(reply: Response | Drawing | Later) -> Response:
    """The response itself, once what it waits for is here and a thread for drawing has drawn it."""
    if isinstance(reply, Later):
        await asyncio.shield(asyncio.wrap_future(reply.awaited))  # others may wait for it too
        reply = await run_in_threadpool(reply.reply)
    if isinstance(reply, Response):
        return reply
    return await asyncio.get_running_loop().run_in_executor(renditions.THREADS, reply)


def _refuse(status: int, reason: str) -> Response:
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else None
    return JSONResponse({"error": reason}, status, headers)
