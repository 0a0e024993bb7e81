"""The pace of labeling, and the date at which a goal is reached; nothing where there is too little history.

A working day is a day on which somebody answered. Today would look slow before it ends, so it counts towards the labels
given and not towards the pace.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from labeler.i18n.messages import mark
from labeler.measure.intervals import OpenEstimate

WEEKS = 4  # of recent history
FEWEST = 3  # working days that an interval needs
LONGEST = 3650  # days ahead that are projected, at most

NOTHING = mark("Nobody has labeled yet.")
TOO_FEW = mark("A date can be foretold after three full working days.")
PAUSED = mark("Nobody has labeled for four weeks.")
STANDSTILL = mark("Lately as many answers were taken back as were given.")


@dataclass(frozen=True)
class Pace:
    """The pace in recent weeks. note: why there is no interval, or no pace at all.

    per_hour: labels in an hour of work. per_day: labels in a day of the calendar, free days included.
    cost_per_hour: of work. working, days: the working days and calendar days that the pace is estimated from.
    """

    per_hour: OpenEstimate | None = None
    per_day: OpenEstimate | None = None
    cost_per_hour: float = 0.0
    working: int = 0
    days: int = 0
    note: str = ""


@dataclass(frozen=True)
class Finish:
    """When `remaining` more labels will be given, if work goes on at the recent pace.

    The dates bound a 95% interval. latest: None if the interval is open, since the pace may be near zero. All dates
    are None if nothing remains, or if there is no projection; `note` says why.
    """

    remaining: int
    earliest: date | None = None
    expected: date | None = None
    latest: date | None = None
    note: str = ""


def daily(frame: pd.DataFrame) -> pd.DataFrame:
    """Labels gained, hours and cost of each day on which somebody answered, in order.

    Args: frame: as `effort.measured` gives it.
    """
    parts = frame.assign(labels=frame["gained"], hours=frame["counted"] / 3600.0)
    return parts.groupby("day")[["labels", "hours", "cost"]].sum().reset_index()


def pace(days: pd.DataFrame, today: date) -> Pace:
    """The pace in the four weeks before today, or since the first label.

    Args:   days: as `daily` gives it.
    Source: Cochran 1977, section 6.3 (labels an hour: a ratio estimate, its interval by Student's t over the days).
    """
    if not len(days):
        return Pace(note=NOTHING)
    recent, span = _recent(days, today)
    if not len(recent):
        return Pace(note=PAUSED)
    ended = recent[recent["day"] < pd.Timestamp(today)]
    if len(ended) < FEWEST:
        return _without_intervals(recent, (today - recent["day"].min().date()).days + 1, TOO_FEW)
    plain = _without_intervals(ended, span, "")
    labels, hours, n = ended["labels"].to_numpy(float), ended["hours"].to_numpy(float), len(ended)
    half = stdtrit(n - 1, 0.975) * labels.std(ddof=1) / np.sqrt(n) * n / span
    per_day = _interval_around(labels.sum() / span, half)
    per_hour = plain.per_hour
    if per_hour:
        residuals = labels - per_hour.value * hours
        spread = np.sqrt(n * (residuals @ residuals) / (n - 1)) / hours.sum()
        per_hour = _interval_around(per_hour.value, stdtrit(n - 1, 0.975) * spread)
    return Pace(per_hour, per_day, plain.cost_per_hour, n, span)


def hours_and_cost(pace: Pace, remaining: int) -> tuple[OpenEstimate, OpenEstimate] | None:
    """Hours and cost that `remaining` more labels take at this pace; None if the pace is unknown."""
    if not pace.per_hour or pace.per_hour.value <= 0:
        return None
    rate = pace.per_hour
    low = None if not rate.high else remaining / rate.high
    high = None if not rate.low else remaining / rate.low
    hours = OpenEstimate(remaining / rate.value, low, high)
    money = [None if end is None else end * pace.cost_per_hour for end in (hours.low, hours.high)]
    return hours, OpenEstimate(hours.value * pace.cost_per_hour, *money)


def finish(days: pd.DataFrame, today: date, remaining: int) -> Finish:
    """The date at which `remaining` more labels will be given, with its interval.

    The labels of k more working days are k times the recent mean. Their error is that of single days (which grows with
    the root of k) and that of the mean (which grows with k). Working days become dates by how often each day of the
    week was worked on recently.

    Args:   days: as `daily` gives it.
    Source: Geisser 1993, section 2.1 (Student's t prediction of a sum of future normal values).
    """
    if remaining <= 0:
        return Finish(0)
    if not len(days):
        return Finish(remaining, note=NOTHING)
    recent, _ = _recent(days, today)
    if not len(recent):
        return Finish(remaining, note=PAUSED)
    ended = recent[recent["day"] < pd.Timestamp(today)]
    n = len(ended)
    if n < FEWEST:
        return Finish(remaining, note=TOO_FEW)
    mean, spread = ended["labels"].mean(), ended["labels"].std(ddof=1)
    if mean <= 0:
        return Finish(remaining, note=STANDSTILL)
    k = np.arange(1, LONGEST + 1)
    half = stdtrit(n - 1, 0.975) * spread * np.sqrt(k + k**2 / n)
    ahead = _working_days_ahead(ended["day"], today)
    earliest, expected, latest = (
        _date(today, ahead, k, labels >= remaining) for labels in (k * mean + half, k * mean, k * mean - half)
    )
    return Finish(remaining, earliest, expected, latest)


def burn_down(days: pd.DataFrame, goal: int) -> pd.DataFrame:
    """The labels still missing at the end of each working day, and before the first.

    Returns: day, left (never below 0).
    """
    if not len(days):
        return pd.DataFrame({"day": pd.to_datetime([]), "left": np.array([], np.int64)})
    left = goal - np.concatenate([[0], days["labels"].cumsum()])
    day = [days["day"].iloc[0] - pd.Timedelta(days=1), *days["day"]]
    return pd.DataFrame({"day": day, "left": left.clip(min=0)})


def _recent(days: pd.DataFrame, today: date) -> tuple[pd.DataFrame, int]:
    """The recent working days, today included, and the number of calendar days that they span."""
    begin = max(pd.Timestamp(today - timedelta(weeks=WEEKS)), days["day"].min())
    recent = days[(days["day"] >= begin) & (days["day"] <= pd.Timestamp(today))]
    return recent, (pd.Timestamp(today) - begin).days


def _without_intervals(days: pd.DataFrame, span: int, note: str) -> Pace:
    """The pace without intervals."""
    labels, hours = float(days["labels"].sum()), float(days["hours"].sum())
    per_hour = OpenEstimate(labels / hours) if hours > 0 else None
    cost = float(days["cost"].sum()) / hours if hours > 0 else 0.0
    return Pace(per_hour, OpenEstimate(labels / span), cost, len(days), span, note)


def _interval_around(value: float, half: float) -> OpenEstimate:
    return OpenEstimate(float(value), float(max(0.0, value - half)), float(value + half))


def _working_days_ahead(worked: pd.Series, today: date) -> np.ndarray:
    """The expected number of working days within one, two, … days from today."""
    begin = worked.min()
    passed = np.bincount(pd.date_range(begin, today, inclusive="left").day_of_week, minlength=7)
    worked_days = np.bincount(worked.dt.day_of_week, minlength=7)
    overall = worked_days.sum() / passed.sum()
    share = np.where(passed > 0, worked_days / np.maximum(passed, 1), overall)
    return np.cumsum(share[(today.weekday() + np.arange(1, LONGEST + 1)) % 7])


def _date(today: date, ahead: np.ndarray, k: np.ndarray, enough: np.ndarray) -> date | None:
    """The date of the first working day ahead at which there are enough labels."""
    if not enough.any():
        return None
    later = int(np.searchsorted(ahead, k[enough.argmax()] - 1e-9))
    return today + timedelta(days=later + 1) if later < len(ahead) else None
