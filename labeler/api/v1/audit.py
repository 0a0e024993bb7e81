"""GET /projects/{p}/audit: who did what in a project."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from labeler.api.v1.frame import Cursor, Limit, Page, ProjectCall, in_project, page, place_of, resource

router = resource("Audit")

Moment = Annotated[str | None, Query(max_length=40, description="ISO 8601, in UTC.", examples=["2026-11-27T12:00"])]


class AuditEntry(BaseModel):
    """A row of the audit log. hash: covers the row and the row before it."""

    id: int
    at: str
    action: str
    by: str
    how: str = Field(description="By a page, the desk, a command, this API or a job.")
    address: str
    what: Mapping[str, Any] = Field(description="The object of the action, by the names of its parts.")
    before: Any
    after: Any
    hash: str


# wide: a filter each
@router.get("/projects/{p}/audit", summary="Who did what, when and from where")
def audit_log(
    call: Annotated[ProjectCall, in_project("read", "see_audit")],
    by: Annotated[str | None, Query(max_length=200, description="Only what this person did.")] = None,
    action: Annotated[str | None, Query(max_length=100, description="Only this action, such as `exported`.")] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntry]:
    """The latest first. Rows are added and never changed."""
    with call.project.store() as store:
        rows = store.audit.rows(
            by=by, action=action, since=since or "", until=until or "~", most=limit + 1, before=place_of(cursor)
        )
    return page([AuditEntry(**asdict(row)) for row in rows], limit, lambda entry: entry.id)
