"""Annotators' effort: every answer that took somebody's time, as one table.

Imports of pandas are deferred: most processes that open a store ask for no table, and it is slow to load and large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labeler.store.database import Database
from labeler.store.items import IMPORT

if TYPE_CHECKING:
    import pandas as pd

# Annotations read so far, by database and latest change of the classes. They are append-only, so only new ones need to
# be read.
_cache: dict[tuple[str, int, int, int], pd.DataFrame] = {}
_MOST_CACHED = 8  # databases
_CATEGORIES = ("annotator", "action", "label")
_COLUMNS = np.dtype(
    [
        *(("id", "i8"), ("supersedes", "i8"), ("annotator", "O"), ("item_id", "i8"), ("action", "O"), ("label", "O")),
        *(("at", "O"), ("seconds", "f8"), ("unsure", "?")),
    ]
)


class Effort:
    """People's answers, and how long they took."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def work(self) -> pd.DataFrame:
        """Every answer of people in the order of answering, with those that they changed or took back later.

        Returns: annotator, action and label (categories), item_id, at (UTC), seconds (NaN: unknown), unsure,
                 current (neither changed nor taken back), gained (labels that it added: 1, 0, or −1 where a label was
                 taken back). Imported labels are left out.
        """
        annotations = self._annotations()
        ids, superseded = annotations["id"].to_numpy(), annotations["supersedes"].to_numpy()
        is_label = (annotations["action"] == "label").to_numpy()
        current = (annotations["action"] != "undo").to_numpy(copy=True)
        changes = np.flatnonzero(superseded)
        changed = np.searchsorted(ids, superseded[changes])
        current[changed] = False
        gained = is_label.astype(np.int64)
        gained[changes] -= is_label[changed]
        return annotations.drop(columns=["id", "supersedes"]).assign(current=current, gained=gained)

    def _annotations(self) -> pd.DataFrame:
        """All annotations of people as they are stored, by id; `supersedes` is 0 where there is none."""
        change = self.db.value("SELECT MAX(number) FROM class_changes") or 0  # which changes what labels say
        database = (
            (str(self.db.path.resolve()), self.db.path.stat().st_ino, change, self.db.erasures())
            if self.db.path.exists()  # else it is in memory
            else None
        )
        cached = _cache.pop(database, None) if database else None
        last = int(cached["id"].iloc[-1]) if cached is not None and len(cached) else 0
        new = self._annotations_after(last)
        annotations = new if cached is None else _joined(cached, new)
        if database:
            _cache[database] = annotations
            for oldest in list(_cache)[:-_MOST_CACHED]:
                _cache.pop(oldest, None)
        return annotations

    def _annotations_after(self, last: int) -> pd.DataFrame:
        cursor = self.db.execute(
            """
            SELECT id, COALESCE(supersedes, 0), annotator, item_id, action, COALESCE(today, label), substr(at, 1, 23),
                   seconds, unsure
            FROM annotations WHERE id > ? AND annotator <> ? ORDER BY id
            """,
            [last, IMPORT],
        )
        import pandas as pd  # slow to load

        rows = np.fromiter(cursor, _COLUMNS)  # straight into the array: no list of Python rows is built
        columns: dict[str, object] = {name: rows[name] for name in _COLUMNS.names or ()}
        columns |= {name: _categories(rows[name]) for name in _CATEGORIES}
        columns["at"] = pd.DatetimeIndex(rows["at"].astype("datetime64[ms]")).tz_localize("UTC")
        return pd.DataFrame(columns)


def _joined(cached: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The cached annotations followed by the new ones."""
    if not len(new):
        return cached
    import pandas as pd  # slow to load
    from pandas.api.types import union_categoricals

    categories = {
        name: union_categoricals([cached[name], new[name]])  # concat would make them plain texts
        for name in _CATEGORIES
    }
    rest = [frame.drop(columns=[*_CATEGORIES]) for frame in (cached, new)]
    return pd.concat(rest, ignore_index=True).assign(**categories)[list(cached)]


def _categories(values: np.ndarray) -> pd.Categorical:
    """Texts as a categorical: few values repeat often, and pandas reads codes faster than texts."""
    import pandas as pd  # slow to load

    codes, names = pd.factorize(values)
    return pd.Categorical.from_codes(codes, pd.Index(names, dtype="str"))
