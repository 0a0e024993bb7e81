"""The frame of all routes: it finds user and project, parses the body, and answers errors."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from labeler.access.home import home
from labeler.access.tokens import check_token
from labeler.access.users import User
from labeler.api.requests import Nothing, RequestError, parse
from labeler.core.actor import Actor
from labeler.core.errors import AccessError, LabelerError
from labeler.files import renditions
from labeler.i18n.messages import _, preferred, translate, use
from labeler.projects import project as projects
from labeler.projects.project import Project

# A handler returns the response, or a function that draws it once a thread for drawing is free.
Drawing = Callable[[], Response]
Handler = Callable[[Request, Project, User, Any], Response | Drawing]  # Any: the body that the route takes


def require_user(request: Request) -> User:
    """The user who sends this request. Raises: AccessError."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return check_token(token if kind.lower() == "bearer" else "", request.path_params["project"])


def route(path: str, method: str, takes: type = Nothing) -> Callable[[Handler], Route]:
    """A route that checks the token, opens the project, parses the body, and answers errors with a sentence.

    Args: takes: the type of the body, from `labeler.api.requests`.
    """

    def decorate(handler: Handler) -> Route:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            use(preferred(request.headers.get("accept-language")))

            def answer(user: User, body: bytes) -> Response | Drawing:
                actor = Actor(user.name, "desk", request.client.host if request.client else "")
                project = projects.serve_project(home(), request.path_params["project"], actor)
                return handler(request, project, user, parse(takes, body))

            try:
                user = await run_in_threadpool(require_user, request)  # a stranger's body is not read
                body = await request.body() if method == "POST" else b""
                reply = await run_in_threadpool(answer, user, body)
                if isinstance(reply, Response):
                    return reply
                return await asyncio.get_running_loop().run_in_executor(renditions.THREADS, reply)
            except AccessError as error:
                return _refuse(401, translate(error))
            except RequestError as error:
                return _refuse(400, translate(error))
            except LabelerError as error:
                return _refuse(404, translate(error))
            except (sqlite3.OperationalError, OSError) as error:  # disk full, database locked: trying again may help
                reason = _("The server cannot store or read right now ({error}). Trying again.", error=error)
                return _refuse(503, reason)

        return Route(f"/api/{{project}}/{path}", endpoint, methods=[method])

    return decorate


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)
