"""Charts of effort: the numbers that go in are the numbers that are drawn, and nothing is drawn that is not known."""

from datetime import date

import pandas as pd
import pytest

from labeler.measure.intervals import OpenEstimate
from labeler.progress.pace import Finish
from labeler.report.charts import effort as effort_charts
from labeler.report.charts.comparison import COLOURS

TODAY = date(2026, 11, 20)
LEFT = pd.DataFrame({"day": pd.to_datetime(["2026-11-18", "2026-11-19"]), "left": [100, 60]})


def rows(chart) -> list[list[dict]]:
    """The data of a chart, table by table."""
    return list(chart.to_dict()["datasets"].values())


def table(chart, *columns: str) -> list[dict]:
    return next(data for data in rows(chart) if data and set(columns) <= set(data[0]))


def day(text: str) -> str:
    return f"2026-{text}T00:00:00"


def test_the_band_goes_from_today_to_the_dates():
    finish = Finish(60, date(2026, 11, 22), date(2026, 11, 24), date(2026, 11, 30))
    band = table(effort_charts.burn_down_chart(LEFT, finish, TODAY), "low", "high")
    assert [row["day"] for row in band] == [day("11-20"), day("11-22"), day("11-24"), day("11-30")]
    assert [row["left"] for row in band] == [60, 30, 0, None]
    assert [row["low"] for row in band] == [60, 0, 0, 0]
    assert [row["high"] for row in band] == [60, 48, 36, 0]


def test_an_open_end_stays_open():
    finish = Finish(60, date(2026, 11, 22), date(2026, 11, 24), None)
    band = table(effort_charts.burn_down_chart(LEFT, finish, TODAY), "low", "high")
    assert band[-1] == {"day": day("11-28"), "left": None, "low": 0, "high": 60}


@pytest.mark.parametrize("finish", [Finish(60, note="too few"), Finish(0)])
def test_without_a_date_there_is_no_band(finish):
    chart = effort_charts.burn_down_chart(LEFT, finish, TODAY)
    assert [layer["mark"]["type"] for layer in chart.to_dict()["layer"]] == ["line", "point"]
    (burned_down,) = rows(chart)
    assert [row["left"] for row in burned_down] == [100, 60, finish.remaining]  # today as well


def by_day(people: int, days: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"annotator": f"p{who:02d}", "day": pd.Timestamp("2026-01-05") + pd.Timedelta(days=i), "labels": who + 1}
            for who in range(people)
            for i in range(days)
        ]
    )


def test_bars_stand_on_each_other():
    (bars,) = rows(effort_charts.labels_by_day(by_day(3, 2)))
    first = [row for row in bars if row["first"] == "2026-01-05T00:00:00"]
    assert [(row["name"], row["bottom"], row["top"]) for row in first] == [("p02", 0, 3), ("p01", 3, 5), ("p00", 5, 6)]


@pytest.mark.parametrize(("people", "named", "last"), [(1, 1, "p00"), (7, 7, "p00"), (25, 6, "others (19)")])
def test_the_first_annotators_have_a_colour_each_and_the_others_share_grey(people, named, last):
    chart = effort_charts.labels_by_day(by_day(people, 1))
    (bars,) = rows(chart)
    assert len(bars) == (named if last == "p00" else named + 1) == len({row["name"] for row in bars})
    assert bars[-1]["name"] == last
    assert sum(row["labels"] for row in bars) == people * (people + 1) / 2
    colours = chart.to_dict()["encoding"]["color"]["scale"]["range"]
    assert len(set(colours)) == len(colours) <= len(COLOURS) + 1


@pytest.mark.parametrize(("name", "pixels"), [("Jo", 38), ("김지수", 63), ("Dr. Wolfgang Amadeus Mozart", 164)])
def test_the_legend_has_no_more_names_in_a_row_than_the_chart_has_room_for(name, pixels):
    frame = by_day(2, 1).replace({"annotator": {"p00": name, "p01": "B"}})
    legend = effort_charts.labels_by_day(frame).to_dict()["encoding"]["color"]["legend"]
    assert legend["columns"] == {"expr": f"max(1, floor(width / {pixels}))"}


def test_who_has_only_flagged_items_is_not_in_the_legend():
    idle = pd.DataFrame({"annotator": ["idle"], "day": [pd.Timestamp("2026-01-05")], "labels": [0]})
    chart = effort_charts.labels_by_day(pd.concat([by_day(2, 3), idle], ignore_index=True))
    assert chart.to_dict()["encoding"]["color"]["scale"]["domain"] == ["p01", "p00"]


def test_no_day_without_a_bar_has_a_label_at_the_end_of_the_axis():
    chart = effort_charts.labels_by_day(by_day(1, 3))
    end = chart.to_dict()["encoding"]["x"]["scale"]["domain"][1]
    assert end == max(row["after"] for row in table(chart, "after")) < day("01-08")


def test_many_days_are_grouped_into_weeks():
    (bars,) = rows(effort_charts.labels_by_day(by_day(2, 100)))
    assert {row["first"] for row in bars if row["first"] < "2026-01-20"} == {day("01-05"), day("01-12"), day("01-19")}
    assert sum(row["labels"] for row in bars) == 300
    assert bars[0]["labels"] == 14


def test_what_is_still_expected_follows_what_was_spent():
    chart = effort_charts.spent_chart(10.0, OpenEstimate(5.0, 4.0, 8.0), "hours")
    assert [(row["from"], row["to"]) for row in table(chart, "part")] == [(0, 10), (10, 15)]
    assert [data for data in rows(chart) if "part" not in data[0]] == [[{"from": 14.0, "to": 18.0}]]


@pytest.mark.parametrize("more", [None, OpenEstimate(5.0), OpenEstimate(5.0, 2.0, None)])
def test_unknown_spending_has_no_interval(more):
    (bars,) = rows(effort_charts.spent_chart(10.0, more, "hours"))
    assert len(bars) == (1 if more is None else 2)
