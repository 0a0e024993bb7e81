"""Tokens for programs that use the API: shown once, for chosen projects, until they expire or are revoked.

A home with accounts stores the hash of each. One without accounts signs them with its keys instead, see `signed`.
"""

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

from itsdangerous import BadSignature, URLSafeSerializer

from labeler.access.accounts import accounts, as_user, digest
from labeler.access.settings import access_mode
from labeler.access.signing_keys import KEPT, NEW_AFTER, signing_keys
from labeler.access.users import User, is_reserved
from labeler.core.actor import Actor
from labeler.core.errors import AccessError
from labeler.store.accounts import Account
from labeler.store.accounts.api_tokens import ApiToken

PREFIX = "labeler_"  # tells these tokens from the desk's, and helps who searches for leaked ones
DAY = 86_400.0
MOST_DAYS = 366
SIGNED_DAYS = int((KEPT - NEW_AFTER) / DAY)  # for which the key that has signed a token is kept in any case

# What a token may be used for; each includes those before it, and none does more than its owner may.
# `read`: GET alone. `label`: work on items. `manage`: a project. `administer`: members, and the home if it opens all
# projects.
Scope = Literal["read", "label", "manage", "administer"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
ALL_PROJECTS = "*"  # stands for those that are made later, too


@dataclass(frozen=True)
class Bearer:
    """What a valid token says. id: tells it from others, and is no secret. projects: uids of those that it opens."""

    user: User
    scope: Scope
    projects: tuple[str, ...]
    id: str

    def opens(self, project: str) -> bool:
        """Whether it is for the project with this uid, as far as its owner is a member."""
        return project in self.projects or self.opens_all

    @property
    def opens_all(self) -> bool:
        """Whether it is for all projects, also those that are made later."""
        return ALL_PROJECTS in self.projects

    def may_use(self, least: Scope) -> bool:
        """Whether its scope is this one, or a wider one."""
        return SCOPES.index(self.scope) >= SCOPES.index(least)


def make(account: Account, purpose: str, scope: Scope, projects: Collection[str], days: float, by: Actor) -> str:
    """A new token, which is shown this once: only its hash is stored.

    Args:   purpose: what it is for, in words. projects: the uids of those that it opens, as far as the account may.
    Raises: AccessError: it opens no project, says no purpose, or would live too long.
    """
    _check(purpose, scope, projects, days, MOST_DAYS)
    token, now, store = PREFIX + secrets.token_urlsafe(32), time.time(), accounts()
    with store.db.write():
        number = store.api_tokens.add(
            digest(token), account.id, purpose.strip(), scope, projects, now, now + days * DAY
        )
        what = {"name": account.name, "token": number, "purpose": purpose.strip()}
        opens = {"scope": scope, "projects": sorted(projects), "days": days}
        store.audit.record(by, "API token made", what, after=opens)
    return token


def signed(name: str, purpose: str, scope: Scope, projects: Collection[str], days: float) -> str:
    """A new token of a home without accounts, signed with its keys. It is stored nowhere and cannot be revoked by
    itself; without the file of the keys, no token is valid any more.

    Args:   name: that answers are stored under. projects: as in `make`.
    Raises: AccessError: as of `make`, or nobody may work under the name.
    """
    _check(purpose, scope, projects, days, SIGNED_DAYS)
    if is_reserved(name):
        raise AccessError("The name {name!r} is reserved: choose another.", name=name)
    claims = {"user": name, "scope": scope, "projects": sorted(projects), "until": time.time() + days * DAY}
    return PREFIX + str(_serializer().dumps(claims))


def _check(purpose: str, scope: Scope, projects: Collection[str], days: float, most: int) -> None:
    if not purpose.strip() or not projects or scope not in SCOPES or not 0 < days <= most:
        raise AccessError("A token needs a purpose, a project, and 1 to {most} days.", most=most)


def revoke(token: ApiToken, by: Actor) -> None:
    """End a token at once. Raises: AccessError: it was revoked before."""
    store = accounts()
    with store.db.write():
        if not store.api_tokens.revoke(token.id, time.time()):
            raise AccessError("This token was revoked before.")
        what = {"name": token.account.name, "token": token.id, "purpose": token.purpose}
        store.audit.record(by, "API token revoked", what)


def bearer(secret: str) -> Bearer:
    """What a token says. Raises: AccessError: there is no such token, or it has ended."""
    found = _signed(secret) if access_mode() == "none" else _stored(secret)
    if found is None:
        raise AccessError("The API token is unknown or has ended: `labeler users token` makes one.")
    return found


def user_of_api_token(secret: str, project: str) -> tuple[User, Scope]:
    """Whose token this is, and its scope.

    Raises: AccessError: there is no such token, it has ended, or it is for other projects.
    """
    found = bearer(secret)
    if not found.opens(project):
        raise AccessError("The API token is for other projects.")
    return found.user, found.scope


def owner(secret: str) -> User | None:
    """Whose token this is, whichever projects it opens; None where there is no such token, or it has ended."""
    found = _stored(secret)
    return found.user if found else None


def _stored(secret: str) -> Bearer | None:
    token = accounts().api_tokens.of_secret(digest(secret), time.time())
    return Bearer(as_user(token.account, ""), token.scope, token.projects, f"token {token.id}") if token else None


def _signed(secret: str) -> Bearer | None:
    try:
        claims = _serializer().loads(secret.removeprefix(PREFIX))
        read = Bearer(User(claims["user"]), claims["scope"], tuple(claims["projects"]), digest(secret))
        return read if secret.startswith(PREFIX) and claims["until"] > time.time() else None
    except (BadSignature, LookupError, TypeError):
        return None


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(signing_keys(), salt="labeler-api")
