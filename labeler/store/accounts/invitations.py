"""Links that let somebody choose a password: for a new account, or for one that exists."""

from dataclasses import dataclass
from typing import Any

from labeler.store.database import Connection


@dataclass(frozen=True)
class Invitation:
    """A link that can be used once."""

    id: int
    account: int | None  # whose password is chosen anew; None: an account is made
    name: str | None  # of the account that is made; None: who is invited chooses it
    project: str | None
    role: Any  # of `labeler.access.users.Role`; None without a project
    is_admin: bool
    by: str
    expires_at: float


COLUMNS = "id, account, name, project, role, is_admin, by, expires_at"


class Invitations:
    """Invitations and links to reset a password."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    def add(self, secret: str, invitation: Invitation) -> None:
        """Store an invitation, whose `id` is given here, under the hash of the link's secret."""
        self.db.insert(
            "invitations",
            {
                "secret": secret,
                "account": invitation.account,
                "name": invitation.name,
                "project": invitation.project,
                "role": invitation.role,
                "is_admin": invitation.is_admin,
                "by": invitation.by,
                "expires_at": invitation.expires_at,
            },
        )

    def of_secret(self, secret: str, at: float) -> Invitation | None:
        """The invitation with this hash; None if it was used, or has expired."""
        row = self.db.execute(
            f"SELECT {COLUMNS} FROM invitations WHERE secret = ? AND used_at IS NULL AND expires_at > ?", [secret, at]
        ).fetchone()
        return _as_invitation(row) if row else None

    def open_ones(self, project: str | None, at: float) -> list[Invitation]:
        """Invitations to a project, or to the home, that can be used still."""
        rows = self.db.execute(
            f"""
            SELECT {COLUMNS} FROM invitations
            WHERE project IS ? AND account IS NULL AND used_at IS NULL AND expires_at > ? ORDER BY id
            """,
            [project, at],
        ).fetchall()
        return [_as_invitation(row) for row in rows]

    def use(self, number: int, at: float) -> bool:
        """Mark an invitation as used, also to take it back; False if it was used before."""
        with self.db.write():
            marked = self.db.execute(
                "UPDATE invitations SET used_at = ? WHERE id = ? AND used_at IS NULL", [at, number]
            )
        return marked.rowcount == 1


def _as_invitation(row: tuple[object, ...]) -> Invitation:
    number, account, name, project, role, is_admin, by, expires_at = row
    return Invitation(number, account, name, project, role, bool(is_admin), by, expires_at)  # type: ignore[arg-type]
