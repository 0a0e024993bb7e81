"""Charts: the numbers that go in are the numbers that are drawn."""

import pytest

from labeler import charts
from labeler.types import Metrics, Round


def a_round(number: int, labels: int, metrics: Metrics | None) -> Round:
    return Round(number, labels, "margin", 1, None, metrics, 0.1, 0.2, "2026-01-01T00:00:00+00:00")


def test_rounds_that_were_not_measured_are_left_out():
    frame = charts.curve_frame([a_round(1, 0, None), a_round(2, 20, Metrics(50, 0.6, 0.5, 0.7, 0.55))])
    assert frame.to_dict("records") == [
        {
            "round": 2,
            "labels": 20,
            "accuracy": 0.6,
            "low": 0.5,
            "high": 0.7,
            "macro_f1": 0.55,
            "holdout": 50,
            "strategy": "margin",
        }
    ]
    assert list(charts.curve_frame([]).columns) == list(frame.columns)


@pytest.mark.parametrize("rounds", [[], [a_round(2, 20, Metrics(50, 0.6, 0.5, 0.7, 0.55))]])
def test_the_curve_shows_points_interval_and_target(rounds):
    spec = charts.learning_curve(charts.curve_frame(rounds), 0.9).to_dict()
    marks = [layer["mark"]["type"] for layer in spec["layer"]]
    assert marks == ["area", "rule", "line", "point", "rule", "text"]
    assert [v for d in spec["datasets"].values() for r in d for v in r.values()].count("target 90%") == 1


def test_class_counts_keep_the_projects_order():
    spec = charts.class_counts({"b": 2, "a": 1}).to_dict()
    (data,) = spec["datasets"].values()
    assert [r["class"] for r in data] == ["b", "a"]
    assert spec["encoding"]["y"]["sort"] is None
