"""Which figures a user may see: about annotators, and of pool and holdout."""

from typing import TYPE_CHECKING

from labeler.access.roles import Place, may
from labeler.access.users import User
from labeler.core.blinding import at_round
from labeler.core.items import Counts
from labeler.store import Store

if TYPE_CHECKING:
    import pandas as pd

# Columns of the tables of `labeler.progress.effort`, by the choices of `team.show`. An answer's seconds are also in its
# hours and its cost.
ABOUT_PEOPLE = {
    "items": ("answers", "labels", "flags", "unsure", "last"),
    "speed": ("median_seconds", "hours", "cost"),
    "agreement": ("agreement", "agreement_low", "agreement_high", "compared"),
    "skips": ("skips",),
}


def visible(table: "pd.DataFrame", user: User, project: Place) -> "pd.DataFrame":
    """What a user may see of a table about people, in the columns of `team.show`: with the right to see the team all
    rows, else their own.

    Args: table: with a column `annotator`; columns that `ABOUT_PEOPLE` does not know stay.
    """
    config = project.config
    shown = {column for kind in config.team.show for column in ABOUT_PEOPLE[kind]}
    hidden = {column for columns in ABOUT_PEOPLE.values() for column in columns} - shown
    rows = table if may(user, project, "see_team") else table[table["annotator"] == user.name]
    return rows[[column for column in table if column not in hidden]].reset_index(drop=True)


def sees_sides(user: User | None, project: Place) -> bool:
    """Whether a user may know what is counted of pool and holdout apart. Args: user: None: who reads the files."""
    return user is None or may(user, project, "see_holdout")


def counts(store: Store, user: User | None, project: Place) -> Counts:
    """The numbers of items and labels that a user may know: of this moment, or as the latest round knew them.

    Args: user: None: who reads the project's files.
    """
    now = store.items.counts(user.name if user else "")
    return now if sees_sides(user, project) else at_round(now, store.rounds.latest())
