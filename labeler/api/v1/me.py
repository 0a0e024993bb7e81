"""GET /me: whose token a request carries."""

from typing import Annotated

from pydantic import BaseModel, Field

from labeler.access.api_tokens import Scope
from labeler.api.v1.frame import Call, in_home, resource

router = resource("Me")


class Me(BaseModel):
    name: str = Field(description="Under which answers are stored.")
    is_admin: bool
    scope: Scope
    projects: list[str] | None = Field(description="Uids of the projects that the token opens; null: all.")


@router.get("/me", summary="Whose token this is, and what it opens")
def me(call: Annotated[Call, in_home("read")]) -> Me:
    """The owner never loses a right by using a token, and never gains one."""
    opens = None if call.bearer.opens_all else list(call.bearer.projects)
    return Me(name=call.user.name, is_admin=call.user.is_admin, scope=call.bearer.scope, projects=opens)
