"""The accounts of a home: who may log in, and who is an admin."""

from typing import Any
from urllib.parse import quote

from labeler.access.users import Role
from labeler.client.calls import Call, Steps
from labeler.client.verbs.base import entries
from labeler.projects.home_accounts import AccountFacts, RoleInProject


class AccountVerbs:
    """What an admin can ask of the accounts of a server, as steps: see `labeler.client.calls`."""

    def accounts(self) -> Steps[list[AccountFacts]]:
        """All accounts, by name."""
        return [_facts(entry) for entry in (yield from entries("/accounts"))]

    def change_account(self, name: str, *, disabled: bool | None = None, admin: bool | None = None) -> Steps[None]:
        """Disable an account, whose log-ins all end at once, or let it in again; make it an admin, or not one any more.

        Args:   disabled, admin: None: stays as it is.
        Raises: LabelerError: there is none of this name, or nobody would be an admin.
        """
        yield Call("PATCH", f"/accounts/{quote(name, safe='')}", body={"is_disabled": disabled, "is_admin": admin})

    def invite(
        self, name: str | None = None, *, project: str | None = None, role: Role = "annotator", admin: bool = False
    ) -> Steps[str]:
        """The last part of the link by which somebody makes an account, within a week; it works once.

        Args:   name: of the account; None: they choose it. project: folder or uid, in which they have the `role`.
        Raises: LabelerError: the name is taken or impossible, or there is no such project.
        """
        body = {"name": name, "project": project, "role": role, "is_admin": admin}
        return str((yield Call("POST", "/invitations", body=body))["link"])

    def password_link(self, name: str) -> Steps[str]:
        """The last part of the link by which somebody chooses a new password, within a day; it works once.

        Raises: LabelerError: there is no account of this name.
        """
        return str((yield Call("POST", "/password-links", body={"name": name}))["link"])


def _facts(entry: dict[str, Any]) -> AccountFacts:
    return AccountFacts(**entry | {"roles": tuple(RoleInProject(**role) for role in entry["roles"])})
