"""What labeling costs: hours, money, pace, when it will be done. Pure functions of `Store.work()`.

A person's hours are the sum of the seconds between seeing an item and answering it. Each answer counts at most
`team.idle_seconds`, since a longer one was a break; one whose seconds are not known counts as that annotator's
median. What came with imports counts nothing, nor does time spent anywhere but on the Label page.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

HOUR = 3600.0


def counted_seconds(work: pd.DataFrame, idle_seconds: float) -> np.ndarray:
    """The seconds that each answer counts.

    Args:    work: as `Store.work` gives it. idle_seconds: at most so many an answer.
    Returns: (n,) float. Taking an answer back counts nothing: the answer that follows has its own time. Seconds that
             are not known are the annotator's median, else everybody's, else 0.
    """
    seconds = work["seconds"].clip(upper=idle_seconds).where(work["action"] != "undo")
    own = seconds.groupby(work["annotator"], observed=True).transform("median")
    filled = seconds.fillna(own).fillna(seconds.median()).fillna(0.0)
    return filled.where(work["action"] != "undo", 0.0).to_numpy()


def cost_of(work: pd.DataFrame, seconds: np.ndarray, rates: Mapping[str, float]) -> np.ndarray:
    """What each answer cost.

    Args: seconds: (n,) that each answer counts. rates: cost of an hour by annotator; who is missing costs nothing.
    """
    names = work["annotator"].cat.categories
    rate = np.array([rates.get(name, 0.0) for name in names] or [0.0])
    return rate[work["annotator"].cat.codes] * seconds / HOUR


def spent_at_rounds(
    claimed: Mapping[int, str], work: pd.DataFrame, idle_seconds: float, rates: Mapping[str, float]
) -> pd.DataFrame:
    """Hours and cost of all answers up to the moment at which each round took its labels.

    Args:    claimed: by round, as `Store.claimed_at` gives it. work: as `Store.work` gives it.
             idle_seconds, rates: as in `counted_seconds` and `cost_of`.
    Returns: round, hours, cost; one row a round, in the order of `claimed`.
    """
    seconds = counted_seconds(work, idle_seconds)
    at = work["at"].to_numpy("datetime64[ms]")
    order = np.argsort(at, kind="stable")
    hours = np.cumsum(np.concatenate([[0.0], seconds[order] / HOUR]))
    cost = np.cumsum(np.concatenate([[0.0], cost_of(work, seconds, rates)[order]]))
    moments = pd.to_datetime(list(claimed.values()), utc=True, format="ISO8601").to_numpy("datetime64[ms]")
    before = at[order].searchsorted(moments, side="right")
    return pd.DataFrame({"round": list(claimed), "hours": hours[before], "cost": cost[before]})
