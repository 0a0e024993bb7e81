"""Reads on annotators' effort: every answer that took somebody's time, and when each round took its labels."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from labeler.store.explanations import Explanations
from labeler.store.items import IMPORT


class Efforts(Explanations):
    """How much people did, and how long it took them."""

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
        gives = np.fromiter((action == "label" for action in actions), bool, len(found))
        current = np.fromiter((action != "undo" for action in actions), bool, len(found))
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
                "action": _categories(actions),
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


def _categories(values: Sequence[str | None]) -> pd.Categorical:
    """Few different texts, many times: faster read so than as an array of texts."""
    codes, names = pd.factorize(np.array(values, object))
    return pd.Categorical.from_codes(codes, pd.Index(names, dtype=object))
