"""Where new items come from by themselves: GET, POST /projects/{p}/feeds · GET, PATCH, DELETE
/projects/{p}/feeds/{name} · POST /projects/{p}/feeds/{name}/look-now · GET /projects/{p}/feeds/{name}/looks.
"""

import json
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import BaseModel, Field

from labeler.api.problems import address
from labeler.api.v1.frame import WHOLE, Body, Cursor, Limit, Page, ProjectCall, in_project, page, place_of, resource
from labeler.core.feeds import Feed, FeedLook
from labeler.core.settings import FeedConfig, FeedKind
from labeler.i18n.messages import translate
from labeler.jobs import feeds

router = resource("Feeds")

FEEDS = "/projects/{p}/feeds"
FEED = FEEDS + "/{name}"
Name = Annotated[str, Path(max_length=200, description="Of a feed.")]
Column = Annotated[str | None, Field(max_length=200)]


class FeedSettings(Body):
    """Settings of a feed; those that are not given stay as they are, or have their defaults. See docs/feeds.md."""

    kind: FeedKind | None = None
    place: str | None = Field(
        None, max_length=2000, description="Folder, address of objects, name of a database, or web address."
    )
    every: Annotated[int | None, Field(ge=1, le=100_000, description="Minutes between two looks."), WHOLE] = None
    paused: bool | None = Field(None, description="Whether nobody looks for new items there.")
    query: str | None = Field(None, max_length=20_000, description="Of a database: the rows behind `:since`.")
    cursor: Column = Field(None, description="Column whose values only grow.")
    start: str | None = Field(None, max_length=200, description="`:since` or `{since}` before the first look.")
    text: Column = Field(None, description="Column of the texts.")
    image: Column = Field(None, description="Column with the addresses of the images.")
    label: Column = Field(None, description="Column of known labels.")
    group: Column = Field(None, description="Column of what items belong to; `folder`: their folder.")

    @property
    def given(self) -> dict[str, Any]:
        """The settings that the request names."""
        return self.model_dump(include={*FeedSettings.model_fields}, exclude_none=True)


class NewFeed(FeedSettings):
    name: str = Field(min_length=1, max_length=40, examples=["inbox"])
    kind: FeedKind
    place: str = Field(
        min_length=1,
        max_length=2000,
        description="Folder, address of objects, name of a database, or web address.",
        examples=["/srv/inbox"],
    )


class NotImported(BaseModel):
    source: str
    reason: str


class FeedLookFacts(BaseModel):
    """A look at a feed. ended_at: null: it is at work, or was cut off."""

    id: int
    began_at: str
    ended_at: str | None
    step: str = Field(description="What a look does that is at work.")
    done: int = Field(description="Files, records or rows of this step so far.")
    total: int = Field(description="Of how many; 0: that is not known.")
    bytes: int = Field(description="That were read.")
    added: int = Field(description="Items that it has brought.")
    refused: int = Field(description="Files, records or rows that could not be imported.")
    problem: str | None = Field(description="Why it failed; null: it did not.")


class FeedStateFacts(BaseModel):
    """What came of a feed."""

    cursor: str | int | float | None = Field(description="The largest value that was read; null: none was.")
    next_at: float = Field(description="Unix time of the next look.")
    looked_at: str | None = Field(description="When it was looked at last with success.")
    items: int = Field(description="That it has brought in all.")
    latest: int = Field(description="Items that the last look has brought that brought any.")
    latest_at: str | None
    refused: list[NotImported] = Field(description="What could not be imported lately, the first ones.")
    failures: int = Field(description="Looks in a row that failed.")
    failing_since: str | None
    problem: str | None = Field(description="Why the last look failed; null: it did not.")
    looking: FeedLookFacts | None = Field(description="The look that is at work.")


class FeedFacts(BaseModel):
    name: str
    settings: FeedConfig
    state: FeedStateFacts
    is_due: bool = Field(description="Whether it is to be looked at now, or is being looked at.")


