"""The only SQL. `Store` is opened once per thread and rerun, and is all verbs.

items.py: what is labeled · rounds.py: the cycle · answers.py: the desk ·
comparisons.py: strategies compared · connection.py: what they share.
"""

from labeler.store.answers import EXPORT, Answers
from labeler.store.comparisons import Comparisons
from labeler.store.items import HOLDOUT_SEED, IMPORT

__all__ = ["EXPORT", "HOLDOUT_SEED", "IMPORT", "Store"]


class Store(Answers, Comparisons):
    """A project's database; see the verbs in the files of this package."""
