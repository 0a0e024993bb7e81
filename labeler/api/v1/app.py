"""The public API as an ASGI app: the resources, the errors, the schema."""

import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Match, Mount
from starlette.types import ASGIApp

from labeler.access.serving import serving
from labeler.api.problems import V1, Problem, ProblemResponse, cannot_store, status_of_change, when_to_come_again
from labeler.api.requests import sentence_of
from labeler.api.v1 import (
    accounts,
    answers,
    audit,
    backups,
    classes,
    comparisons,
    explanations,
    exports,
    feeds,
    imports,
    items,
    me,
    members,
    predictions,
    progress,
    projects,
    reading,
    review,
    rounds,
    settings,
    status,
    webhooks,
)
from labeler.api.v1.frame import SCHEME, GuardedRoute, finished
from labeler.api.v1.once import HEADER
from labeler.core.errors import LabelerError
from labeler.i18n.messages import _, preferred, translate, use
from labeler.store.driver import sqlite3
from strategies import StrategyError

VERSION = "1.0"
RESOURCES = (
    *(me, projects, status, settings, classes, items, imports, feeds, answers, rounds, progress, comparisons),
    *(predictions, explanations, exports, webhooks, review, members, accounts, audit, backups),
)
DESCRIPTION = (
    "Projects of this labeler for programs. Each request carries `Authorization: Bearer labeler_…`; a token does what"
    " its scope includes (`read`, `label`, `manage`, `administer`) and never more than its owner may. Lists come in"
    " pages. Changes take an `Idempotency-Key`. Errors are problems (RFC 9457) whose `detail` is a sentence, in the"
    " language that `Accept-Language` asks for."
)


class Api(FastAPI):
    """The app, whose schema says what each route asks for."""

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            schema = finished(super().openapi(), {key: route.right for key, route in routes().items()})
            parts = schema.setdefault("components", {})
            parts.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
            parts["securitySchemes"] = {"token": SCHEME.model.model_dump(by_alias=True, exclude_none=True, mode="json")}
        return self.openapi_schema or {}


def routes() -> dict[tuple[str, str], GuardedRoute]:
    """All routes of the resources, by path and method."""
    each = [route for resource in RESOURCES for route in resource.router.routes]
    return {(r.path_format, m): r for r in each if isinstance(r, GuardedRoute) for m in r.methods or ()}


def refuse(request: Request, error: Exception) -> Response:
    """The problem that an error is for the program that asks."""
    use(preferred(request.headers.get("accept-language")))  # no route has, where the address is wrong
    if isinstance(error, RequestValidationError):
        error = sentence_of(error.errors()[0])
    if isinstance(error, LabelerError):
        status = status_of_change(error)
        headers = when_to_come_again(error) | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
        return ProblemResponse(status, translate(error), headers)
    if isinstance(error, StrategyError):  # which knows nothing of this package's errors
        return ProblemResponse(422, translate(error))
    if isinstance(error, HTTPException):
        sentences = {
            404: _("There is nothing at this address."),
            405: _("This address does not take {method}.", method=request.method),
        }
        sentence = sentences.get(error.status_code, _("The request cannot be read."))
        allowed = {"Allow": _methods(request)} if error.status_code == 405 else error.headers
        return ProblemResponse(error.status_code, sentence, allowed)
    if isinstance(error, sqlite3.OperationalError | OSError):
        return ProblemResponse(503, cannot_store(error), when_to_come_again(error))
    return ProblemResponse(500, _("The server met an error that it did not expect; its log says which."))


def _methods(request: Request) -> str:
    """The methods that the address of a request takes, each of which has a route of its own."""
    matching = [method for (_path, method), route in routes().items() if route.matches(request.scope)[0] != Match.NONE]
    return ", ".join(sorted(matching))


def make() -> Api:
    """The app."""
    handlers: dict[Any, Any] = dict.fromkeys(
        (
            LabelerError,
            StrategyError,
            RequestValidationError,
            HTTPException,
            sqlite3.OperationalError,
            OSError,
            Exception,
        ),
        refuse,
    )
    made = Api(
        title="labeler",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=handlers,
        generate_unique_id_function=lambda route: route.name,  # functions of all resources have names of their own
    )
    made.add_middleware(
        CORSMiddleware,
        allow_origins=serving().front_ends,
        allow_methods=["*"],
        allow_headers=["Authorization", "Accept-Language", "Content-Type", HEADER],
        expose_headers=["Retry-After"],
    )
    for resource in RESOURCES:
        made.include_router(resource.router)
    made.add_route("/docs", reading.page, include_in_schema=False)
    return made


class Below(Mount):
    """All addresses below a path, also one with a line break in it."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        super().__init__(path, app)
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


app = make()
routes_of_v1 = [Below(V1, app)]
