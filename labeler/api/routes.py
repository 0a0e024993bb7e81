"""The JSON API of the labeling desk: Starlette routes, each a method of the store behind a check of the token.

POST /api/{project}/reserve    {tab, n, release}   → items to answer, progress
POST /api/{project}/answers    {tab, answers: []}  → a receipt for each answer, progress
POST /api/{project}/leave      {tab}               → the tab's items are free soon
POST /api/{project}/token                          → a new token, for one that has expired
POST /api/{project}/kept       {requests: [], dismissed: []}  → those of these refused answers that are dealt with
POST /api/{project}/gone       {projects: []}      → those of these uids that no project here has
GET  /api/{project}/news?class_change=             → the classes if they have changed since; whether labeling is stopped
                                                     a number that changes with what is asked next
POST /api/{project}/like       {tab, n}            → items of one predicted class, to be confirmed together
GET  /api/{project}/items/{item_id}                → an item that was answered before
GET  /api/{project}/guidelines                     → the guidelines, as safe HTML; the reading is recorded
GET  /api/{project}/guidelines/{path}              → an image of the guidelines
GET  /api/{project}/media/{item_id}/{hash}         → a picture of the image; facts for the viewer, in `X-Image`
     ?window=NAME, ?low=&high=&unit=               → of a scan, through this window
GET  /api/{project}/media/{item_id}/{hash}/tile/{level}/{x}/{y}  → a part of a large image, with the same choice of a
                                                     window
GET  /api/{project}/why/{item_id}?part=            → why it is asked, and what the model saw if it is revealed;
                                                     `part`: "saw" or "local", to ask again for that alone
`project` is the project's uid, and `hash` that of the image's content: nothing that was kept under an address is ever
shown for another project or image.

Each with `Authorization: Bearer <token>`, see `labeler.access.tokens`, and answered in the language that
`Accept-Language` names.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from labeler.access.home import home
from labeler.access.roles import is_member, may
from labeler.access.tokens import RENEWABLE, issue_token
from labeler.access.users import User
from labeler.api.endpoint import route
from labeler.api.metrics import count_receipts
from labeler.api.pictures import media, tile
from labeler.api.requests import Answers, Kept, Like, Nothing, RequestError, Reserve, Tab, Uids
from labeler.core.blinding import in_steps, is_blind
from labeler.core.errors import ForbiddenError, LabelerError
from labeler.core.items import Item, ModelSays, Receipt, Reserved, Waiting
from labeler.core.jobs import ExplanationKind
from labeler.explain import panel
from labeler.files.images import WEB_SUFFIXES
from labeler.files.object_cache import fetch_ahead
from labeler.i18n.messages import translate
from labeler.projects import guidelines, people
from labeler.projects.class_keys import shown_classes
from labeler.projects.columns import shown
from labeler.projects.project import Project
from labeler.store import Store


def progress_of(store: Store, annotator: str) -> dict[str, Any]:
    """How far labeling is, in figures that tell nobody which items are in the holdout."""
    spent, left = store.items.labels_spent(), max(store.rounds.labels_missing(), 0)
    affordable = max(store.config.budget - spent, 0)
    answers, batch = min(affordable, store.items.still_open().answers), store.rounds.batch()
    return {
        "mine": store.items.labels_by(annotator),
        "spent": spent,
        "budget": spent + answers,
        "until_round": min(in_steps(left), batch),
        "batch": batch,
        "round": store.rounds.next_number() - 1,
        "labelers": store.desk.active_annotators(),
        "wanted": store.team.somebody_waits(annotator),
    }


def asked_item(reserved: Reserved, project: Project, others: Sequence[ModelSays] = ()) -> dict[str, Any]:
    """What the desk gets of an item. Nothing in it differs between pool and holdout but `first`: nobody has the
    holdout asked next.

    Args: others: what somebody else's models say of it, where people may know that.
    """
    is_shown = project.config.labeling.reveal == "before" and not is_blind(reserved.item)
    return {
        **content_of(reserved.item, project),
        "round": reserved.reason.round if reserved.reason else None,
        "prediction": asdict(reserved.prediction) if is_shown and reserved.prediction else None,
        "others": [asdict(model) for model in others],
        "first": reserved.first,
    }


def said_before(store: Store, held: Sequence[Reserved]) -> dict[int, list[ModelSays]]:
    """What somebody else's models say of items that are asked, by item: nothing unless people may know it before."""
    return store.foreign.shown([r.item.id for r in held]) if store.config.labeling.reveal == "before" else {}


