"""The review: GET /projects/{p}/review · GET, POST /projects/{p}/decisions · DELETE …/decisions/{number}."""

import uuid
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, Field

from labeler.api.requests import LARGEST_ID
from labeler.api.v1.frame import (
    LARGEST_NUMBER,
    WHOLE,
    Body,
    Cursor,
    Limit,
    Page,
    ProjectCall,
    in_project,
    page,
    place_of,
    resource,
)
from labeler.api.v1.labels import Label, label_of, text_of
from labeler.core.errors import LabelerError, MissingError
from labeler.core.items import AdjudicationAction
from labeler.core.settings import Config
from labeler.quality.review import Case, Findings, matching, waiting
from labeler.store import Store
from labeler.store.database import Row

router = resource("Review")

MOST_REASON = 2_000  # characters


class Opinion(BaseModel):
    """The prediction of models that were not trained on the item's label."""

    predicted: Label
    confidence: float
    wrong: float = Field(description="The probability that the item's label is wrong.")


class AnswerToItem(BaseModel):
    annotator: str
    action: str
    label: Label | None
    unsure: bool
    note: str | None
    at: str


class ReviewCase(BaseModel):
    """An item that is worth a second look."""

    item_id: int
    label: Label | None = Field(description="Its label now; one class, or several; null without one.")
    reasons: list[str]
    benefit: float = Field(description="The probability that a decision changes the label.")
    opinion: Opinion | None
    answers: list[AnswerToItem] = Field(description="That hold, the oldest first.")


class Decision(Body):
    """What is decided about an item."""

    item_id: Annotated[int, Field(ge=0, le=LARGEST_NUMBER), WHOLE]
    action: AdjudicationAction = Field(
        description="`label`: this is its label. `exclude`: it is taken out. `return`: one more annotator is asked."
    )
    label: Label | None = Field(None, description="For `label`: a class, or a list of classes.")
    reason: str = Field("", max_length=MOST_REASON)
    request_id: str | None = Field(
        None, min_length=1, max_length=200, description="The same decision, sent twice under it, is stored once."
    )


class StoredDecision(BaseModel):
    id: int
    item_id: int
    by: str
    action: AdjudicationAction
    label: Label | None
    before: Label | None = Field(description="The item's label before.")
    reason: str
    at: str
    undone: bool


@router.get("/projects/{p}/review", summary="Items that are worth a second look")
def review_queue(
    call: Annotated[ProjectCall, in_project("read", "review")],
    reason: Annotated[
        str | None, Query(max_length=100, description="Only cases with this one of the `reasons`.")
    ] = None,
    of_class: Annotated[str | None, Query(max_length=200, description="Only cases with this class.")] = None,
    annotator: Annotated[str | None, Query(max_length=200, description="Only cases that this person answered.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReviewCase]:
    """The one whose decision is most likely to change a label comes first, as on the page Review."""
    after = _place(cursor)
    with call.project.store() as store:
        cases = matching(waiting(store, Findings(store.audits.latest_report())), reason, of_class, annotator)
        left = [case for case in cases if after is None or [*case.place] > after]
        part = page(left[: limit + 1], limit, lambda case: [*case.place])
        shown = [_case(store, case, call.project.config) for case in part.items]
    return Page(items=shown, next=part.next)


@router.get("/projects/{p}/decisions", summary="The decisions")
def all_decisions(
    call: Annotated[ProjectCall, in_project("read", "review")], limit: Limit = 50, cursor: Cursor = None
) -> Page[StoredDecision]:
    """The latest first, those that were taken back among them."""
    with call.project.store() as store:
        rows = store.decisions.latest(limit + 1, place_of(cursor))
    part = page(rows, limit, lambda row: row["id"])
    return Page(items=[_stored(row, call.project.config) for row in part.items], next=part.next)


@router.post("/projects/{p}/decisions", status_code=201, summary="Decide about an item")
def decide(call: Annotated[ProjectCall, in_project("label", "review")], decision: Decision) -> StoredDecision:
    """It holds whatever annotators answer before or later."""
    config, wanted = call.project.config, decision
    with call.project.store() as store:
        number = store.decisions.add(
            call.user.name,
            f"{call.user.name}:{wanted.request_id or uuid.uuid4().hex}",
            wanted.item_id,
            wanted.action,
            text_of(wanted.label, config),
            wanted.reason,
        )
        (row,) = store.decisions.latest(1, number + 1)
    return _stored(row, config)


@router.delete("/projects/{p}/decisions/{number}", status_code=204, summary="Take a decision back")
def undo_decision(
    call: Annotated[ProjectCall, in_project("label", "review")],
    number: Annotated[int, Path(ge=0, le=LARGEST_ID, description="`id` of a decision of your own.")],
) -> None:
    """The decision before it holds again, if there is one."""
    with call.project.store() as store:
        if store.decisions.undo(call.user.name, number) is None:
            raise MissingError("You have no such decision to take back.")


def _place(cursor: str | None) -> list[Any] | None:
    """The place of a case, see `Case.place`. Raises: LabelerError."""
    place: list[Any] | None = place_of(cursor, list)
    if place is not None and [type(part) for part in place] != [bool, bool, float, int]:
        raise LabelerError("'cursor' must be the 'next' of the page before.")
    return place


def _case(store: Store, case: Case, config: Config) -> ReviewCase:
    opinion = case.opinion and Opinion(
        predicted=label_of(case.opinion.predicted, config) or [],
        confidence=case.opinion.confidence,
        wrong=case.opinion.wrong,
    )
    answers = [
        AnswerToItem(
            label=label_of(row["label"], config),
            unsure=bool(row["unsure"]),
            **{name: row[name] for name in ("annotator", "action", "note", "at")},
        )
        for row in store.reviews.answers_to(case.item_id)
    ]
    return ReviewCase(
        item_id=case.item_id,
        label=label_of(case.label, config),
        reasons=[*case.reasons],
        benefit=case.benefit,
        opinion=opinion,
        answers=answers,
    )


def _stored(row: Row, config: Config) -> StoredDecision:
    labels = {name: label_of(row[name], config) for name in ("label", "before")}
    return StoredDecision(**row | labels | {"undone": bool(row["undone"]), "reason": row["reason"] or ""})
