"""All SQL. Answers, decisions and finished rounds enter; the state of a project leaves.

`Store` is opened once per thread and rerun. It has an attribute for each thing that is stored (`store.items`,
`store.rounds`, `store.desk` …), and each of them is a file in this folder. `database.py` is the connection that they
share, `schema.py` the tables.
"""

from labeler.store.answers import EXPORT
from labeler.store.items import IMPORT
from labeler.store.store import Store

__all__ = ["EXPORT", "IMPORT", "Store"]
