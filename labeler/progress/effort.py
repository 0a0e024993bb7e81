"""Hours and cost of labeling, by annotator and day. Pure functions of `Effort.work()`.

A person's hours are the sum of the seconds between seeing an item and answering it. Each answer counts at most
`team.idle_seconds`, since a longer one was a break; an answer without known seconds counts that annotator's
median. Imported labels count nothing, nor does time spent outside the Label page.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

import numpy as np
import pandas as pd

from labeler.measure.intervals import wilson

HOUR = 3600.0


def counted_seconds(work: pd.DataFrame, idle_seconds: float) -> np.ndarray:
    """The seconds that each answer counts.

    Args:    work: as `Effort.work` gives it. idle_seconds: the most that an answer counts.
    Returns: (n,) float. Undoing an answer counts nothing, since the next answer has its own time. Unknown seconds are
             the annotator's median, else everybody's, else 0.
    """
    seconds = work["seconds"].clip(upper=idle_seconds).where(work["action"] != "undo")
    own = seconds.groupby(work["annotator"], observed=True).transform("median")
    filled = seconds.fillna(own).fillna(seconds.median()).fillna(0.0)
    return filled.where(work["action"] != "undo", 0.0).to_numpy()


def cost_of(work: pd.DataFrame, seconds: np.ndarray, rates: Mapping[str, float]) -> np.ndarray:
    """(n,) The cost of each answer.

    Args: seconds: (n,) that each answer counts. rates: cost of an hour by annotator; missing annotators cost nothing.
    """
    names = work["annotator"].cat.categories
    rate = np.array([rates.get(name, 0.0) for name in names] or [0.0])
    return rate[work["annotator"].cat.codes] * seconds / HOUR


def spent_at_rounds(
    claimed: Mapping[int, str], work: pd.DataFrame, idle_seconds: float, rates: Mapping[str, float]
) -> pd.DataFrame:
    """Hours and cost of all answers up to the snapshot of each round.

    Args:    claimed: by round, as `Rounds.claimed_at` gives it. work: as `Effort.work` gives it.
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


# ---------------------------------------------------------------- who did what


def measured(
    work: pd.DataFrame, idle_seconds: float, rates: Mapping[str, float], zone: tzinfo | str = "UTC"
) -> pd.DataFrame:
    """All answers with the columns that `table` aggregates.

    Args:    zone: the time zone of the days.
    Returns: `work` with day, counted (seconds), cost, agree (share of the others' labels of the item that are equal;
             NaN if nobody else labeled it, or if this answer is no current label).
    """
    counted = counted_seconds(work, idle_seconds)
    return work.assign(
        day=work["at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize(),
        counted=counted,
        cost=cost_of(work, counted, rates),
        agree=_agreeing(work),
    )


def _agreeing(work: pd.DataFrame) -> pd.Series:
    labelings = work.loc[work["current"] & (work["action"] == "label"), ["item_id", "label"]]
    label = labelings["label"].cat.codes.to_numpy()
    item = labelings["item_id"].to_numpy()
    others = labelings.groupby(item)["item_id"].transform("size") - 1
    same = labelings.groupby(item * (int(label.max(initial=0)) + 1) + label)["item_id"].transform("size") - 1
    return (same / others).where(others > 0)


COLUMNS = (
    "answers", "labels", "skips", "flags", "unsure", "median_seconds", "hours", "cost",
    "agreement", "agreement_low", "agreement_high", "compared", "last",
)  # fmt: skip


def table(frame: pd.DataFrame, by: Sequence[str] = ("annotator",)) -> pd.DataFrame:
    """Answers, hours, cost and agreement, by annotator, by day, or by both.

    Answers, labels, skips, flags and unsure answers count the current ones; hours include answers that were changed
    later. Agreement is the mean over the `compared` items, which others labeled too, with Wilson's interval; an item
    counts once, however many of its labels are in the group. Over all labels it is the share of `quality.agreement`.

    Args:    frame: as `measured` gives it. by: "annotator", "day" or both; empty: one row in all.
    Returns: the columns of `by`, then `COLUMNS`; sorted by `by`. Without answers there is no row.
    """
    stands = frame["current"]
    parts = pd.DataFrame(
        {
            **{name: frame[name] for name in by},
            "answers": stands,
            "labels": stands & (frame["action"] == "label"),
            "skips": stands & (frame["action"] == "skip"),
            "flags": stands & (frame["action"] == "flag"),
            "unsure": stands & frame["unsure"],
            "median_seconds": frame["counted"].where(frame["seconds"].notna() & (frame["action"] != "undo")),
            "hours": frame["counted"] / HOUR,
            "cost": frame["cost"],
            "last": frame["day"],
        }
    )
    keys = [parts[name] for name in by] or [pd.Series(0, index=parts.index)]
    groups = parts.groupby(keys, observed=True)
    others = frame["agree"].notna()
    items = [*(key[others] for key in keys), frame.loc[others, "item_id"]]
    of_items = (
        frame.loc[others, "agree"]
        .groupby(items, observed=True)
        .mean()
        .groupby(level=[*range(len(keys))], observed=True)
    )
    sums = groups[["answers", "labels", "skips", "flags", "unsure", "hours", "cost"]].sum()
    figures = sums.assign(
        median_seconds=groups["median_seconds"].median(),
        agreement=of_items.mean(),
        compared=of_items.size(),
        last=groups["last"].max(),
    )
    figures["compared"] = figures["compared"].fillna(0).astype(int)
    low, high = wilson(figures["agreement"].to_numpy(float), figures["compared"].to_numpy(float))
    compared = figures["compared"] > 0
    figures = figures.assign(agreement_low=low, agreement_high=high)
    figures[["agreement_low", "agreement_high"]] = figures[["agreement_low", "agreement_high"]].where(compared)
    if not by:
        return figures.reset_index(drop=True)[[*COLUMNS]]
    figures = figures.reset_index()
    if "annotator" in by:
        figures["annotator"] = figures["annotator"].astype(object)
    return figures.sort_values([*by], ignore_index=True)[[*by, *COLUMNS]]
