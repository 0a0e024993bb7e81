"""Verbs on annotators' effort: every answer that took somebody's time, as one table."""

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from labeler.store.database import Database
from labeler.store.items import IMPORT

# What was read of each database so far: annotations are append-only, so that only new ones need to be read again.
_read: dict[tuple[str, int], pd.DataFrame] = {}
_MOST_READ = 8  # databases
_CATEGORIES = ("annotator", "action", "label")
_COLUMNS = np.dtype(
    [
        *(("id", "i8"), ("supersedes", "i8"), ("annotator", "O"), ("item_id", "i8"), ("action", "O"), ("label", "O")),
        *(("at", "O"), ("seconds", "f8"), ("unsure", "?")),
    ]
)


class Effort:
    """What people did, and how long it took them."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def work(self) -> pd.DataFrame:
        """Every answer that people gave, also those that they took back or changed later, in the order of giving.

        Returns: annotator, action and label (categories), item_id, at (UTC), seconds (NaN: not known), unsure,
                 current (nobody took it back or changed it), gained (labels that it added: 1, 0, or −1 where one was
                 taken back). What came with imports is left out.
        """
        found = self._annotations()
        ids, earlier = found["id"].to_numpy(), found["supersedes"].to_numpy()
        gives = (found["action"] == "label").to_numpy()
        current = (found["action"] != "undo").to_numpy(copy=True)
        changes = np.flatnonzero(earlier)
        changed = np.searchsorted(ids, earlier[changes])
        current[changed] = False
        gained = gives.astype(np.int64)
        gained[changes] -= gives[changed]
        return found.drop(columns=["id", "supersedes"]).assign(current=current, gained=gained)

    def _annotations(self) -> pd.DataFrame:
        """All annotations of people as they are stored, by id; `supersedes` is 0 where there is none."""
        here = (str(self.db.path.resolve()), self.db.path.stat().st_ino) if self.db.path.exists() else None  # in memory
        known = _read.pop(here, None) if here else None
        last = int(known["id"].iloc[-1]) if known is not None and len(known) else 0
        new = self._annotations_after(last)
        whole = new if known is None else _joined(known, new)
        if here:
            _read[here] = whole
            for oldest in list(_read)[:-_MOST_READ]:
                _read.pop(oldest, None)
        return whole

    def _annotations_after(self, last: int) -> pd.DataFrame:
        found = self.db.execute(
            """
            SELECT id, COALESCE(supersedes, 0), annotator, item_id, action, label, substr(at, 1, 23), seconds, unsure
            FROM annotations WHERE id > ? AND annotator <> ? ORDER BY id
            """,
            [last, IMPORT],
        )
        read = np.fromiter(found, _COLUMNS)  # no row is kept, so that there is nothing to be collected
        columns: dict[str, object] = {name: read[name] for name in _COLUMNS.names or ()}
        columns |= {name: _categories(read[name]) for name in _CATEGORIES}
        columns["at"] = pd.DatetimeIndex(read["at"].astype("datetime64[ms]")).tz_localize("UTC")
        return pd.DataFrame(columns)


def _joined(known: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Both, one after the other."""
    if not len(new):
        return known
    categories = {
        name: union_categoricals([known[name], new[name]])  # concat would make them plain texts
        for name in _CATEGORIES
    }
    rest = [frame.drop(columns=[*_CATEGORIES]) for frame in (known, new)]
    return pd.concat(rest, ignore_index=True).assign(**categories)[list(known)]


def _categories(values: np.ndarray) -> pd.Categorical:
    """Few different texts, many times: faster read so than as an array of texts."""
    codes, names = pd.factorize(values)
    return pd.Categorical.from_codes(codes, pd.Index(names, dtype="str"))
