"""Labeling: the next items, answers with their receipts, and undo."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from labeler.access.users import is_reserved
from labeler.api.requests import (
    MOST_ANSWERS,
    MOST_ITEMS,
    MOST_NAME,
    MOST_NOTE,
    Answers,
    RequestError,
    SentAnswer,
)
from labeler.api.routes import asked_item, in_words, progress_of, said_before, taken, waiting_in_words
from labeler.api.v1 import frame
from labeler.api.v1.frame import WHOLE, Body, Cursor, Limit, Page, ProjectCall, in_project, page, place_of
from labeler.api.v1.items import picture_address
from labeler.api.v1.labels import Label, label_of
from labeler.core.errors import ForbiddenError, MissingError
from labeler.core.items import Action, ModelSays, Reserved
from labeler.core.labels import as_text, join
from labeler.core.settings import Config

router = frame.resource("Labeling")

Name = Annotated[str, Field(min_length=1, max_length=MOST_NAME)]
Number = Annotated[int, Field(ge=0, le=frame.LARGEST_NUMBER), WHOLE]


class Named(Body):
    annotator: Name | None = Field(
        default=None, description="In whose name; null: the token's owner. Others only in a home without accounts."
    )
    tab: Name = Field(default="api", description="Holds the items: several programs of one person take several names.")


class Ask(Named):
    n: Annotated[int, Field(ge=1, le=MOST_ITEMS, description="Most items."), WHOLE] = 1
    release: list[Number] = Field(default=[], max_length=1000, description="Items that are given back unanswered.")


class Guess(BaseModel):
    label: Label
    confidence: float


class OthersGuess(BaseModel):
    """What a model of somebody else says of an item."""

    model: str = Field(description="Its name, and its version where it has one.")
    label: Label
    confidence: float | None = Field(description="null: it gave none.")


class AskedItem(BaseModel):
    id: int
    text: str | None
    picture: str | None
    source: str | None = Field(description="Where it came from; null where the token may not see items.")
    metadata: dict[str, str] = Field(description="The columns that annotators see.")
    round: int | None = Field(description="Whose ranking it is from.")
    prediction: Guess | None = Field(description="Where the project shows it before the answer.")
    others: list[OthersGuess] = Field(description="Of somebody else's models, where the project shows it before.")


class Progress(BaseModel):
    mine: int = Field(description="Labels by this annotator.")
    spent: int = Field(description="Of the budget.")
    budget: int
    until_round: int | None = Field(description="Pool labels until the next round, in steps of 5.")
    batch: int
    round: int = Field(description="Of the latest finished one.")


class Waiting(BaseModel):
    reason: str
    n: int
    by: str
    text: str


class Next(BaseModel):
    items: list[AskedItem]
    waiting: Waiting | None = Field(description="Why there is none.")
    progress: Progress


class NewAnswer(Body):
    request_id: Name = Field(description="An id of your own: the same answer is stored once, however often it comes.")
    item_id: Number
    action: Action = "label"
    label: Label | None = Field(
        default=None, description="A class, or a list where items have several.", examples=["good"]
    )
    seconds: float | None = Field(default=None, ge=0, lt=1e7)
    unsure: bool = False
    note: str | None = Field(default=None, max_length=MOST_NOTE)
    undoes: Name | None = Field(default=None, description="Of an undo: the `request_id` of what is taken back.")


class NewAnswers(Named):
    answers: list[NewAnswer] = Field(max_length=MOST_ANSWERS)


class ReceiptFacts(BaseModel):
    request_id: str
    ok: bool
    reason: str | None = Field(description="Why it was refused; of an undo that is ok, why it took nothing back.")
    prediction: Guess | None = Field(description="Where the project shows it after the answer.")
    others: list[OthersGuess] = Field(description="Of somebody else's models, where the project shows it after.")


class Receipts(BaseModel):
    receipts: list[ReceiptFacts]
    progress: Progress


class AnswerFacts(BaseModel):
    request_id: str
    item_id: int
    annotator: str
    action: Action
    label: Label | None = Field(description="In today's classes.")
    seconds: float | None
    unsure: bool
    note: str | None
    at: str


RequestId = Annotated[str, Path(min_length=1, max_length=MOST_NAME)]


@router.post("/projects/{p}/next", summary="Items to answer next")
def ask_for_items(call: Annotated[ProjectCall, in_project("label", "label")], asked: Ask) -> Next:
    """The most informative first. Nobody else is given them for `labeling.reservation_seconds`; asking again under the
    same `tab` gives the same ones. Nothing tells which items are in the holdout.
    """
    name = _annotator(call, asked)
    with call.project.store() as store:
        held = store.desk.reserve(name, asked.tab, asked.n, asked.release)[: asked.n]
        waiting = None if held else store.desk.waiting_reason(name)
        progress, others = progress_of(store, name), said_before(store, held)
    items = [_asked(each, call, others.get(each.item.id, ())) for each in held]
    return Next.model_validate({"items": items, "waiting": waiting_in_words(waiting), "progress": progress})


@router.post("/projects/{p}/answers", summary="Send answers")
def send_answers(call: Annotated[ProjectCall, in_project("label", "label")], sent: NewAnswers) -> Receipts:
    """Each has a receipt: an answer whose receipt is ok is on the disk. A refused one is kept for those who lead."""
    name, config = _annotator(call, sent), call.project.config
    answers = [
        SentAnswer(**answer.model_dump(exclude={"label"}), label=_stored(answer.label, config))
        for answer in sent.answers
    ]
    return _receipts(call, name, Answers(sent.tab, [*answers]))


@router.delete("/projects/{p}/answers/{request_id:path}", summary="Take an answer back")
def undo_answer(
    call: Annotated[ProjectCall, in_project("label", "label")],
    request_id: RequestId,
    annotator: Annotated[Name | None, Query(description="Whose answer; null: the token's owner's.")] = None,
) -> Receipts:
    """It is asked again. One that was changed since stays, which the receipt says. Nothing is deleted."""
    name = _annotator(call, Named(annotator=annotator))
    with call.project.store() as store:
        item = store.answers.item_of(name, request_id)
    if item is None:
        raise MissingError("No answer was sent under this id.")
    undo_id = uuid.uuid5(uuid.NAMESPACE_URL, f"undo of {request_id} by {name}").hex  # the same if it is sent twice
    undo = SentAnswer(undo_id, item, "undo", undoes=request_id)
    return _receipts(call, name, Answers("api", [undo]))


@router.get("/projects/{p}/answers", summary="Current answers")
def list_answers(
    call: Annotated[ProjectCall, in_project("read", None)],
    annotator: Annotated[
        str | None, Query(max_length=MOST_NAME, description="Whose; null: all that one may see.")
    ] = None,
    limit: Limit = frame.PAGE,
    cursor: Cursor = None,
) -> Page[AnswerFacts]:
    """In the order of answering: one's own, or everybody's for those who see all items. The export has more columns."""
    if not call.may("see_items"):
        if annotator not in (None, call.user.name):
            raise ForbiddenError("You may see your own answers only: ask somebody who leads the project.")
        annotator = call.user.name
    with call.project.store() as store:
        rows = store.answers.some(place_of(cursor) or 0, limit + 1, annotator)
    shown = page(rows, limit, lambda row: row["id"])
    config = call.project.config
    return Page(
        items=[AnswerFacts.model_validate(row | {"label": label_of(row["label"], config)}) for row in shown.items],
        next=shown.next,
    )


def _receipts(call: ProjectCall, name: str, body: Answers) -> Receipts:
    config = call.project.config
    with call.project.store() as store:
        receipts = taken(store, name, body, offered_only=not call.may("review"))
        progress = progress_of(store, name)
    values = [
        row | {"prediction": _guess(row["prediction"], config), "others": _others(row["others"], config)}
        for row in in_words(receipts)
    ]
    return Receipts.model_validate({"receipts": values, "progress": progress})


def _asked(reserved: Reserved, call: ProjectCall, others: Sequence[ModelSays]) -> dict[str, Any]:
    values, item, project = asked_item(reserved, call.project, others), reserved.item, call.project
    return values | {
        "source": item.source if call.may("see_items") else None,
        "picture": picture_address(item, project),
        "prediction": _guess(values["prediction"], project.config),
        "others": _others(values["others"], project.config),
    }


def _guess(prediction: dict[str, Any] | None, config: Config) -> dict[str, Any] | None:
    return prediction and prediction | {"label": label_of(prediction["label"], config)}


def _others(said: Iterable[dict[str, Any]], config: Config) -> list[dict[str, Any]]:
    return [each | {"label": label_of(each["label"], config)} for each in said]


def _annotator(call: ProjectCall, asked: Named) -> str:
    """In whose name a program labels.

    Raises: ForbiddenError: in somebody else's, where people have accounts. RequestError: the name is reserved.
    """
    name = asked.annotator or call.user.name
    if name != call.user.name and call.user.account is not None:
        raise ForbiddenError("Nobody answers in somebody else's name: make a token of that account.")
    if is_reserved(name):
        raise RequestError("The name {name!r} is reserved: choose another.", name=name)
    return name


def _stored(label: Label | None, config: Config) -> str | None:
    """A label as it is stored. One that is none of the project's goes on as it is, and its receipt says so."""
    if label is None or (isinstance(label, str) and not (config.several and label in config.classes)):
        return label
    names = [label] if isinstance(label, str) else label
    if not config.several:
        return names[0] if len(names) == 1 else as_text(names)
    return join(names, config) if {*names} <= {*config.classes} else as_text(names)
