"""Verbs on annotators' effort: every answer that took somebody's time, what an hour costs, when rounds took labels."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from labeler.store.adjudications import Adjudications
from labeler.store.items import IMPORT


class Efforts(Adjudications):
    """How much people did, how long it took them, and what it costs."""

    def work(self) -> pd.DataFrame:
        """Every answer that people gave, also those that they took back or changed later, in the order of giving.

        Returns: annotator, action and label (categories), item_id, at (UTC), seconds (NaN: not known), unsure,
                 current (nobody took it back or changed it), gained (labels that it added: 1, 0, or −1 where one was
                 taken back). What came with imports is left out.
        """
        found = self.db.conn.execute(
            """
            SELECT id, supersedes, annotator, item_id, action, label, substr(at, 1, 23), seconds, unsure
            FROM annotations WHERE annotator <> ? ORDER BY id
            """,
            [IMPORT],
        ).fetchall()
        columns = zip(*found, strict=True) if found else [()] * 9
        ids, superseded, who, items, actions, labels, at, seconds, unsure = columns
        action = _categories(actions)
        gives, current = np.asarray(action == "label"), np.asarray(action != "undo")
        earlier = np.array(superseded, np.float64)  # None becomes NaN
        changes = np.flatnonzero(~np.isnan(earlier))
        changed = np.searchsorted(np.array(ids, np.int64), earlier[changes].astype(np.int64))
        current[changed] = False
        gained = gives.astype(np.int64)
        gained[changes] -= gives[changed]
        return pd.DataFrame(
            {
                "annotator": _categories(who),
                "item_id": np.array(items, np.int64),
                "action": action,
                "label": _categories(labels),
                "at": pd.DatetimeIndex(np.array(at, "datetime64[ms]")).tz_localize("UTC"),
                "seconds": np.array(seconds, np.float64),
                "unsure": np.array(unsure, bool),
                "current": current,
                "gained": gained,
            }
        )

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


def _categories(values: Sequence[str | None]) -> pd.Categorical:
    """Few different texts, many times: faster read so than as an array of texts."""
    codes, names = pd.factorize(np.array(values, object))
    return pd.Categorical.from_codes(codes, pd.Index(names, dtype=object))
