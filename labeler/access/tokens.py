"""Tokens for the JSON API, signed with a secret of this home.

Streamlit's own request-forgery check does not cover added routes, so the page hands its component a token that
names the annotator and the project, and every route checks it.
"""

import os
import secrets

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from labeler.access.home import home
from labeler.access.users import User
from labeler.core.errors import AccessError

# An open desk renews its token with every rerun of the page; this is for one that sleeps over night.
TOKEN_SECONDS = 7 * 24 * 3600


def issue_token(user: User, project: str) -> str:
    """A token that lets `user` label in one project."""
    return _serializer().dumps({"user": user.name, "project": project})


def check_token(token: str, project: str) -> User:
    """The user that a token was issued to.

    Raises: AccessError: it is missing, forged, too old, or for another project.
    """
    try:
        claims = _serializer().loads(token, max_age=TOKEN_SECONDS)
    except SignatureExpired:
        raise AccessError("This page has been open for too long: reload it. No answer is lost.") from None
    except BadSignature:
        raise AccessError("The request carries no valid token: open the project's Label page again.") from None
    if claims.get("project") != project:
        raise AccessError("The token is not for the project {project!r}.", project=project)
    return User(claims["user"])


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_secret(), salt="labeler-desk")


def _secret() -> str:
    path = home() / ".secret"
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under another name and then linked: of two processes at once, one wins and both read it.
    temporary = path.with_name(f".secret-{secrets.token_hex(8)}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_text()
