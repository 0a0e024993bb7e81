"""Who sends a request."""

import getpass
from dataclasses import dataclass
from typing import Literal

from labeler.core.settings import Config

Role = Literal["annotator", "reviewer", "lead", "auditor"]
# Labels that came with the data are stored under the first, what the labeler does by itself under the second.
RESERVED_NAMES = frozenset({"import", "system"})


@dataclass(frozen=True)
class User:
    """Who is working. `name` is the stable id of an annotator and is stored with every answer.

    `account` is the row of `accounts.sqlite`, None where the home has no accounts. `session` is the log-in that the
    request belongs to, "" without accounts.
    """

    name: str
    account: int | None = None
    is_admin: bool = False
    session: str = ""


def local_user() -> User:
    """The one user of a labeler that runs on this machine only."""
    try:
        return User(getpass.getuser())
    except (OSError, KeyError):  # no entry in the password file, e.g. in a container
        return User("annotator")


def is_reserved(name: str) -> bool:
    """Whether nobody may work under this name, in whatever case it is written."""
    return name.strip().casefold() in RESERVED_NAMES


def is_lead(user: User, config: Config) -> bool:
    """Whether this user is among the leads that `team.leads` names: the rule of a home without accounts.

    Nobody named: everybody leads.
    """
    return not config.team.leads or user.name in config.team.leads
