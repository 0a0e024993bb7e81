"""Hours, cost and pace, on answers few enough to be counted by hand."""

import numpy as np
import pandas as pd
import pytest

from labeler import effort

ACTIONS = ["label", "skip", "flag", "undo"]


def work(*rows: tuple, day: str = "2026-11-02") -> pd.DataFrame:
    """Answers as the store gives them: (annotator, time of day or moment, seconds, action, item, label)."""
    filled = [(*row, *(None, "label", 0, "good")[len(row) - 2 :]) for row in rows]
    who, at, seconds, action, item, label = zip(*filled, strict=True) if filled else ((),) * 6
    moments = [one if "-" in one else f"{day} {one}" for one in at]
    return pd.DataFrame(
        {
            "annotator": pd.Categorical(who),
            "item_id": np.array(item, np.int64),
            "action": pd.Categorical(action, ACTIONS),
            "label": pd.Categorical(
                [said if kind == "label" else None for said, kind in zip(label, action, strict=True)]
            ),
            "at": pd.to_datetime(moments, utc=True),
            "seconds": np.array(seconds, np.float64),
            "unsure": np.zeros(len(filled), bool),
            "current": np.array([kind != "undo" for kind in action], bool),
            "gained": np.array([kind == "label" for kind in action], np.int64),
        }
    )


def test_an_answer_counts_at_most_the_idle_seconds():
    found = effort.counted_seconds(work(("kim", "10:00", 4.0), ("kim", "10:01", 900.0)), idle_seconds=300)
    assert found.tolist() == [4.0, 300.0]


def test_unknown_seconds_are_the_annotators_median():
    rows = [("kim", "10:00", 2.0), ("kim", "10:01", 4.0), ("kim", "10:02", None), ("lee", "10:03", 100.0)]
    assert effort.counted_seconds(work(*rows), 300).tolist() == [2.0, 4.0, 3.0, 100.0]


def test_who_has_no_known_seconds_counts_as_everybodys_median():
    rows = [("kim", "10:00", 2.0), ("kim", "10:01", 6.0), ("lee", "10:02", None)]
    assert effort.counted_seconds(work(*rows), 300).tolist() == [2.0, 6.0, 4.0]
    assert effort.counted_seconds(work(("lee", "10:02", None)), 300).tolist() == [0.0]


def test_taking_back_counts_nothing():
    assert effort.counted_seconds(work(("kim", "10:00", 2.0), ("kim", "10:01", None, "undo")), 300).tolist() == [
        2.0,
        0.0,
    ]


def test_cost_is_by_the_hour_and_annotator():
    answers = work(("kim", "10:00", 1800.0), ("lee", "10:01", 1800.0), ("park", "10:02", 3600.0))
    found = effort.cost_of(answers, answers["seconds"].to_numpy(), {"kim": 30.0, "lee": 50.0})
    assert found.tolist() == [15.0, 25.0, 0.0]


def test_what_was_spent_when_a_round_took_its_labels():
    answers = work(("kim", "10:00", 90.0), ("lee", "10:10", 900.0), ("kim", "10:20", None))
    claimed = {1: "2026-11-02T09:59:00.000+00:00", 2: "2026-11-02T10:10:00.000+00:00", 5: "2026-11-03T00:00:00+00:00"}
    found = effort.spent_at_rounds(claimed, answers, 180, {"kim": 40.0, "lee": 20.0})
    assert found["round"].tolist() == [1, 2, 5]
    assert found["hours"].tolist() == pytest.approx([0, 270 / 3600, 360 / 3600])
    assert found["cost"].tolist() == pytest.approx([0, 1 + 1, 1 + 1 + 1])


def test_nothing_was_spent_before_anybody_answered():
    found = effort.spent_at_rounds({1: "2026-11-02T10:00:00.000+00:00"}, work(), 300, {})
    assert found.to_dict("records") == [{"round": 1, "hours": 0.0, "cost": 0.0}]
    assert len(effort.spent_at_rounds({}, work(), 300, {})) == 0