@router.get(FEEDS, summary="The feeds")
def every_feed(
    call: Annotated[ProjectCall, in_project("read", "import_items")], limit: Limit = 50, cursor: Cursor = None
) -> Page[FeedFacts]:
    """By name, with what came of each."""
    after = place_of(cursor, str)
    found = sorted(feeds.all_feeds(call.project), key=lambda feed: feed.name)
    return page([_facts(feed) for feed in found if after is None or feed.name > after], limit, lambda facts: facts.name)


@router.post(FEEDS, status_code=201, summary="Add a feed")
def add_feed(
    call: Annotated[ProjectCall, in_project("manage", "import_items")], response: Response, new: NewFeed
) -> FeedFacts:
    """The worker looks at it within seconds. Whoever runs the server names what it may read, see docs/feeds.md."""
    project = feeds.add(call.project, new.name, FeedConfig(**new.given))
    response.headers["Location"] = address(f"/projects/{call.project.uid}/feeds/{new.name}")
    return _facts(feeds.get(project, new.name))


@router.get(FEED, summary="A feed, and what came of it")
def one_feed(call: Annotated[ProjectCall, in_project("read", "import_items")], name: Name) -> FeedFacts:
    return _facts(feeds.get(call.project, name))


@router.patch(FEED, summary="Change a feed, pause it, or let it go on")
def change_feed(
    call: Annotated[ProjectCall, in_project("manage", "import_items")], name: Name, changes: FeedSettings
) -> FeedFacts:
    """`{"paused": true}` pauses it. Where it reads from another place, or with another cursor, it begins anew."""
    return _facts(feeds.get(feeds.change(call.project, name, **changes.given), name))


@router.delete(FEED, status_code=204, summary="Remove a feed")
def remove_feed(call: Annotated[ProjectCall, in_project("manage", "import_items")], name: Name) -> None:
    """Its items stay."""
    feeds.remove(call.project, name)


@router.post(FEED + "/look-now", status_code=202, summary="Look at a feed now")
def look_at_feed(call: Annotated[ProjectCall, in_project("manage", "import_items")], name: Name) -> FeedFacts:
    """The worker looks at it within seconds; `is_due` says whether it still does."""
    feeds.look_now(call.project, name)
    return _facts(feeds.get(call.project, name))


@router.get(FEED + "/looks", summary="The latest looks at a feed")
def feed_looks(
    call: Annotated[ProjectCall, in_project("read", "import_items")],
    name: Name,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[FeedLookFacts]:
    """The latest first, with what came of each; 50 are kept."""
    found = feeds.looks(call.project, name, limit + 1, before=place_of(cursor))
    return page([_look(look) for look in found], limit, lambda facts: facts.id)


def _facts(feed: Feed) -> FeedFacts:
    return FeedFacts(name=feed.name, settings=feed.settings, state=_state(feed), is_due=feed.is_due)


def _state(feed: Feed) -> FeedStateFacts:
    state = feed.state
    values = {name: getattr(state, name) for name in FeedStateFacts.model_fields}
    return FeedStateFacts(
        **values
        | {
            "cursor": _shown_cursor(feed.settings.kind, state.cursor),
            "refused": [NotImported(source=p.source, reason=translate(p.reason)) for p in state.refused],
            "problem": translate(state.problem) or None,
            "looking": state.looking and _look(state.looking),
        }
    )


def _shown_cursor(kind: FeedKind, kept: Any) -> str | int | float | None:
    """The value of a cursor; what is no text or number in a record of the web is shown as JSON."""
    if kind == "sql" and isinstance(kept, dict):
        (kept,) = kept.values()  # such as a time
    return kept if kept is None or isinstance(kept, str | int | float) else json.dumps(kept, ensure_ascii=False)


def _look(look: FeedLook) -> FeedLookFacts:
    values = {name: getattr(look, name) for name in FeedLookFacts.model_fields}
    return FeedLookFacts(**values | {"step": translate(look.step), "problem": translate(look.problem) or None})
