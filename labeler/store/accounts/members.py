"""Who has which role in which project."""

from typing import Any

from labeler.core.actor import name_order
from labeler.store.accounts.accounts import COLUMNS, Account, as_account
from labeler.store.database import Connection


class Members:
    """Roles in projects, which are named by the uid of their database."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    def role_of(self, account: int, project: str) -> Any:
        return self.db.value("SELECT role FROM memberships WHERE project = ? AND account = ?", [project, account])

    def roles_of(self, account: int) -> dict[str, str]:
        """An account's role in each project."""
        return dict(self.db.execute("SELECT project, role FROM memberships WHERE account = ?", [account]).fetchall())

    def of_project(self, project: str) -> list[tuple[Account, str]]:
        """The members of a project with their roles, by name."""
        rows = self.db.execute(
            f"""
            SELECT m.role, {COLUMNS} FROM memberships m JOIN accounts a ON a.id = m.account
            WHERE m.project = ?
            """,
            [project],
        ).fetchall()
        members = [(as_account(row[1:]), str(row[0])) for row in rows]
        return sorted(members, key=lambda member: name_order(member[0].name))

    def set_role(self, account: int, project: str, role: str | None) -> None:
        """Give an account a role in a project; None ends the membership."""
        with self.db.write():
            if role is None:
                self.db.execute("DELETE FROM memberships WHERE project = ? AND account = ?", [project, account])
            else:
                self.db.execute(
                    """
                    INSERT INTO memberships (project, account, role) VALUES (?, ?, ?)
                    ON CONFLICT (project, account) DO UPDATE SET role = excluded.role
                    """,
                    [project, account, role],
                )
