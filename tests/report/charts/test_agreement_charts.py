from dataclasses import asdict

import numpy as np

from labeler.quality.agreement import Votes, agreement
from labeler.report.charts.agreement import MOST_ROWS, class_frame, pair_frame
from labeler.report.charts.agreement import agreement as chart


def test_rows_are_ordered_by_agreement_and_what_nothing_tells_apart_is_left_out() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 60)
    targets = np.concatenate([truth, np.where(truth == 1, rng.integers(0, 2, 60), truth)])
    votes = Votes(np.tile(np.arange(60), 2), np.array(["ann"] * 60 + ["bob"] * 60, dtype=object), targets)
    report = asdict(agreement(votes, ["a", "b", "c", "never"]))
    classes = class_frame(report)
    assert set(classes["name"]) == {"a", "b", "c"}
    assert classes["value"].is_monotonic_increasing
    assert classes["name"].iloc[-1] == "c"
    assert (classes["low"] <= classes["value"]).all()
    assert pair_frame(report)["name"].tolist() == ["ann – bob"]
    spec = chart(classes, "alpha", "answers").to_dict()
    assert len(spec["layer"]) == 3


def test_of_many_the_worst_are_shown() -> None:
    many = [{"name": str(i), "answers": 9, "alpha": {"value": i / 100, "low": 0, "high": 1}} for i in range(90)]
    frame = class_frame({"classes": many})
    assert len(frame) == MOST_ROWS
    assert frame["name"].iloc[0] == "0"


def test_without_data_the_chart_is_empty() -> None:
    assert chart(class_frame({"classes": []}), "alpha", "answers").to_dict()["layer"]
