"""The frame of all routes of the public API: token and scope, project and right, keys of changes, pages of lists.

A resource is a file with a `router = resource("Its name")` and handlers of a few lines, each of which says what it asks
of the token and of the person:

    @router.get("/projects/{p}/curve")
    def curve(call: Annotated[ProjectCall, in_project("read", "see_progress")]) -> Curve: ...

The token is checked before the body is read. Handlers run in the thread pool; any `LabelerError` that they raise
becomes a problem with its sentence, see `labeler.api.problems`.
"""

import base64
import binascii
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from labeler.access.api_tokens import Bearer, Scope, bearer
from labeler.access.home import home
from labeler.access.roles import Action, HomeAction, check, is_member, may
from labeler.access.users import User
from labeler.api.problems import MEDIA_TYPE
from labeler.api.requests import LARGEST_ID
from labeler.api.v1 import once
from labeler.core.actor import Actor
from labeler.core.errors import AccessError, ForbiddenError, LabelerError
from labeler.i18n.messages import preferred, use
from labeler.projects import project as projects
from labeler.projects.project import ServedProject
from labeler.store.replies import KEPT

PAGE, LONGEST_PAGE = 50, 500  # entries of a list
LARGEST_NUMBER = 2**53 - 1  # that every reader of JSON keeps to the last digit

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


# ---------------------------------------------------------------- who asks


@dataclass(frozen=True)
class Call:
    """A request whose token is valid and reaches far enough."""

    bearer: Bearer
    actor: Actor

    @property
    def user(self) -> User:
        """Whose token it is."""
        return self.bearer.user

    def was_made(self, request: str) -> bool:
        """Whether the project's audit log of the last day has a change that `Actor.request` names."""
        return False


@dataclass(frozen=True)
class ProjectCall(Call):
    """A request about a project that is there for its user, who may do what the route does."""

    project: ServedProject

    def was_made(self, request: str) -> bool:
        since = datetime.fromtimestamp(time.time() - KEPT, UTC)  # the key may have been that of another change before
        with self.project.store() as store:
            return store.audit.has_request(request, since.isoformat(timespec="milliseconds"))

    def may(self, action: Action) -> bool:
        """Whether the user may do something further in the project."""
        return may(self.user, self.project, action)


class Right:
    """What a route asks of the token and of the person: a dependency of its handler.

    Args: scope: the least that the token must have. action: that its owner must be allowed; None: the handler asks.
    """

    def __init__(self, scope: Scope, action: Action | HomeAction | None) -> None:
        self.scope, self.action = scope, action

    def call_of(self, request: Request) -> Call:
        """The request, with who sends it.

        Raises: AccessError, ForbiddenError: it may not. MissingError: there is no such project for who sends it.
        """
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise AccessError("The request carries no API token: send `Authorization: Bearer labeler_…`.")
        token = bearer(secret.strip())
        key = request.headers.get(once.HEADER)
        request_name = once.name_of(token.id, key) if key and request.method != "GET" else ""
        actor = Actor(token.user.name, "api", request.client.host if request.client else "", request_name)
        call = self._opened(Call(token, actor), request)
        if not token.may_use(self.scope):
            raise ForbiddenError("This API token may not do this: it needs the scope {scope!r}.", scope=self.scope)
        if self.action is not None:
            check(token.user, call.project if isinstance(call, ProjectCall) else None, self.action)
        return call

    def _opened(self, call: Call, request: Request) -> Call:
        return call

    __call__: Callable[..., Coroutine[Any, Any, Call]]


class InHome(Right):
    def _opened(self, call: Call, request: Request) -> Call:
        if self.scope == "administer" and not call.bearer.opens_all:  # an account that it makes could open all of them
            raise ForbiddenError("This API token is for some projects: the home needs one that opens all of them.")
        return call

    async def __call__(self, request: Request) -> Call:
        call: Call = request.state.call
        return call


class InProject(Right):
    def _opened(self, call: Call, request: Request) -> ProjectCall:
        name = str(request.path_params["p"])
        project = projects.serve_named(home(), name, call.actor)
        if not call.bearer.opens(project.uid) or not is_member(call.user, project):
            raise projects.unknown(name)
        return ProjectCall(call.bearer, call.actor, project)

    async def __call__(
        self, request: Request, p: Annotated[str, Path(description="Uid of a project, or its folder's name.")]
    ) -> ProjectCall:
        call: ProjectCall = request.state.call
        return call


