"""What an admin does about the accounts of a home, by their names: the same for commands and for the API.

`labeler.client.Server` has the same methods for a home on a server.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from labeler.access import accounts as access
from labeler.access.home import home
from labeler.access.settings import access_mode
from labeler.access.users import Role
from labeler.core.actor import Actor
from labeler.core.errors import AccessError, LabelerError
from labeler.i18n.messages import Message
from labeler.projects import people
from labeler.projects.project import serve_named
from labeler.store.accounts import Account

LINK = "account/invitation/"  # what stands before the secret in a link, below the server's address


@dataclass(frozen=True)
class RoleInProject:
    """What an account is in a project. folder: its name; None: the project is gone, or cannot be read."""

    project: str
    folder: str | None
    role: Role


@dataclass(frozen=True)
class AccountFacts:
    """An account, for admins. since: when it was made."""

    name: str
    is_admin: bool
    is_disabled: bool
    since: str
    roles: tuple[RoleInProject, ...]


class HomeAccounts:
    """The accounts of this process's home. Each method raises a LabelerError where something cannot be done."""

    def __init__(self, by: Actor) -> None:
        """
        Args: by: who does it.
        """
        self.by = by

    def accounts(self) -> list[AccountFacts]:
        """All accounts, by name."""
        folders = {project.uid: project.slug for project in people.readable(home())}
        return [_facts(account, folders) for account in access.accounts().accounts.all()]

    def change_account(self, name: str, *, disabled: bool | None = None, admin: bool | None = None) -> None:
        """Disable an account, whose log-ins all end at once, or let it in again; make it an admin, or not one any more.

        Args: disabled, admin: None: stays as it is.
        """
        account = access.account_named(name)
        with _refused():
            if disabled is not None and disabled != (account.disabled_at is not None):
                access.disable(account, self.by, disabled)
            if admin is not None and admin != account.is_admin:
                access.set_admin(account, admin, self.by)

    def invite(
        self, name: str | None = None, *, project: str | None = None, role: Role = "annotator", admin: bool = False
    ) -> str:
        """The last part of the link by which somebody makes an account, within a week; it works once.

        Args: name: of the account; None: they choose it. project: folder or uid, in which they have the `role`.
        """
        uid = serve_named(home(), project).uid if project else None
        with _refused():
            return LINK + access.invite(self.by, name, uid, role if uid else None, admin)

    def password_link(self, name: str) -> str:
        """The last part of the link by which somebody chooses a new password, within a day; it works once."""
        if access_mode() != "local":
            raise LabelerError("People do not log in with passwords here.")
        return LINK + access.reset_link(self.by, access.account_named(name))


def _facts(account: Account, folders: dict[str, str]) -> AccountFacts:
    roles = access.accounts().members.roles_of(account.id)
    return AccountFacts(
        account.name,
        account.is_admin,
        account.disabled_at is not None,
        account.created_at,
        tuple(RoleInProject(uid, folders.get(uid), cast("Role", role)) for uid, role in roles.items()),
    )


@contextmanager
def _refused() -> Iterator[None]:
    """An error about an account that is no question of who asks."""
    try:
        yield
    except AccessError as error:
        raise LabelerError("{problem}", problem=Message.of(error)) from error
