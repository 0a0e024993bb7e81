"""Who has which role: GET /projects/{p}/members · PUT, DELETE /projects/{p}/members/{name}."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel

from labeler.access import accounts as access
from labeler.access.home import home
from labeler.access.users import Role
from labeler.api.v1.frame import Body, Cursor, Limit, Page, ProjectCall, in_project, page, place_of, resource
from labeler.core.actor import name_order
from labeler.core.errors import MissingError

router = resource("Members")


class Member(BaseModel):
    name: str
    role: Role


class NewRole(Body):
    role: Role


Name = Annotated[str, Path(max_length=200, description="Of an account.")]


@router.get("/projects/{p}/members", summary="The members and their roles")
def all_members(
    call: Annotated[ProjectCall, in_project("read", "manage_members")], limit: Limit = 50, cursor: Cursor = None
) -> Page[Member]:
    """By name. Admins of the server may do everything and need no role."""
    after = place_of(cursor, str)
    left = [member for member in _members(call) if after is None or name_order(member.name) > name_order(after)]
    return page(left, limit, lambda member: member.name)


@router.put("/projects/{p}/members/{name:path}", summary="Give a role")
def give_role(
    call: Annotated[ProjectCall, in_project("administer", "manage_members")], name: Name, new: NewRole
) -> Member:
    """Somebody who has an account becomes a member, or gets another role."""
    access.check_accounts()
    access.change_role(call.user, name, call.project.uid, new.role, call.actor)
    return Member(name=access.account_named(name).name, role=new.role)


@router.delete("/projects/{p}/members/{name:path}", status_code=204, summary="End a membership")
def remove_member(call: Annotated[ProjectCall, in_project("administer", "manage_members")], name: Name) -> None:
    """Answers stay, under the same name."""
    members = {member.name for member in _members(call)}
    account = access.accounts().accounts.by_name(name)
    if account is None or account.name not in members:
        raise MissingError("{name!r} is no member of this project.", name=name)
    access.change_role(call.user, name, call.project.uid, None, call.actor)


def _members(call: ProjectCall) -> list[Member]:
    return [Member(name=name, role=role) for name, role in access.roles_in(home(), call.project.uid).items()]
