"""Who asks: tokens for the JSON API, signed with a secret of this home.

Streamlit's own request-forgery check does not cover added routes, so the page hands its component a token that
names the annotator and the project, and every route checks it. Accounts come later and change only this file and
`pages/shared/access.py`. What is shown about people, and to whom, is decided here as well.
"""

import getpass
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from labeler.core.errors import AccessError
from labeler.core.settings import Config

if TYPE_CHECKING:
    import pandas as pd

# An open desk renews its token with every rerun of the page; this is for one that sleeps over night.
TOKEN_SECONDS = 7 * 24 * 3600

# What is told about people, by what a project may leave out (`team.show`): columns of the tables of
# `labeler.progress.effort`. An answer's seconds are also in its hours and its cost.
ABOUT_PEOPLE = {
    "items": ("answers", "labels", "flags", "unsure", "last"),
    "speed": ("median_seconds", "hours", "cost"),
    "agreement": ("agreement", "agreement_low", "agreement_high", "compared"),
    "skips": ("skips",),
}


@dataclass(frozen=True)
class User:
    """Who is working. `name` is stored with every answer."""

    name: str


def home() -> Path:
    """The folder that holds the projects: `LABELER_HOME`, or `projects` below the current folder."""
    return Path(os.environ.get("LABELER_HOME", "projects")).resolve()


def local_user() -> User:
    """The one user of a labeler that runs on this machine only."""
    try:
        return User(getpass.getuser())
    except (OSError, KeyError):  # no entry in the password file, e.g. in a container
        return User("annotator")


def is_lead(user: User, config: Config) -> bool:
    """Whether this user leads the project: sees everybody's figures, adjudicates, sets rates. `team.leads` names them.

    Nobody named: everybody leads.
    """
    return not config.team.leads or user.name in config.team.leads


def visible(table: "pd.DataFrame", user: User, config: Config) -> "pd.DataFrame":
    """What a user may see of a table about people: a lead all rows, others their own; the columns of `team.show`.

    Args: table: with a column `annotator`; columns that `ABOUT_PEOPLE` does not know stay.
    """
    shown = {column for kind in config.team.show for column in ABOUT_PEOPLE[kind]}
    hidden = {column for columns in ABOUT_PEOPLE.values() for column in columns} - shown
    rows = table if is_lead(user, config) else table[table["annotator"] == user.name]
    return rows[[column for column in table if column not in hidden]].reset_index(drop=True)


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
