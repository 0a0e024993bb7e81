"""How fast labels come and when there will be enough, by hand and in simulated projects."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from labeler.measure.intervals import OpenEstimate
from labeler.progress import pace

FRIDAY = date(2026, 11, 20)


def days(labels: dict[str, int], hours: float = 1.0, cost: float = 10.0) -> pd.DataFrame:
    """Working days by date; each as long and as costly as the others."""
    return pd.DataFrame(
        {"day": pd.to_datetime(list(labels)), "labels": list(labels.values()), "hours": hours, "cost": cost}
    )


WEEK = days({"2026-11-16": 90, "2026-11-17": 100, "2026-11-18": 110, "2026-11-19": 100})


def test_labels_gained_by_day():
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-11-16", "2026-11-16", "2026-11-18"]),
            "gained": [1, -1, 1],
            "counted": [1800.0, 0.0, 3600.0],
            "cost": [5.0, 0.0, 10.0],
        }
    )
    found = pace.daily(frame)
    assert found["labels"].tolist() == [0, 1]
    assert found["hours"].tolist() == [0.5, 1.0]
    assert found["cost"].tolist() == [5.0, 10.0]


def test_the_pace_of_four_days():
    found = pace.pace(WEEK, FRIDAY)
    assert (found.working, found.days, found.note, found.cost_per_hour) == (4, 4, "", 10.0)
    half = 3.1824 * np.sqrt(200 / 3) / 2  # t(3) · s / √4, every day of the four was worked on
    assert found.per_day.value == 100
    assert (found.per_day.low, found.per_day.high) == pytest.approx((100 - half, 100 + half), abs=0.01)
    assert found.per_hour.value == 100  # an hour a day: the same figures
    assert found.per_hour.low == pytest.approx(100 - half, abs=0.01)


def test_free_days_count_for_the_calendar():
    found = pace.pace(WEEK, date(2026, 11, 24))
    assert (found.days, found.per_day.value, found.per_hour.value) == (8, 50, 100)


def test_today_is_not_over_and_does_not_slow_the_pace():
    begun = pd.concat([WEEK, days({"2026-11-20": 1})])
    assert pace.pace(begun, FRIDAY).per_day == pace.pace(WEEK, FRIDAY).per_day


def test_what_is_long_past_is_not_recent():
    long_ago = days({"2026-01-05": 5000, "2026-01-06": 5000, "2026-01-07": 5000})
    found = pace.pace(pd.concat([long_ago, WEEK]), FRIDAY)
    assert (found.per_hour.value, found.days) == (100, 28)
    assert pace.pace(long_ago, FRIDAY).note == pace.PAUSED
    assert pace.finish(long_ago, FRIDAY, 10).note == pace.PAUSED


@pytest.mark.parametrize("n", [1, 2])
def test_with_few_days_there_is_a_pace_without_interval_and_no_date(n):
    found = pace.pace(WEEK.iloc[:n], FRIDAY)
    assert found.note == pace.TOO_FEW
    assert found.per_hour == OpenEstimate(90 if n == 1 else 95)
    assert pace.finish(WEEK.iloc[:n], FRIDAY, 10) == pace.Finish(10, note=pace.TOO_FEW)


def test_without_an_answer_there_is_nothing_to_say():
    assert pace.pace(WEEK.iloc[:0], FRIDAY) == pace.Pace(note=pace.NOTHING)
    assert pace.finish(WEEK.iloc[:0], FRIDAY, 10).note == pace.NOTHING
    assert len(pace.burn_down(WEEK.iloc[:0], 10)) == 0


def test_hours_and_cost_that_are_still_to_come():
    hours, cost = pace.still(pace.Pace(OpenEstimate(100, 50, 200), cost_per_hour=30), 1000)
    assert hours == OpenEstimate(10, 5, 20)
    assert cost == OpenEstimate(300, 150, 600)
    hours, cost = pace.still(pace.Pace(OpenEstimate(100, 0, 200), cost_per_hour=30), 1000)
    assert (hours.high, cost.high) == (None, None)
    assert pace.still(pace.Pace(), 10) is None
    assert pace.still(pace.Pace(OpenEstimate(100)), 50) == (OpenEstimate(0.5), OpenEstimate(0.0))


def test_an_even_pace_has_a_sure_date():
    even = days({"2026-11-16": 100, "2026-11-17": 100, "2026-11-18": 100, "2026-11-19": 100})
    found = pace.finish(
        even, FRIDAY, 250
    )  # Monday to Thursday were worked on, Friday to Sunday not seen: as the others
    assert found == pace.Finish(250, date(2026, 11, 23), date(2026, 11, 23), date(2026, 11, 23))


def test_weekends_stay_free():
    weeks = {f"2026-11-{day:02d}": 100 for day in range(2, 20) if date(2026, 11, day).weekday() < 5}
    found = pace.finish(days(weeks), FRIDAY, 150)
    assert found.expected == date(2026, 11, 24)  # after a weekend: Monday and Tuesday


def test_days_that_differ_much_leave_the_end_open():
    uneven = days({"2026-11-16": 1, "2026-11-17": 300, "2026-11-18": 5})
    found = pace.finish(uneven, date(2026, 11, 19), 500)
    assert found.latest is None
    assert found.earliest <= found.expected


def test_nothing_remains_and_nothing_comes():
    assert pace.finish(WEEK, FRIDAY, 0) == pace.Finish(0)
    back = days({"2026-11-16": 5, "2026-11-17": -5, "2026-11-18": 0})
    assert pace.finish(back, FRIDAY, 5).note == pace.STANDSTILL


def test_the_burn_down_begins_with_all_of_it():
    found = pace.burn_down(WEEK.iloc[:2], 150)
    assert found["left"].tolist() == [150, 60, 0]
    assert found["day"].tolist() == [*pd.to_datetime(["2026-11-15", "2026-11-16", "2026-11-17"])]


def test_the_interval_holds_the_true_date_about_as_often_as_it_says():
    """A team of five, weekends free, each person's day a lognormal number of labels."""
    rng, begin, inside, n = np.random.default_rng(0), date(2026, 9, 7), 0, 400
    calendar = [begin + timedelta(days=i) for i in range(400)]
    working = [day for day in calendar if day.weekday() < 5]
    for _ in range(n):
        labels = rng.lognormal(4, 0.6, (len(working), 5)).sum(axis=1).astype(int)
        known = int(rng.integers(5, 20))
        today = working[known]
        past = pd.DataFrame(
            {"day": pd.to_datetime(working[:known]), "labels": labels[:known], "hours": 1.0, "cost": 0.0}
        )
        ahead = labels[known + 1 :]  # today is over, and nobody worked
        remaining = int(ahead[: int(rng.integers(2, 30))].sum())
        found = pace.finish(past, today, remaining)
        true = working[known + 1 + int((np.cumsum(ahead) >= remaining).argmax())]
        inside += found.earliest <= true and (found.latest is None or true <= found.latest)
    assert 0.91 <= inside / n <= 0.995, inside / n
