"""The lead's curve: what goes in is what is drawn, and it stays readable with few and many rounds."""

import pandas as pd
import pytest
from vl_convert import vegalite_to_svg

from labeler.progress.curves import Projection
from labeler.report.charts.curve import CLOSE, Axis, Goal, accuracy_curve, stretches

LABELS, UNKNOWN = Axis("labels", "labels"), Projection(None, None, None, "no")
NOWHERE = pd.DataFrame({name: pd.Series(dtype=float) for name in ("labels", "accuracy", "low", "high")})


def rounds(n: int, strategies: tuple[str, ...] = ("margin",), backbones: tuple[str, ...] = ("auto",)) -> pd.DataFrame:
    """So many rounds of 20 labels each, 0.3 h and 6 of cost; strategies and backbones take turns."""
    numbers = list(range(1, n + 1))
    return pd.DataFrame(
        {
            "round": numbers,
            "labels": [20 * i for i in numbers],
            "accuracy": [0.9 - 0.4 / i for i in numbers],
            "low": [0.85 - 0.4 / i for i in numbers],
            "high": [0.95 - 0.4 / i for i in numbers],
            "holdout": 200.0,
            "later": float("nan"),
            "strategy": [strategies[i % len(strategies)] for i in numbers],
            "backbone": [backbones[i % len(backbones)] for i in numbers],
            "hours": [0.3 * i for i in numbers],
            "cost": [6.0 * i for i in numbers],
        }
    )


def drawn(
    frame: pd.DataFrame,
    ahead: pd.DataFrame = NOWHERE,
    axis: Axis = LABELS,
    projection: Projection = UNKNOWN,
    budget: float | None = None,
):
    return accuracy_curve(frame, ahead, axis, Goal(0.9, projection, budget))


def rows(chart, *having: str) -> list[dict]:
    """The data of the chart that have all of these columns."""
    return [row for data in chart.to_dict()["datasets"].values() for row in data if set(having) <= set(row)]


def test_neighbouring_rounds_of_one_strategy_are_one_stretch():
    frame = rounds(5).assign(strategy=["k_means", "margin", "margin", "auto", "auto"])
    assert stretches(frame, "strategy").to_dict("records") == [
        {"name": "k_means", "first": 1, "last": 1, "begin": 20, "end": 40, "number": 0},
        {"name": "margin", "first": 2, "last": 3, "begin": 40, "end": 80, "number": 1},
        {"name": "auto", "first": 4, "last": 5, "begin": 80, "end": 100, "number": 2},
    ]
    assert stretches(frame, "backbone", "hours")[["begin", "end"]].to_numpy().tolist() == [[0.3, 1.5]]
    assert list(stretches(rounds(0), "strategy").columns) == ["name", "first", "last", "begin", "end", "number"]


@pytest.mark.parametrize(("n", "along"), [(1, "labels"), (2, "hours"), (20, "labels"), (20, "cost"), (200, "hours")])
def test_a_curve_of_any_length_can_be_drawn(n, along):
    chart = drawn(
        rounds(n, ("margin", "auto"), ("a", "b", "b")),
        NOWHERE.assign(**{along: []}),
        axis=Axis(along, along),
        budget=9.0,
    )
    assert vegalite_to_svg(chart.to_json()).startswith("<svg")


def test_every_round_is_drawn_and_many_have_no_whiskers_of_their_own():
    def marks(n: int) -> list[str]:
        return [layer["mark"]["type"] for layer in drawn(rounds(n)).to_dict()["layer"]]

    assert {row["round"] for row in rows(drawn(rounds(200)), "round", "accuracy")} == set(range(1, 201))
    assert marks(CLOSE).count("rule") == marks(CLOSE + 1).count("rule") + 1


def test_the_last_point_is_not_at_the_end_of_the_axis():
    frame = rounds(3)
    assert drawn(frame).to_dict()["layer"][0]["encoding"]["x"]["scale"]["domain"][1] > frame["labels"].max()


def test_lanes_are_there_only_for_what_changes():
    assert rows(drawn(rounds(6)), "begin") == []
    names = [row["name"] for row in rows(drawn(rounds(6, ("margin", "auto"))), "begin")]
    assert names == ["auto", "margin"] * 2 + ["auto"]  # the last round's strategy has asked nothing yet


def test_the_target_its_reach_and_the_budget_are_marked():
    ahead = pd.DataFrame({"labels": [400.0, 800.0], "accuracy": [0.88, 0.9], "low": [0.84] * 2, "high": [0.93] * 2})
    chart = drawn(rounds(20), ahead, projection=Projection(600.0, 500.0, None), budget=700.0)
    assert [row["name"] for row in rows(chart, "name", "accuracy")] == ["target 90%"]
    assert rows(chart, "from") == [{"from": 500.0, "to": 800.0, "at": 600.0, "accuracy": 0.9}]
    assert rows(chart, "at", "name") == [{"at": 700.0, "name": "budget"}]
    # 0.015 h a label beyond the last round, which took 6 h
    hours = drawn(
        rounds(20),
        ahead.assign(hours=[6.0, 12.0]),
        projection=Projection(600.0, 300.0, 700.0),
        axis=Axis("hours", "hours", scale=0.015),
    )
    assert rows(hours, "from")[0] == pytest.approx({"from": 6.0, "to": 10.5, "at": 9.0, "accuracy": 0.9})


@pytest.mark.parametrize("projection", [Projection(None, None, None), Projection(300.0, 200.0, 900.0)])
def test_there_is_no_reach_where_there_is_none_or_it_lies_behind(projection):
    assert rows(drawn(rounds(20), projection=projection), "from") == []


def test_a_line_marks_the_first_round_that_was_measured_on_later_items():
    frame = rounds(6)
    assert "with later items" not in str(drawn(frame).to_dict())
    frame.loc[3:, "later"] = 20.0
    chart = drawn(frame).to_dict()
    assert {"at": 80.0, "name": "with later items"} in [row for rows in chart["datasets"].values() for row in rows]
    frame["later"] = 20.0  # then all rounds are of the same items, and there is nothing to mark
    assert "with later items" not in str(drawn(frame).to_dict())