def in_home(scope: Scope, action: HomeAction | None = None) -> Any:
    """What a route about no project asks for, as a dependency that is its `Call`; see `Right`."""
    return Security(InHome(scope, action), scopes=[scope])


def in_project(scope: Scope, action: Action | None) -> Any:
    """What a route about a project asks for, as a dependency that is its `ProjectCall`; see `Right`."""
    return Security(InProject(scope, action), scopes=[scope])


# ---------------------------------------------------------------- routes


class GuardedRoute(APIRoute):
    """A route that answers only who may ask, and repeats no change that is sent twice under one key."""

    def get_route_handler(self) -> Answer:
        answer = super().get_route_handler()
        right = self.right

        async def guarded(request: Request) -> Response:
            use(preferred(request.headers.get("accept-language")))
            request.state.call = call = await run_in_threadpool(right.call_of, request)  # before the body is read
            key = request.headers.get(once.HEADER)
            if key is None or request.method == "GET":
                return await answer(request)
            return await once.answered(request, call.bearer.id, key, answer, call.was_made)

        return guarded

    @property
    def right(self) -> Right:
        """What the route asks for. Each route asks for something."""
        (right,) = (d.call for d in self.dependant.dependencies if isinstance(d.call, Right))
        return right


_PROBLEM = {"description": "A problem", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_KEY = {
    "name": once.HEADER,
    "in": "header",
    "required": False,
    "description": "A text of your own, new for each change. Whoever sends the same change again under it, within a"
    " day, gets the first reply, and nothing is changed twice.",
    "schema": {"type": "string", "minLength": 1, "maxLength": once.LONGEST_KEY},
}
SCHEME = HTTPBearer(
    scheme_name="token", auto_error=False, description="An API token, which `labeler users token` makes."
)


def resource(name: str) -> APIRouter:
    """A router for the routes of a resource, which the documentation shows under this name."""
    return APIRouter(route_class=GuardedRoute, tags=[name], responses={"default": _PROBLEM})


def finished(schema: dict[str, Any], rights: dict[tuple[str, str], Right]) -> dict[str, Any]:
    """The schema of FastAPI with what it does not see: scopes, keys of changes, and the form of problems."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            right = rights[path, method.upper()]
            operation["security"] = [{"token": [right.scope]}]
            if right.action:
                operation["x-right"] = right.action
            if method != "get":
                operation.setdefault("parameters", []).append(_KEY)
    return schema


# ---------------------------------------------------------------- bodies and lists


class Body(BaseModel):
    """The body of a request: fields that it does not know are refused, and so are values of another type."""

    model_config = ConfigDict(strict=True, extra="forbid")


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)  # beside the limits of a number: behind them, since the schema would lose them
Entry = TypeVar("Entry")


class Page(BaseModel, Generic[Entry]):
    """A part of a list."""

    items: list[Entry]
    next: str | None = Field(description="The `cursor` of the next page; null: this is the last one.")


Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="Most entries of the page.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next` of the page before.")]
ItemId = Annotated[int, Path(ge=0, le=LARGEST_NUMBER, description="Number of an item.")]


def cursor_of(place: Any) -> str:
    """The cursor for a place in a list: a number, a text, or a list of them."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place_of(cursor: str | None, kind: type[int] | type[str] | type[list[Any]] = int) -> Any:
    """The place that a cursor stands for; None without one. Raises: LabelerError: no list has given it."""
    if cursor is None:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if type(place) is not kind or (isinstance(place, int) and not 0 <= place <= LARGEST_ID):
            raise ValueError(place)
        return place
    except (ValueError, binascii.Error, RecursionError):
        raise LabelerError("'cursor' must be the 'next' of the page before.") from None


def page(entries: Sequence[Entry], limit: int, place: Callable[[Entry], Any]) -> Page[Entry]:
    """The first `limit` entries as a page; there is a next one where there are more.

    Args: place: where the next page begins after an entry.
    """
    shown = [*entries[:limit]]
    return Page(items=shown, next=cursor_of(place(shown[-1])) if len(entries) > limit else None)