def content_of(item: Item, project: Project) -> dict[str, Any]:
    """What annotators see of an item."""
    fetch_ahead([project.input_of(item)])  # the desk will ask for its image
    return {
        "id": item.id,
        "text": item.text,
        "media": item.picture,
        "metadata": shown(item, project.config),
    }


@route("reserve", "POST", "label", Reserve)
def reserve(request: Request, project: Project, user: User, body: Reserve) -> Response:
    with project.store() as store:
        held = store.desk.reserve(user.name, body.tab, body.n, body.release)
        others = said_before(store, held)
        waiting = None if held else store.desk.waiting_reason(user.name)
        nothing_left = waiting is not None and waiting.reason in ("done", "budget")
        return JSONResponse(
            {
                "items": [asked_item(r, project, others.get(r.item.id, ())) for r in held],
                "waiting": waiting_in_words(waiting),
                "history": _history(store, project, user) if body.history else None,
                "progress": progress_of(store, user.name) | ({"until_round": None} if nothing_left else {}),
            }
        )


def _history(store: Store, project: Project, user: User) -> list[dict[str, Any]]:
    """The annotator's answers, newest first, with the model's predictions if the project reveals them."""
    reveal, rows = project.config.labeling.reveal, store.answers.history(user.name)
    revealed = ("predicted", "confidence") if reveal != "never" else ()
    known = [row["item_id"] for row in rows if reveal == "before" or row["action"] == "label"]
    others = store.foreign.shown(known) if revealed else {}
    return [
        {name: row[name] for name in ("item_id", "request_id", "action", "label", "unsure", *revealed)}
        | {"media": row["picture"], "others": [asdict(model) for model in others.get(row["item_id"], ())]}
        for row in rows
    ]


@route("news", "GET", "label")
def news(request: Request, project: Project, user: User, body: Nothing) -> Response:
    """What a lead has changed: the classes, where the desk knows an earlier change, whether labeling is stopped, and a
    number that changes with the items that are asked next.
    """
    with project.store() as store:
        latest = store.class_changes.latest()
        stop = store.desk.stopped(store.team.join(user.name))
        asked_next = store.asked_next.version()
    known = request.query_params.get("class_change")
    return JSONResponse(
        {
            "class_change": latest,
            "classes": None if known == str(latest) else shown_classes(project.config),
            "stop": waiting_in_words(stop),
            "asked_next": asked_next,
        }
    )


def waiting_in_words(waiting: Waiting | None) -> dict[str, Any] | None:
    """Why somebody has no item, with the reason that a person gave in the reader's language."""
    return asdict(waiting) | {"text": translate(waiting.text)} if waiting else None


@route("leave", "POST", "label", Tab)
def leave(request: Request, project: Project, user: User, body: Tab) -> Response:
    with project.store() as store:
        store.desk.leave(user.name, body.tab)
    return JSONResponse({})


@route("like", "POST", "label", Like)
def like(request: Request, project: Project, user: User, body: Like) -> Response:
    if not project.config.labeling.grid:
        raise RequestError("This project does not confirm predictions together (labeling.grid is off).")
    with project.store() as store:
        held = store.desk.reserve_one_class(user.name, body.tab, body.n)
        items = [asked_item(r, project) | {"prediction": r.prediction and asdict(r.prediction)} for r in held]
        return JSONResponse({"items": items, "progress": progress_of(store, user.name)})


@route("items/{item_id:int}", "GET", "label")
def answered_item(request: Request, project: Project, user: User, body: Nothing) -> Response:
    """An item that the annotator answered, with the answer, so that it can be changed."""
    with project.store() as store:
        item, answer = store.items.get(request.path_params["item_id"]), None
        if item:
            answer = store.answers.get(user.name, item.id)
    if item is None or answer is None:
        raise LabelerError("You have not answered this item.")
    return JSONResponse(content_of(item, project) | {"round": None, "prediction": None, "answer": answer})


