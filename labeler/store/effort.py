"""Verbs on annotators' effort: every answer that took somebody's time, what an hour costs, when rounds took labels."""

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from labeler.store.adjudications import Adjudications
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


class Efforts(Adjudications):
    """How much people did, how long it took them, and what it costs."""

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
        here = (str(self.path.resolve()), self.path.stat().st_ino) if self.path.exists() else None  # in memory
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
        found = self.db.conn.execute(
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

    def claimed_at(self) -> dict[int, str]:
        """When each round took its labels: when its job was claimed."""
        found = self.rows(
            "SELECT r.number, COALESCE(j.claimed_at, r.finished_at) AS at FROM rounds r JOIN jobs j ON j.id = r.job_id"
            " ORDER BY r.number"
        )
        return {row["number"]: row["at"] for row in found}

    def own_rates(self) -> dict[str, float]:
        """What an hour costs, of those annotators who have a rate of their own."""
        return {r["name"]: r["rate"] for r in self.rows("SELECT name, rate FROM annotators WHERE rate IS NOT NULL")}

    def rates(self) -> dict[str, float]:
        """What an hour of each annotator costs: their own rate, else the project's."""
        names = self.rows(
            "SELECT name FROM annotators UNION SELECT annotator FROM tally WHERE annotator <> ?", [IMPORT]
        )
        return {row["name"]: self.config.team.rate for row in names} | self.own_rates()

    def set_rate(self, name: str, rate: float | None) -> None:
        """What an hour of this annotator costs; None: as the project's settings say."""
        self.join(name)
        with self.write():
            self.db.conn.execute("UPDATE annotators SET rate = ? WHERE name = ?", [rate, name])


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
