"""Charts: the numbers that go in are the numbers that are drawn."""

import math

import pytest

from labeler.core.rounds import Epoch, Training
from labeler.report import charts


def test_class_counts_keep_the_projects_order():
    spec = charts.class_counts({"b": 2, "a": 1}).to_dict()
    (data,) = spec["datasets"].values()
    assert [r["class"] for r in data] == ["b", "a"]
    assert spec["encoding"]["y"]["sort"] is None


# ---------------------------------------------------------------- how a round was trained

TRAINING = Training((Epoch(1, 1.2, 0.5, 1.1, 0.6), Epoch(2, 0.8, 0.75, 0.9, 0.7), Epoch(3, 0.5, 0.9, 1.0, 0.72)))


def test_each_epoch_is_four_rows_and_the_lowest_validation_loss_is_marked():
    frame = charts.training_frame(TRAINING)
    assert len(frame) == 12
    assert frame[frame["epoch"] == 2].to_dict("records") == [
        {"epoch": 2, "measure": "loss", "on": "training", "value": 0.8, "best": False},
        {"epoch": 2, "measure": "loss", "on": "validation", "value": 0.9, "best": True},
        {"epoch": 2, "measure": "accuracy", "on": "training", "value": 0.75, "best": False},
        {"epoch": 2, "measure": "accuracy", "on": "validation", "value": 0.7, "best": True},
    ]
    assert frame["best"].sum() == 2


def test_without_validation_there_is_one_line_and_no_mark():
    frame = charts.training_frame(Training((Epoch(1, 1.2, 0.5), Epoch(2, 0.8, 0.75))))
    assert set(frame["on"]) == {"training"}
    assert not frame["best"].any()
    spec = charts.training_curve(frame, "loss").to_dict()
    assert spec["layer"][1]["encoding"]["color"]["scale"]["domain"] == ["training"]


@pytest.mark.parametrize("measure", ["loss", "accuracy"])
def test_training_and_validation_are_told_apart_by_colour_and_dash(measure):
    spec = charts.training_curve(charts.training_frame(TRAINING), measure).to_dict()
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["rule", "line", "point", "text", "point"]
    encoding = spec["layer"][1]["encoding"]
    for channel in ("color", "strokeDash"):
        assert encoding[channel]["scale"]["domain"] == ["training", "validation"]
        assert len({str(look) for look in encoding[channel]["scale"]["range"]}) == 2
    (data,) = spec["datasets"].values()
    assert {row["measure"] for row in data} == {measure}
    assert len(data) == 6


@pytest.mark.parametrize("training", [Training(), Training((Epoch(1, math.nan, 0.1, math.nan, 0.1),))])
def test_values_that_are_not_finite_are_not_drawn(training):
    for measure in ("loss", "accuracy"):
        assert charts.training_curve(charts.training_frame(training), measure).to_json()


def test_a_chart_becomes_a_picture_that_stands_alone():
    picture = charts.svg(charts.class_counts({"good": 3, "bad": 1}))
    assert picture.startswith("<svg")
    assert "good" in picture
