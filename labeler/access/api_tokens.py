"""Tokens for programs that use the API: shown once, for chosen projects, until they expire or are revoked."""

import secrets
import time
from collections.abc import Collection
from typing import Literal, get_args

from labeler.access.accounts import accounts, as_user, digest
from labeler.access.settings import access_mode
from labeler.access.users import User
from labeler.core.actor import Actor
from labeler.core.errors import AccessError
from labeler.store.accounts import Account
from labeler.store.accounts.api_tokens import ApiToken

PREFIX = "labeler_"  # tells these tokens from the desk's, and helps who searches for leaked ones
DAY = 86_400.0
MOST_DAYS = 366

Scope = Literal["read", "label"]  # `read`: GET alone


def make(account: Account, purpose: str, scope: Scope, projects: Collection[str], days: float, by: Actor) -> str:
    """A new token, which is shown this once: only its hash is stored.

    Args:   purpose: what it is for, in words. projects: the uids of those that it opens, as far as the account may.
    Raises: AccessError: it opens no project, says no purpose, or would live too long.
    """
    if not purpose.strip() or not projects or scope not in get_args(Scope) or not 0 < days <= MOST_DAYS:
        raise AccessError("A token needs a purpose, a project, and 1 to {most} days.", most=MOST_DAYS)
    token, now, store = PREFIX + secrets.token_urlsafe(32), time.time(), accounts()
    with store.db.write():
        number = store.api_tokens.add(
            digest(token), account.id, purpose.strip(), scope, projects, now, now + days * DAY
        )
        what = {"name": account.name, "token": number, "purpose": purpose.strip()}
        opens = {"scope": scope, "projects": sorted(projects), "days": days}
        store.audit.record(by, "API token made", what, after=opens)
    return token


def revoke(token: ApiToken, by: Actor) -> None:
    """End a token at once. Raises: AccessError: it was revoked before."""
    store = accounts()
    with store.db.write():
        if not store.api_tokens.revoke(token.id, time.time()):
            raise AccessError("This token was revoked before.")
        what = {"name": token.account.name, "token": token.id, "purpose": token.purpose}
        store.audit.record(by, "API token revoked", what)


def user_of_api_token(secret: str, project: str) -> tuple[User, Scope]:
    """Whose token this is, and its scope.

    Raises: AccessError: there is no such token, it has ended, or it is for other projects.
    """
    token = None if access_mode() == "none" else accounts().api_tokens.of_secret(digest(secret), time.time())
    if token is None or project not in token.projects:
        raise AccessError("The API token is unknown, has ended, or is for other projects.")
    return as_user(token.account, ""), token.scope


def owner(secret: str) -> User | None:
    """Whose token this is, whichever projects it opens; None where there is no such token, or it has ended."""
    token = accounts().api_tokens.of_secret(digest(secret), time.time())
    return as_user(token.account, "") if token else None
