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
    by_day = pace.daily(frame)
    assert by_day["labels"].tolist() == [0, 1]
    assert by_day["hours"].tolist() == [0.5, 1.0]
    assert by_day["cost"].tolist() == [5.0, 10.0]


def test_the_pace_of_four_days():
    measured = pace.pace(WEEK, FRIDAY)
    assert (measured.working, measured.days, measured.note, measured.cost_per_hour) == (4, 4, "", 10.0)
    half = 3.1824 * np.sqrt(200 / 3) / 2  # t(3) · s / √4, every day of the four was worked on
    assert measured.per_day.value == 100
    assert (measured.per_day.low, measured.per_day.high) == pytest.approx((100 - half, 100 + half), abs=0.01)
    assert measured.per_hour.value == 100  # an hour a day: the same figures
    assert measured.per_hour.low == pytest.approx(100 - half, abs=0.01)


def test_free_days_count_for_the_calendar():
    measured = pace.pace(WEEK, date(2026, 11, 24))
    assert (measured.days, measured.per_day.value, measured.per_hour.value) == (8, 50, 100)


def test_today_is_not_over_and_does_not_slow_the_pace():
    begun = pd.concat([WEEK, days({"2026-11-20": 1})])
    assert pace.pace(begun, FRIDAY).per_day == pace.pace(WEEK, FRIDAY).per_day


def test_days_long_past_do_not_affect_the_pace():
    long_ago = days({"2026-01-05": 5000, "2026-01-06": 5000, "2026-01-07": 5000})
    measured = pace.pace(pd.concat([long_ago, WEEK]), FRIDAY)
    assert (measured.per_hour.value, measured.days) == (100, 28)
    assert pace.pace(long_ago, FRIDAY).note == pace.PAUSED
    assert pace.finish(long_ago, FRIDAY, 10).note == pace.PAUSED


@pytest.mark.parametrize("n", [1, 2])
def test_with_few_days_there_is_a_pace_without_interval_and_no_date(n):
    measured = pace.pace(WEEK.iloc[:n], FRIDAY)
    assert measured.note == pace.TOO_FEW
    assert measured.per_hour == OpenEstimate(90 if n == 1 else 95)
    assert pace.finish(WEEK.iloc[:n], FRIDAY, 10) == pace.Finish(10, note=pace.TOO_FEW)


def test_without_answers_there_is_no_pace():
    assert pace.pace(WEEK.iloc[:0], FRIDAY) == pace.Pace(note=pace.NOTHING)
    assert pace.finish(WEEK.iloc[:0], FRIDAY, 10).note == pace.NOTHING
    assert len(pace.burn_down(WEEK.iloc[:0], 10)) == 0


def test_hours_and_cost_that_are_still_to_come():
    hours, cost = pace.hours_and_cost(pace.Pace(OpenEstimate(100, 50, 200), cost_per_hour=30), 1000)
    assert hours == OpenEstimate(10, 5, 20)
    assert cost == OpenEstimate(300, 150, 600)
    hours, cost = pace.hours_and_cost(pace.Pace(OpenEstimate(100, 0, 200), cost_per_hour=30), 1000)
    assert (hours.high, cost.high) == (None, None)
    assert pace.hours_and_cost(pace.Pace(), 10) is None
    assert pace.hours_and_cost(pace.Pace(OpenEstimate(100)), 50) == (OpenEstimate(0.5), OpenEstimate(0.0))


def test_an_even_pace_has_a_sure_date():
    even = days({"2026-11-16": 100, "2026-11-17": 100, "2026-11-18": 100, "2026-11-19": 100})
    finish = pace.finish(
        even, FRIDAY, 250
    )  # Monday to Thursday were worked on, Friday to Sunday not seen: as the others
    assert finish == pace.Finish(250, date(2026, 11, 23), date(2026, 11, 23), date(2026, 11, 23))


def test_weekends_stay_free():
    weeks = {f"2026-11-{day:02d}": 100 for day in range(2, 20) if date(2026, 11, day).weekday() < 5}
    finish = pace.finish(days(weeks), FRIDAY, 150)
    assert finish.expected == date(2026, 11, 24)  # after a weekend: Monday and Tuesday


def test_very_different_days_leave_the_finish_open():
    uneven = days({"2026-11-16": 1, "2026-11-17": 300, "2026-11-18": 5})
    finish = pace.finish(uneven, date(2026, 11, 19), 500)
    assert finish.latest is None
    assert finish.earliest <= finish.expected


def test_without_remaining_labels_or_pace_there_is_no_date():
    assert pace.finish(WEEK, FRIDAY, 0) == pace.Finish(0)
    back = days({"2026-11-16": 5, "2026-11-17": -5, "2026-11-18": 0})
    assert pace.finish(back, FRIDAY, 5).note == pace.STANDSTILL


def test_the_burn_down_begins_with_all_of_it():
    left = pace.burn_down(WEEK.iloc[:2], 150)
    assert left["left"].tolist() == [150, 60, 0]
    assert left["day"].tolist() == [*pd.to_datetime(["2026-11-15", "2026-11-16", "2026-11-17"])]


def test_the_interval_holds_the_true_date_about_as_often_as_it_says():
    """A team of five, weekends free, each person's day a lognormal number of labels."""
    rng, begin, inside, n = np.random.default_rng(0), date(2026, 9, 7), 0, 200
    calendar = [begin + timedelta(days=i) for i in range(400)]
    working = [day for day in calendar if day.weekday() < 5]
    for _ in range(n):
        labels = rng.lognormal(4, 0.6, (len(working), 5)).sum(axis=1).astype(int)
        days_past = int(rng.integers(5, 20))
        today = working[days_past]
        past = pd.DataFrame(
            {"day": pd.to_datetime(working[:days_past]), "labels": labels[:days_past], "hours": 1.0, "cost": 0.0}
        )
        ahead = labels[days_past + 1 :]  # today is over, and nobody worked
        remaining = int(ahead[: int(rng.integers(2, 30))].sum())
        finish = pace.finish(past, today, remaining)
        true = working[days_past + 1 + int((np.cumsum(ahead) >= remaining).argmax())]
        inside += finish.earliest <= true and (finish.latest is None or true <= finish.latest)
    assert 0.91 <= inside / n <= 0.995, inside / n
