"""Tokens with which programs use the API in somebody's name: stored as hashes, for some projects and some time."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from labeler.store.accounts.accounts import COLUMNS as ACCOUNT
from labeler.store.accounts.accounts import Account, as_account
from labeler.store.database import Connection

COLUMNS = "t.id, t.purpose, t.scope, t.projects, t.created_at, t.expires_at, t.used_at, t.revoked_at"
USED_EVERY = 60.0  # seconds to which the last use is known: most requests write nothing


@dataclass(frozen=True)
class ApiToken:
    """A token, without its secret. Times are seconds since the epoch."""

    id: int
    account: Account
    purpose: str
    scope: Any  # of `labeler.access.api_tokens.Scope`
    projects: tuple[str, ...]  # uids
    created_at: float
    expires_at: float
    used_at: float | None
    revoked_at: float | None


class ApiTokens:
    """The API tokens of a home."""

    def __init__(self, db: Connection) -> None:
        self.db = db

    # wide: the columns of a row
    def add(
        self, secret: str, account: int, purpose: str, scope: str, projects: Collection[str], at: float, until: float
    ) -> int:
        """The id of a new token. Args: secret: its hash. at, until: when it is made and when it expires."""
        row = {"secret": secret, "account": account, "purpose": purpose, "scope": scope}
        with self.db.write():
            self.db.insert(
                "api_tokens", row | {"projects": json.dumps(sorted(projects)), "created_at": at, "expires_at": until}
            )
            return int(self.db.value("SELECT MAX(id) FROM api_tokens"))

    def of_secret(self, secret: str, at: float) -> ApiToken | None:
        """The token with this hash; None if it was revoked, has expired, or its account is disabled."""
        tokens = self._all("t.secret = ? AND t.revoked_at IS NULL AND t.expires_at > ?", [secret, at])
        if not tokens or tokens[0].account.disabled_at:
            return None
        used_at = tokens[0].used_at
        if used_at is None or at - used_at >= USED_EVERY:
            with self.db.write():
                self.db.execute("UPDATE api_tokens SET used_at = ? WHERE id = ?", [at, tokens[0].id])
        return tokens[0]

    def all(self) -> list[ApiToken]:
        """All tokens that were ever made, in that order."""
        return self._all("1", [])

    def revoke(self, number: int, at: float) -> bool:
        """End a token; whether it had not ended before."""
        with self.db.write():
            return bool(
                self.db.execute(
                    "UPDATE api_tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", [at, number]
                ).rowcount
            )

    def _all(self, condition: str, values: list[Any]) -> list[ApiToken]:
        rows = self.db.execute(
            f"SELECT {COLUMNS}, {ACCOUNT} FROM api_tokens t JOIN accounts a ON a.id = t.account"
            f" WHERE {condition} ORDER BY t.id",
            values,
        ).fetchall()
        return [
            ApiToken(row[0], as_account(row[8:]), row[1], row[2], tuple(json.loads(row[3])), *row[4:8]) for row in rows
        ]
