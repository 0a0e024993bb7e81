"""Tokens for the JSON API, signed with the keys of this home.

Streamlit's own request-forgery check does not cover added routes, so the page hands its component a token that names
the person, their session and the project, and every route checks it. A token is short-lived: the desk exchanges it for
a new one as long as the session lives, so that an ended session ends the tokens, too.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from labeler.access.accounts import user_of_session
from labeler.access.api_tokens import PREFIX, Scope, user_of_api_token
from labeler.access.settings import access_mode
from labeler.access.signing_keys import signing_keys
from labeler.access.users import User, is_reserved
from labeler.core.errors import AccessError

TOKEN_LIVES = timedelta(minutes=15)
RENEWABLE = timedelta(days=7)  # a computer that slept over a long weekend; its session must live, too
DESK, LINKS = "labeler-desk", "labeler-links"  # neither kind of token stands for the other
LEEWAY = timedelta(seconds=60)  # for a clock that goes back


@dataclass(frozen=True)
class Token:
    """What a valid token says.

    `item`: the token shows this item's picture and does nothing else; None: the desk's. `scope`: of a program's token,
    None of a page's.
    """

    user: User
    item: int | None = None
    scope: Scope | None = None


def issue_token(user: User, project: str, item: int | None = None) -> str:
    """A token that lets `user` label in the project with this uid, or with `item` see that item's picture alone.

    Raises: AccessError: nobody may work under this name.
    """
    if is_reserved(user.name):
        raise AccessError("The name {name!r} is reserved: choose another.", name=user.name)
    claims = {"user": user.name, "session": user.session, "project": project}
    return _serializer().dumps(claims if item is None else claims | {"item": item})


def check_token(token: str, project: str, lives: timedelta = TOKEN_LIVES) -> Token:
    """What a token says.

    Args:   project: uid of the project that is asked for. lives: how long after its issue the token is taken.
    Raises: AccessError: it is missing, forged, too old, for another project, or its session has ended.
    """
    if token.startswith(PREFIX):
        user, scope = user_of_api_token(token, project)
        return Token(user, scope=scope)
    try:
        claims, issued_at = _serializer().loads(token, return_timestamp=True)
        name, session, item = claims["user"], claims["session"], claims.get("item")
    except (BadSignature, LookupError, TypeError):
        raise AccessError("The request carries no valid token: open the project's Label page again.") from None
    if not -LEEWAY <= datetime.now(UTC) - issued_at <= lives:
        raise AccessError("This page has been open for too long: reload it. No answer is lost.")
    if claims.get("project") != project:
        raise AccessError("The token is for another project: open this project's Label page.")
    owner = _user(name, session)
    if owner is None:
        raise AccessError("You are not logged in any more. Answers are kept in this browser and sent after you log in.")
    return Token(owner, item)


def issue_link(user: User, project: str, wanted: dict[str, Any]) -> str:
    """What stands in the address of a file that a page offers: with it, `user` takes out what is `wanted`."""
    claims = {"user": user.name, "session": user.session, "project": project, "wanted": wanted}
    return _serializer(LINKS).dumps(claims)


def check_link(link: str, project: str) -> tuple[User, dict[str, Any]]:
    """Who follows a link of a page, and what is wanted.

    Raises: AccessError: it is forged, too old, for another project, or its session has ended.
    """
    try:
        claims = _serializer(LINKS).loads(link, max_age=int(TOKEN_LIVES.total_seconds()))
    except BadSignature:
        raise AccessError("This link has ended: reload the page that it is on, and follow it again.") from None
    owner = _user(claims["user"], claims["session"]) if claims["project"] == project else None
    if owner is None:
        raise AccessError("This link has ended: reload the page that it is on, and follow it again.")
    return owner, claims["wanted"]


def _user(name: str, session: str) -> User | None:
    """Who a token was issued to; None if the session has ended. Without accounts there are no sessions to end."""
    if access_mode() == "none":
        return User(name) if not session else None
    user = user_of_session(session)
    return user if user and user.name == name else None


def _serializer(salt: str = DESK) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(signing_keys(), salt=salt)
