"""Items of a project: listed and searched, added, looked at one by one, with their metadata and pictures."""

from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from labeler.api import pictures
from labeler.api.endpoint import Drawing, Later, settled
from labeler.api.problems import address
from labeler.api.v1 import frame
from labeler.api.v1.frame import (
    Body,
    Cursor,
    ItemId,
    Limit,
    Page,
    ProjectCall,
    cursor_of,
    in_project,
    page,
    place_of,
)
from labeler.api.v1.labels import Label, label_of
from labeler.client import tables
from labeler.core.errors import ForbiddenError, LabelerError, MissingError
from labeler.core.items import Item, Split
from labeler.core.labels import cell_of
from labeler.files.sources import SourceColumns
from labeler.i18n.messages import translate
from labeler.projects.columns import shown
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from labeler.store.catalogue import ItemFilter, Listed, State

router = frame.resource("Items")

MOST_NEW = 1000  # items in a request; more are an import
PATIENCE = 5.0  # seconds that new items wait for an import; a long one would keep threads from who labels
SEARCH_SECONDS = 1.0  # after which a search replies with what it has found
COLUMNS = ("text", "label", "split", "group")
Column = Annotated[str, Field(min_length=1, max_length=200)]


class ItemFacts(BaseModel):
    id: int
    text: str | None = Field(description="Of a text; its beginning in lists.")
    picture: str | None = Field(description="Address of the picture, for the same token; null for a text.")
    source: str | None = Field(description="Where it came from; null where the token may not see items.")
    metadata: dict[str, str] = Field(
        description="A table's other columns; what annotators see of them for an annotator."
    )
    label: Label | None = Field(description="From all answers and decisions; null: none, or not for this token.")
    labels: int | None = Field(description="Answers with a label; null: not for this token.")
    split: Split | None = Field(description="null: not for this token, since nobody who labels knows it.")
    taken_out: bool
    flagged: bool


class NewItem(Body):
    text: str = Field(min_length=1, examples=["A film that stays with you."])
    label: Label | None = Field(default=None, description="Known label: a class, or a list where items have several.")
    split: Split | None = Field(default=None, description="null: the holdout is drawn by the first import.")
    group: str | None = Field(default=None, description="What it belongs to, such as a patient.")
    metadata: dict[Column, str] = Field(default={}, description="Further columns.")


class NewItems(Body):
    items: list[NewItem] = Field(min_length=1, max_length=MOST_NEW)
    keep_labels: Literal["all", "holdout"] = Field(
        default="all", description="`holdout`: labels of the pool are dropped, so that they are asked for."
    )


class Added(BaseModel):
    added: int
    duplicates: int = Field(description="Whose content was there already.")
    labels_added: int
    pool: int = Field(description="Items in the pool afterwards.")
    holdout: int
    problems: list[str] = Field(description="A sentence for each item that was not added.")


class MetadataChange(Body):
    metadata: dict[Column, str | None] = Field(description="New values by name; null takes a name out.")


@router.get("/projects/{p}/items", summary="List and search items")
# wide: each part of the query
def list_items(
    call: Annotated[ProjectCall, in_project("read", "see_items")],
    search: Annotated[
        str, Query(max_length=1000, description="Words in text or source; quoted ones stand together.")
    ] = "",
    state: State | None = None,
    label: Annotated[str | None, Query(max_length=200, description="A class of the item's label.")] = None,
    annotator: Annotated[str | None, Query(max_length=200, description="Who answered it.")] = None,
    split: Annotated[Split | None, Query(description="For those who may see the holdout.")] = None,
    limit: Limit = frame.PAGE,
    cursor: Cursor = None,
) -> Page[ItemFacts]:
    """In the order of import. Items of the holdout are listed once they have a label: nobody knows them before.

    A search through very many items replies after a second with what it has found, which may be fewer than `limit`, or
    none: it goes on with `next`, which is null once all were searched.
    """
    if split is not None and not call.may("see_holdout"):
        raise ForbiddenError("You may not see which items are in the holdout: ask somebody who leads the project.")
    wanted = ItemFilter(search, split, label, annotator, state)
    with call.project.store() as store, store.read():  # an item that is erased meanwhile would have others left out
        found = store.catalogue.after(wanted, place_of(cursor) or 0, limit + 1, SEARCH_SECONDS)
        rows = store.catalogue.page(found.ids[: limit + 1].tolist())
    listed = page([_facts(call, row) for row in rows], limit, lambda facts: facts.id)
    if listed.next is None and not found.is_complete:  # the search goes on behind what it has looked at
        return Page(items=listed.items, next=cursor_of(found.last))
    return listed


