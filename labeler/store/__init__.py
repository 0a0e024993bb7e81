"""The only SQL. Answers, decisions and finished rounds enter; what is known of a project leaves.

`Store` is opened once per thread and rerun. It is composed of one object for each thing that is stored: `store.items`,
`store.rounds`, `store.desk` …; each is a file of this folder. `database.py` is the connection that they share, and
`schema.py` the tables.
"""

from labeler.store.answers import EXPORT
from labeler.store.items import HOLDOUT_SEED, IMPORT
from labeler.store.store import Store

__all__ = ["EXPORT", "HOLDOUT_SEED", "IMPORT", "Store"]
