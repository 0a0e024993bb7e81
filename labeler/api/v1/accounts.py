"""The accounts of the home: GET /accounts · PATCH /accounts/{name} · POST /invitations, /password-links."""

from dataclasses import asdict
from typing import Annotated

from fastapi import Path, Response
from pydantic import BaseModel, Field

from labeler.access import accounts as access
from labeler.access.users import Role
from labeler.api.v1.frame import Body, Call, Cursor, Limit, Page, in_home, page, place_of, resource
from labeler.api.v1.once import NO_STORE
from labeler.core.actor import name_order
from labeler.projects.home_accounts import AccountFacts, HomeAccounts

router = resource("Accounts")


class RoleOfAccount(BaseModel):
    project: str = Field(description="Its uid.")
    folder: str | None = Field(description="Its folder's name; null: the project is gone.")
    role: Role


class AccountOfHome(BaseModel):
    """Somebody who can work in this home. `PUT /projects/{p}/members/{name}` gives a role."""

    name: str
    is_admin: bool
    is_disabled: bool
    since: str
    roles: list[RoleOfAccount]


class AccountChange(Body):
    is_disabled: bool | None = Field(None, description="Disabling ends all log-ins at once. null: stays as it is.")
    is_admin: bool | None = Field(None, description="null: stays as it is.")


class NewInvitation(Body):
    name: str | None = Field(None, max_length=200, description="Of the account; null: who is invited chooses it.")
    project: str | None = Field(None, max_length=255, description="Uid or folder of one to be a member of.")
    role: Role = Field("annotator", description="In that project.")
    is_admin: bool = False


class NewPasswordLink(Body):
    name: str = Field(max_length=200, description="Of an account.")


class Link(BaseModel):
    link: str = Field(description="Comes after the address at which people open the labeler. It works once.")


Name = Annotated[str, Path(max_length=200, description="Of an account.")]


@router.get("/accounts", summary="All accounts")
def all_accounts(
    call: Annotated[Call, in_home("administer", "manage_accounts")], limit: Limit = 50, cursor: Cursor = None
) -> Page[AccountOfHome]:
    """By name, with their roles in projects."""
    access.check_accounts()
    after = place_of(cursor, str)
    found = HomeAccounts(call.actor).accounts()
    left = [_shown(facts) for facts in found if after is None or name_order(facts.name) > name_order(after)]
    return page(left, limit, lambda facts: facts.name)


@router.patch("/accounts/{name:path}", summary="Disable an account, or make it an admin")
def change_account(
    call: Annotated[Call, in_home("administer", "manage_accounts")], name: Name, change: AccountChange
) -> AccountOfHome:
    """Answers stay, under the same name. One admin is left in any case."""
    access.check_accounts()
    home = HomeAccounts(call.actor)
    home.change_account(name, disabled=change.is_disabled, admin=change.is_admin)
    changed = access.account_named(name).name
    return next(_shown(facts) for facts in home.accounts() if facts.name == changed)


@router.post("/invitations", status_code=201, summary="Invite somebody")
def invite(
    call: Annotated[Call, in_home("administer", "manage_accounts")], new: NewInvitation, response: Response
) -> Link:
    """A link by which somebody makes an account within a week."""
    access.check_accounts()
    response.headers["Cache-Control"] = NO_STORE
    link = HomeAccounts(call.actor).invite(new.name, project=new.project, role=new.role, admin=new.is_admin)
    return Link(link=link)


@router.post("/password-links", status_code=201, summary="A link for a new password")
def make_password_link(
    call: Annotated[Call, in_home("administer", "manage_accounts")], new: NewPasswordLink, response: Response
) -> Link:
    """By which the owner of an account chooses a new password within a day."""
    access.check_accounts()
    response.headers["Cache-Control"] = NO_STORE
    return Link(link=HomeAccounts(call.actor).password_link(new.name))


def _shown(facts: AccountFacts) -> AccountOfHome:
    return AccountOfHome(**asdict(facts))