@route("guidelines", "GET", "label")
def read_guidelines(request: Request, project: Project, user: User, body: Nothing) -> Response:
    current = guidelines.read(project)
    with project.store() as store:
        store.team.record_guidelines_read(user.name, current.digest)
    return JSONResponse(asdict(current))


@route("guidelines/{path:path}", "GET", "label")
def guidelines_image(request: Request, project: Project, user: User, body: Nothing) -> Response:
    path = guidelines.image(project, request.path_params["path"])
    headers = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=WEB_SUFFIXES.get(path.suffix.lower()), headers=headers)


@route("answers", "POST", "label", Answers)
def answers(request: Request, project: Project, user: User, body: Answers) -> Response:
    with project.store() as store:
        receipts = taken(store, user.name, body, offered_only=not may(user, project, "review"))
        return JSONResponse({"receipts": in_words(receipts), "progress": progress_of(store, user.name)})


def taken(store: Store, annotator: str, body: Answers, offered_only: bool) -> list[Receipt]:
    """A receipt for each answer that was sent; one that is refused is kept for those who lead.

    Args: offered_only: an answer is refused if its item was never given to the annotator.
    """
    sent = body.as_answers()
    receipts = store.answers.add(annotator, sent, offered_only)
    for answer, receipt in zip(sent, receipts, strict=True):
        if not receipt.ok:
            store.refused.record(annotator, answer.request_id, answer.item_id, asdict(answer), receipt.reason)
    for unfit in body.unfit():
        store.refused.record(annotator, unfit.request_id, unfit.item_id, unfit.fields, unfit.reason)
        receipts.append(Receipt(unfit.request_id, False, unfit.reason))
    count_receipts(receipts)
    return receipts


def in_words(receipts: Sequence[Receipt]) -> list[dict[str, Any]]:
    """Receipts as values, their reasons in the reader's language."""
    return [asdict(r) | {"reason": r.reason and translate(r.reason)} for r in receipts]


@route("why/{item_id:int}", "GET", "label")
def explain_item(request: Request, project: Project, user: User, body: Nothing) -> Response:
    asked = request.query_params.get("part", "")
    part: ExplanationKind | None = next((kind for kind in get_args(ExplanationKind) if kind == asked), None)
    if asked and part is None:
        raise RequestError("'part' must be saw or local.")
    with project.store() as store:
        return JSONResponse(panel.why(project, store, user, request.path_params["item_id"], part))


@route("kept", "POST", "label", Kept)
def kept(request: Request, project: Project, user: User, body: Kept) -> Response:
    """Which of the refused answers that a browser keeps are stored by now, or were discarded by somebody who leads."""
    with project.store() as store:
        if body.dismissed:
            store.refused.dismissed(user.name, body.dismissed)
        return JSONResponse({"settled": store.refused.settled(user.name, body.requests)})


@route("token", "POST", None, lives=RENEWABLE)
def renew_token(request: Request, project: Project, user: User, body: Nothing) -> Response:
    if request.state.token.scope is not None:
        raise ForbiddenError("An API token is not renewed: make another one.")
    return JSONResponse({"token": issue_token(user, request.path_params["project"], request.state.token.item)})


@route("gone", "POST", "label", Uids)
def gone(request: Request, project: Project, user: User, body: Uids) -> Response:
    """Which of these projects are not here for this user: they were archived or deleted. An earlier version's desk knew
    them by their folders.
    """
    others = [other for other in people.readable(home()) if is_member(user, other)]
    here = {name for other in others for name in (other.uid, other.slug)}
    return JSONResponse({"projects": sorted(set(body.projects) - here)})


routes = [
    reserve,
    answers,
    renew_token,
    gone,
    kept,
    news,
    leave,
    like,
    answered_item,
    read_guidelines,
    guidelines_image,
    media,
    tile,
    explain_item,
]