@router.post("/projects/{p}/items", status_code=201, summary="Add texts")
def add_items(call: Annotated[ProjectCall, in_project("manage", "import_items")], new: NewItems) -> Added:
    """All or none; equal texts are stored once. Files, images and more items are an import."""
    config = call.project.config
    if config.modality != "text":
        raise LabelerError("This project is of images: import their files.")
    for item in new.items:
        if taken := [name for name in item.metadata if name in COLUMNS]:
            raise LabelerError("No column of the metadata can have the name {name!r}.", name=taken[0])
    columns = SourceColumns(
        text="text", label=_if_any(new, "label"), split=_if_any(new, "split"), group=_if_any(new, "group")
    )
    rows = pd.DataFrame([_row(item) for item in new.items]).fillna("")
    with tables.written(rows) as path:
        report = import_source(call.project, path, columns, keep_labels=new.keep_labels, wait=PATIENCE)
    return Added(
        added=report.added,
        duplicates=report.duplicates,
        labels_added=report.labels_added,
        pool=report.pool,
        holdout=report.holdout,
        problems=[translate(problem) for problem in report.problems],
    )


@router.get("/projects/{p}/items/{id}", summary="An item")
def get_item(call: Annotated[ProjectCall, in_project("read", None)], id: ItemId) -> ItemFacts:
    """Annotators see those that they were given, without what others say of them."""
    with call.project.store() as store:
        rows = store.catalogue.page([id]) if call.may("see_items") else []
        item = _seen(call, id)
    return _facts(call, rows[0], item.text) if rows else _for_annotators(call, item)


@router.patch("/projects/{p}/items/{id}", summary="Change an item's metadata")
def change_item(
    call: Annotated[ProjectCall, in_project("manage", "import_items")], id: ItemId, change: MetadataChange
) -> ItemFacts:
    """What the item shows stays as it was imported; the audit log keeps the change."""
    group = call.project.config.evaluation.group_column
    if group and group in change.metadata:
        raise LabelerError("The column {column!r} holds the groups, which decide the split: it stays.", column=group)
    with call.project.store() as store:
        item = store.items.set_metadata(id, change.metadata)
        rows = store.catalogue.page([id])
    return _facts(call, rows[0], item.text) if rows else _for_annotators(call, item)


@router.get(
    "/projects/{p}/items/{id}/picture",
    summary="The picture of an image",
    response_class=Response,
    responses={200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_picture(request: Request, call: Annotated[ProjectCall, in_project("read", None)], id: ItemId) -> Response:
    """As browsers show it; of a scan through its usual window, with facts for a viewer in `X-Image`."""

    def reply() -> Response | Drawing | Later:
        item = _seen(call, id)
        if item.media is None:
            raise MissingError("There is no such picture in this project.")
        return pictures.picture(call.project, *pictures.image_of(call.project, item), pictures.wish_of(request))

    return await settled(await run_in_threadpool(reply))


def _seen(call: ProjectCall, item_id: int) -> Item:
    """The item, if the user may see it. Raises: MissingError."""
    with call.project.store() as store:
        item = store.items.get(item_id)
        if item is None or not pictures.may_see(call.project, store, call.user, item):
            raise MissingError("There is no item {id} in this project.", id=item_id)
    return item


def picture_address(item: Item, project: Project) -> str | None:
    return address(f"/projects/{project.uid}/items/{item.id}/picture") if item.media else None


def _facts(call: ProjectCall, row: Listed, text: str | None = None) -> ItemFacts:
    item = row.item
    return ItemFacts(
        id=item.id,
        text=item.text if text is None else text,
        picture=picture_address(item, call.project),
        source=item.source,
        metadata=dict(item.metadata),
        label=label_of(row.label, call.project.config),
        labels=row.labels,
        split=item.split if call.may("see_holdout") else None,
        taken_out=row.adjudicated == "exclude",
        flagged=row.open_flag,
    )


def _for_annotators(call: ProjectCall, item: Item) -> ItemFacts:
    return ItemFacts(
        id=item.id,
        text=item.text,
        picture=picture_address(item, call.project),
        source=None,
        metadata=shown(item, call.project.config),
        label=None,
        labels=None,
        split=None,
        taken_out=False,
        flagged=False,
    )


def _row(item: NewItem) -> dict[str, Any]:
    label = cell_of(item.label) if isinstance(item.label, list) else item.label
    return {**item.metadata, "text": item.text, "label": label, "split": item.split, "group": item.group}


def _if_any(new: NewItems, name: str) -> str | None:
    """The column of this name, where an item has something in it."""
    return name if any(getattr(item, name) is not None for item in new.items) else None
