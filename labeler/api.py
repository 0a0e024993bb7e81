"""The JSON API that the labeling desk talks to: Starlette routes, each a store verb behind a check of who asks.

POST /api/{project}/reserve    {tab, n, release}   → items to answer, progress
POST /api/{project}/answers    {tab, answers: []}  → a receipt for each answer, progress
POST /api/{project}/leave      {tab}               → what the tab holds is free soon
POST /api/{project}/like       {tab, n}            → items of one predicted class, to be confirmed together
GET  /api/{project}/items/{item_id}                → an item that was answered before
GET  /api/{project}/guidelines                     → the guidelines, as safe HTML; reading them is remembered
GET  /api/{project}/guidelines/{path}              → an image of the guidelines
GET  /api/{project}/media/{item_id}                → the image
Each with `Authorization: Bearer <token>`, see `labeler.access`.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any, get_args

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from labeler import guidelines
from labeler import project as projects
from labeler.access import User, check_token, home
from labeler.errors import AccessError, LabelerError
from labeler.images import as_png, web_type
from labeler.project import Project
from labeler.store import Store
from labeler.types import Answer, Item, Reserved, Reveal

MOST_ITEMS = 100  # that one tab may hold
MOST_BYTES = 1_000_000  # of a request
MOST_NOTE = 2000  # characters

Handler = Callable[[Request, Project, User, dict[str, Any]], Response]


class RequestError(LabelerError):
    """The request is not of the form that the route takes."""


def require_user(request: Request) -> User:
    """Who sends this request. Raises: AccessError."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return check_token(token if kind.lower() == "bearer" else "", request.path_params["project"])


def _route(path: str, method: str) -> Callable[[Handler], Route]:
    """A route that checks who asks, opens the project, and answers errors with a sentence."""

    def decorate(handler: Handler) -> Route:
        @wraps(handler)
        async def endpoint(request: Request) -> Response:
            body = await request.body() if method == "POST" else b""

            def answer() -> Response:
                user = require_user(request)
                return handler(request, _open(request.path_params["project"]), user, _parse(body))

            try:
                return await run_in_threadpool(answer)
            except AccessError as error:
                return _refuse(401, str(error))
            except RequestError as error:
                return _refuse(400, str(error))
            except LabelerError as error:
                return _refuse(404, str(error))
            except (sqlite3.OperationalError, OSError) as error:  # disk full, database locked: worth trying again
                return _refuse(503, f"The server cannot store or read right now ({error}). Trying again.")

        return Route(f"/api/{{project}}/{path}", endpoint, methods=[method])

    return decorate


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)


def _open(slug: str) -> Project:
    for folder in projects.in_home(home()):
        if folder.name == slug:
            return projects.open_project(folder)
    raise LabelerError(f"There is no project {slug!r} here.")


def _parse(body: bytes) -> dict[str, Any]:
    if len(body) > MOST_BYTES:
        raise RequestError("The request is too large: send fewer answers at once.")
    try:
        values = json.loads(body) if body else {}
    except ValueError:
        raise RequestError("The request is not JSON.") from None
    if not isinstance(values, dict):
        raise RequestError("The request must be a JSON object.")
    return values


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise RequestError(f"{name!r} must be a text of 1 to 200 characters.")
    return value


def _count(values: dict[str, Any], default: int) -> int:
    n = values.get("n", default)
    if not isinstance(n, int) or not 0 < n <= MOST_ITEMS:
        raise RequestError(f"'n' must be a whole number from 1 to {MOST_ITEMS}.")
    return n


def _progress(store: Store, user: User) -> dict[str, Any]:
    return {
        "mine": store.answered_by(user.name),
        "spent": store.labels_spent(),
        "budget": store.config.budget,
        "until_round": max(store.labels_until_round(), 0),
        "batch": store.config.query.batch,
        "round": store.next_round() - 1,
        "labelers": store.active(),
        "wanted": store.somebody_waits(user.name),
    }


def _as_json(reserved: Reserved, project: Project) -> dict[str, Any]:
    shown = project.config.labeling.reveal == "before" and reserved.prediction
    return {
        **_content(reserved.item, project),
        "reason": asdict(reserved.reason) if reserved.reason else None,
        "prediction": asdict(reserved.prediction) if shown and reserved.prediction else None,
    }


def _content(item: Item, project: Project) -> dict[str, Any]:
    return {
        "id": item.id,
        "text": item.text,
        "media": f"/api/{project.slug}/media/{item.id}" if item.media else None,
    }


