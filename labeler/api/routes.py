"""The JSON API that the labeling desk talks to: Starlette routes, each a store verb behind a check of who asks.

POST /api/{project}/reserve    {tab, n, release}   → items to answer, progress
POST /api/{project}/answers    {tab, answers: []}  → a receipt for each answer, progress
POST /api/{project}/leave      {tab}               → what the tab holds is free soon
POST /api/{project}/like       {tab, n}            → items of one predicted class, to be confirmed together
GET  /api/{project}/items/{item_id}                → an item that was answered before
GET  /api/{project}/guidelines                     → the guidelines, as safe HTML; reading them is remembered
GET  /api/{project}/guidelines/{path}              → an image of the guidelines
GET  /api/{project}/media/{item_id}                → a picture of the image; what a viewer must know, in `X-Image`
     ?window=NAME, ?low=&high=&unit=               → of a scan, through this window
GET  /api/{project}/media/{item_id}/tile/{level}/{x}/{y}  → a part of a large image, with the same choice of a window
GET  /api/{project}/why/{item_id}?part=            → why it is asked, and what the model saw if that may be known;
                                                     `part`: "saw" or "local", to ask again for that alone
Each with `Authorization: Bearer <token>`, see `labeler.access.tokens`, and answered in the language that
`Accept-Language` names.
"""

import asyncio
import json
import math
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from functools import partial, wraps
from pathlib import Path
from typing import Any, get_args

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from labeler.access.home import home
from labeler.access.tokens import check_token
from labeler.access.users import User
from labeler.core.errors import AccessError, LabelerError
from labeler.core.items import Answer, Item, Reserved, Reveal
from labeler.core.jobs import ExplanationKind
from labeler.explain import panel
from labeler.files import renditions
from labeler.files.images import WEB_SUFFIXES
from labeler.files.renditions import Rendition, Renditions, Wish
from labeler.i18n.messages import _, preferred, translate, use
from labeler.projects import guidelines
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store

MOST_ITEMS = 100  # that one tab may hold
MOST_BYTES = 1_000_000  # of a request
MOST_NOTE = 2000  # characters

# A handler answers, or says what is to be called for the answer when there is a thread to draw pictures in.
Drawing = Callable[[], Response]
Handler = Callable[[Request, Project, User, dict[str, Any]], Response | Drawing]


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
            use(preferred(request.headers.get("accept-language")))
            body = await request.body() if method == "POST" else b""

            def answer() -> Response | Drawing:
                user = require_user(request)
                project = projects.serve_project(home(), request.path_params["project"])
                return handler(request, project, user, _parse(body))

            try:
                reply = await run_in_threadpool(answer)
                if isinstance(reply, Response):
                    return reply
                return await asyncio.get_running_loop().run_in_executor(renditions.THREADS, reply)
            except AccessError as error:
                return _refuse(401, translate(error))
            except RequestError as error:
                return _refuse(400, translate(error))
            except LabelerError as error:
                return _refuse(404, translate(error))
            except (sqlite3.OperationalError, OSError) as error:  # disk full, database locked: worth trying again
                said = _("The server cannot store or read right now ({error}). Trying again.", error=error)
                return _refuse(503, said)

        return Route(f"/api/{{project}}/{path}", endpoint, methods=[method])

    return decorate


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)


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
        "mine": store.items.labels_by(user.name),
        "spent": store.items.labels_spent(),
        "budget": store.config.budget,
        "until_round": max(store.rounds.labels_until_next(), 0),
        "batch": store.config.query.batch,
        "round": store.rounds.next_number() - 1,
        "labelers": store.desk.active_annotators(),
        "wanted": store.team.somebody_waits(user.name),
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
        "metadata": item.metadata,
    }


