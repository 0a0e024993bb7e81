"""People: their names, passwords and identities at a provider."""

from dataclasses import dataclass

from labeler.core.actor import name_order
from labeler.core.errors import AccessError
from labeler.store.database import Connection, Row, now
from labeler.store.driver import sqlite3

COLUMNS = "a.id, a.name, a.issuer, a.subject, a.is_admin, a.created_at, a.disabled_at, a.password IS NOT NULL"


@dataclass(frozen=True)
class Account:
    """Somebody who can work in this home. `name` never changes: it is stored with every answer."""

    id: int
    name: str
    issuer: str | None
    subject: str | None
    is_admin: bool
    created_at: str
    disabled_at: str | None
    has_password: bool


def as_account(row: tuple[object, ...]) -> Account:
    """A row of `COLUMNS`."""
    number, name, issuer, subject, is_admin, created_at, disabled_at, has_password = row
    return Account(number, name, issuer, subject, bool(is_admin), created_at, disabled_at, bool(has_password))  # type: ignore[arg-type]


class AccountsTable:
    """The accounts themselves."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    def add(
        self,
        name: str,
        password: str | None = None,
        identity: tuple[str, str] | None = None,
        is_admin: bool = False,
    ) -> Account:
        """The new account.

        Args:   password: its hash. identity: issuer and subject at an identity provider.
        Raises: AccessError: an account has this name, or one that differs in case alone.
        """
        issuer, subject = identity or (None, None)
        row: Row = {"name": name, "password": password, "issuer": issuer, "subject": subject}
        try:
            self.db.insert("accounts", row | {"is_admin": is_admin, "created_at": now()})
        except sqlite3.IntegrityError:
            raise AccessError("There is an account with the name {name!r} already.", name=name) from None
        account = self.by_name(name)
        assert account is not None
        return account

    def by_id(self, number: int) -> Account | None:
        return self._one("a.id = ?", number)

    def by_name(self, name: str) -> Account | None:
        """The account with this name, in whatever case it is written."""
        return self._one("a.name = ?", name)

    def by_identity(self, issuer: str, subject: str) -> Account | None:
        return self._one("a.issuer = ? AND a.subject = ?", issuer, subject)

    def all(self) -> list[Account]:
        """All accounts, by name."""
        everybody = map(as_account, self.db.execute(f"SELECT {COLUMNS} FROM accounts a"))
        return sorted(everybody, key=lambda account: name_order(account.name))  # SQLite's order is that of ASCII

    def admins(self) -> list[Account]:
        """Accounts of admins that are not disabled."""
        return [account for account in self.all() if account.is_admin and not account.disabled_at]

    def password_of(self, number: int) -> str | None:
        """The hash of an account's password."""
        return self.db.value("SELECT password FROM accounts WHERE id = ?", [number])

    def set_password(self, number: int, password: str) -> None:
        """Store the hash of a new password."""
        with self.db.write():
            self.db.execute("UPDATE accounts SET password = ? WHERE id = ?", [password, number])

    def set_admin(self, number: int, is_admin: bool) -> None:
        with self.db.write():
            self.db.execute("UPDATE accounts SET is_admin = ? WHERE id = ?", [is_admin, number])

    def set_disabled(self, number: int, is_disabled: bool) -> None:
        """Disable an account, whose sessions end with it, or enable it again."""
        with self.db.write():
            self.db.execute(
                "UPDATE accounts SET disabled_at = ? WHERE id = ?", [now() if is_disabled else None, number]
            )

    def _one(self, condition: str, *values: object) -> Account | None:
        row = self.db.execute(f"SELECT {COLUMNS} FROM accounts a WHERE {condition}", values).fetchone()
        return as_account(row) if row else None