@_route("reserve", "POST")
def reserve(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    n = _count(body, 20)
    release = body.get("release", [])
    if not isinstance(release, list) or not all(isinstance(i, int) for i in release):
        raise RequestError("'release' must be a list of item ids.")
    with project.store() as store:
        held = store.reserve(user.name, _text(body, "tab"), n, release)
        return JSONResponse(
            {
                "items": [_as_json(r, project) for r in held],
                "waiting": None if held else asdict(store.why_nothing(user.name)),
                "history": _history(store, project, user) if body.get("history") else None,
                "progress": _progress(store, user),
            }
        )


def _history(store: Store, project: Project, user: User) -> list[dict[str, Any]]:
    """What this annotator answered, newest first; with what the model had said if the project tells that."""
    told = ("predicted", "confidence") if project.config.labeling.reveal != "never" else ()
    return [
        {name: row[name] for name in ("item_id", "action", "label", "unsure", "note", "at", *told)}
        | {"text": (row["text"] or "")[:80] or None, "media": row["media"] is not None}
        for row in store.history(user.name)
    ]


@_route("leave", "POST")
def leave(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    with project.store() as store:
        store.leave(user.name, _text(body, "tab"))
    return JSONResponse({})


@_route("like", "POST")
def like(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    if not project.config.labeling.grid:
        raise RequestError("This project does not confirm predictions together (labeling.grid is off).")
    with project.store() as store:
        held = store.reserve_like(user.name, _text(body, "tab"), _count(body, 20))
        items = [_as_json(r, project) | {"prediction": r.prediction and asdict(r.prediction)} for r in held]
        return JSONResponse({"items": items, "progress": _progress(store, user)})


@_route("items/{item_id:int}", "GET")
def item(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    """An item that the annotator answered, with that answer: to look at it again, or to change the answer."""
    with project.store() as store:
        found, answer = store.item(request.path_params["item_id"]), None
        if found:
            answer = store.answer_of(user.name, found.id)
    if found is None or answer is None:
        raise LabelerError("You have not answered this item.")
    return JSONResponse(_content(found, project) | {"reason": None, "prediction": None, "answer": answer})


@_route("guidelines", "GET")
def read_guidelines(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    found = guidelines.read(project)
    with project.store() as store:
        store.saw_guidelines(user.name, found.digest)
    return JSONResponse(asdict(found))


@_route("guidelines/{path:path}", "GET")
def guidelines_image(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    path = guidelines.image(project, request.path_params["path"])
    headers = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=web_type(path), headers=headers)


@_route("answers", "POST")
def answers(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    found = body.get("answers")
    if not isinstance(found, list) or len(found) > 1000:
        raise RequestError("'answers' must be a list of at most 1000 answers.")
    parsed = [_answer(values, _text(body, "tab")) for values in found]
    with project.store() as store:
        receipts = store.annotate(user.name, parsed)
        return JSONResponse({"receipts": [asdict(r) for r in receipts], "progress": _progress(store, user)})


def _answer(values: Any, tab: str) -> Answer:
    if not isinstance(values, dict):
        raise RequestError("Each answer must be a JSON object.")
    item_id, seconds, label = values.get("item_id"), values.get("seconds"), values.get("label")
    if not isinstance(item_id, int) or isinstance(item_id, bool):
        raise RequestError("'item_id' must be a whole number.")
    if values.get("action") not in ("label", "skip", "flag", "undo"):
        raise RequestError("'action' must be label, skip, flag or undo.")
    if not isinstance(label, str | None):
        raise RequestError("'label' must be a text.")
    note, reveal = values.get("note"), values.get("reveal", "never")
    if not isinstance(note, str | None) or len(note or "") > MOST_NOTE:
        raise RequestError(f"'note' must be a text of at most {MOST_NOTE} characters.")
    if reveal not in get_args(Reveal):
        raise RequestError(f"'reveal' must be {' or '.join(get_args(Reveal))}.")
    if not isinstance(seconds, int | float) or not 0 <= seconds < 1e7:  # also NaN: a clock gone wrong costs no answer
        seconds = None
    unsure = values.get("unsure") is True
    return Answer(_text(values, "request_id"), item_id, values["action"], label, seconds, tab, unsure, note, reveal)


@_route("media/{item_id:int}", "GET")
def media(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    with project.store() as store:
        found = store.item(request.path_params["item_id"])
    path = project.folder / found.media if found and found.media else None
    if path is None or not path.is_file():
        raise LabelerError("The image is not in the project's folder any more.")
    # Named by the hash of its content: it never changes. nosniff, so that no file is taken for a page.
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    kind = web_type(path)
    if kind is None:  # e.g. TIFF, or grey of 16 bits
        return Response(as_png(path), media_type="image/png", headers=headers)
    return FileResponse(path, media_type=kind, headers=headers)


routes = [reserve, answers, leave, like, item, read_guidelines, guidelines_image, media]
