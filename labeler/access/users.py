"""Who works here, and who leads a project."""

import getpass
from dataclasses import dataclass

from labeler.core.settings import Config


@dataclass(frozen=True)
class User:
    """Who is working. `name` is stored with every answer."""

    name: str


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