@_route("reserve", "POST")
def reserve(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    n = _count(body, 20)
    release = body.get("release", [])
    if not isinstance(release, list) or not all(isinstance(i, int) for i in release):
        raise RequestError("'release' must be a list of item ids.")
    with project.store() as store:
        held = store.desk.reserve(user.name, _text(body, "tab"), n, release)
        return JSONResponse(
            {
                "items": [_as_json(r, project) for r in held],
                "waiting": None if held else asdict(store.desk.why_nothing(user.name)),
                "history": _history(store, project, user) if body.get("history") else None,
                "progress": _progress(store, user),
            }
        )


def _history(store: Store, project: Project, user: User) -> list[dict[str, Any]]:
    """What this annotator answered, newest first; with what the model had said if the project tells that."""
    told = ("predicted", "confidence") if project.config.labeling.reveal != "never" else ()
    return [
        {name: row[name] for name in ("item_id", "action", "label", "unsure", *told)}
        for row in store.answers.history(user.name)
    ]


@_route("leave", "POST")
def leave(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    with project.store() as store:
        store.desk.leave(user.name, _text(body, "tab"))
    return JSONResponse({})


@_route("like", "POST")
def like(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    if not project.config.labeling.grid:
        raise RequestError("This project does not confirm predictions together (labeling.grid is off).")
    with project.store() as store:
        held = store.desk.reserve_like(user.name, _text(body, "tab"), _count(body, 20))
        items = [_as_json(r, project) | {"prediction": r.prediction and asdict(r.prediction)} for r in held]
        return JSONResponse({"items": items, "progress": _progress(store, user)})


@_route("items/{item_id:int}", "GET")
def item(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    """An item that the annotator answered, with that answer: to look at it again, or to change the answer."""
    with project.store() as store:
        found, answer = store.items.get(request.path_params["item_id"]), None
        if found:
            answer = store.answers.get(user.name, found.id)
    if found is None or answer is None:
        raise LabelerError("You have not answered this item.")
    return JSONResponse(_content(found, project) | {"reason": None, "prediction": None, "answer": answer})


@_route("guidelines", "GET")
def read_guidelines(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    found = guidelines.read(project)
    with project.store() as store:
        store.team.saw_guidelines(user.name, found.digest)
    return JSONResponse(asdict(found))


@_route("guidelines/{path:path}", "GET")
def guidelines_image(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    path = guidelines.image(project, request.path_params["path"])
    headers = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=WEB_SUFFIXES.get(path.suffix.lower()), headers=headers)


@_route("answers", "POST")
def answers(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    found = body.get("answers")
    if not isinstance(found, list) or len(found) > 1000:
        raise RequestError("'answers' must be a list of at most 1000 answers.")
    parsed = [_answer(values, _text(body, "tab")) for values in found]
    with project.store() as store:
        receipts = store.answers.add(user.name, parsed)
        return JSONResponse(
            {
                "receipts": [asdict(r) | {"reason": r.reason and translate(r.reason)} for r in receipts],
                "progress": _progress(store, user),
            }
        )


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


# Named by the hash of its content, an image never changes. nosniff, so that no file is taken for a page.
_FOR_GOOD = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@_route("media/{item_id:int}", "GET")
def media(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response | Drawing:
    path, key = _image(request, project)
    wish, made = _wish(request), Renditions(project.renditions)
    ready = made.ready(path, key, wish)
    return _picture(ready) if ready else lambda: _picture(made.draw(path, key, wish))


@_route("media/{item_id:int}/tile/{level:int}/{x:int}/{y:int}", "GET")
def tile(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response | Drawing:
    path, key = _image(request, project)
    place = [request.path_params[name] for name in ("level", "x", "y")]
    draw = partial(Renditions(project.renditions).tile, path, key, _wish(request), *place)
    return lambda: Response(draw(), media_type="image/png", headers=_FOR_GOOD)


def _image(request: Request, project: Project) -> tuple[Path, str]:
    """The file of the item that the address names, and its content hash."""
    with project.store() as store:
        found = store.items.get(request.path_params["item_id"])
    path = project.folder / found.media if found and found.media else None
    if found is None or path is None or not path.is_file():
        raise LabelerError("The image is not in the project's folder any more.")
    return path, found.content_hash


def _picture(rendition: Rendition) -> Response:
    headers = _FOR_GOOD | {"X-Image": rendition.about.as_json()}
    if isinstance(rendition.content, Path):
        return FileResponse(rendition.content, media_type=rendition.media_type, headers=headers)
    return Response(rendition.content, media_type=rendition.media_type, headers=headers)


def _wish(request: Request) -> Wish:
    values = request.query_params
    if not {"low", "high"} & set(values):
        return Wish(values.get("window"))
    try:
        low, high = float(values["low"]), float(values["high"])
    except (KeyError, ValueError):
        raise RequestError("'low' and 'high' must be two numbers.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise RequestError("'low' must be less than 'high', and both finite.")
    return Wish(window=(low, high), unit=values.get("unit") or None)


@_route("why/{item_id:int}", "GET")
def explain_item(request: Request, project: Project, user: User, body: dict[str, Any]) -> Response:
    part = request.query_params.get("part", "")
    if part not in ("", *get_args(ExplanationKind)):
        raise RequestError("'part' must be saw or local.")
    with project.store() as store:
        found = panel.of_item(store, request.path_params["item_id"])
        told = {} if part else panel.about(project, store, user.name, found)
        kind: ExplanationKind = "local" if part == "local" else "saw"
        return JSONResponse(told | {kind: panel.explanation(project, store, user.name, found, kind)})


routes = [reserve, answers, leave, like, item, read_guidelines, guidelines_image, media, tile, explain_item]
