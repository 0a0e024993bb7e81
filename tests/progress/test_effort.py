"""Hours, cost and pace, on answers few enough to be counted by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.progress import effort
from labeler.quality.agreement import Votes, agreement

ACTIONS = ["label", "skip", "flag", "undo"]


def work(*rows: tuple, day: str = "2026-11-02") -> pd.DataFrame:
    """Answers as the store gives them: (annotator, time of day or moment, seconds, action, item, label)."""
    filled = [(*row, *(None, "label", 0, "good")[len(row) - 2 :]) for row in rows]
    who, at, seconds, action, item, label = zip(*filled, strict=True) if filled else ((),) * 6
    moments = [moment if "-" in moment else f"{day} {moment}" for moment in at]
    return pd.DataFrame(
        {
            "annotator": pd.Categorical(who),
            "item_id": np.array(item, np.int64),
            "action": pd.Categorical(action, ACTIONS),
            "label": pd.Categorical(
                [given if kind == "label" else None for given, kind in zip(label, action, strict=True)]
            ),
            "at": pd.to_datetime(moments, utc=True),
            "seconds": np.array(seconds, np.float64),
            "unsure": np.zeros(len(filled), bool),
            "current": np.array([kind != "undo" for kind in action], bool),
            "gained": np.array([kind == "label" for kind in action], np.int64),
        }
    )


def test_an_answer_counts_at_most_the_idle_seconds():
    seconds = effort.counted_seconds(work(("kim", "10:00", 4.0), ("kim", "10:01", 900.0)), idle_seconds=300)
    assert seconds.tolist() == [4.0, 300.0]


def test_unknown_seconds_are_the_annotators_median():
    rows = [("kim", "10:00", 2.0), ("kim", "10:01", 4.0), ("kim", "10:02", None), ("lee", "10:03", 100.0)]
    assert effort.counted_seconds(work(*rows), 300).tolist() == [2.0, 4.0, 3.0, 100.0]


def test_without_known_seconds_everybodys_median_counts():
    rows = [("kim", "10:00", 2.0), ("kim", "10:01", 6.0), ("lee", "10:02", None)]
    assert effort.counted_seconds(work(*rows), 300).tolist() == [2.0, 6.0, 4.0]
    assert effort.counted_seconds(work(("lee", "10:02", None)), 300).tolist() == [0.0]


def test_undoing_an_answer_takes_no_seconds():
    assert effort.counted_seconds(work(("kim", "10:00", 2.0), ("kim", "10:01", None, "undo")), 300).tolist() == [
        2.0,
        0.0,
    ]


def test_cost_is_by_the_hour_and_annotator():
    answers = work(("kim", "10:00", 1800.0), ("lee", "10:01", 1800.0), ("park", "10:02", 3600.0))
    cost = effort.cost_of(answers, answers["seconds"].to_numpy(), {"kim": 30.0, "lee": 50.0})
    assert cost.tolist() == [15.0, 25.0, 0.0]


def test_what_was_spent_when_a_round_took_its_labels():
    answers = work(("kim", "10:00", 90.0), ("lee", "10:10", 900.0), ("kim", "10:20", None))
    claimed = {1: "2026-11-02T09:59:00.000+00:00", 2: "2026-11-02T10:10:00.000+00:00", 5: "2026-11-03T00:00:00+00:00"}
    spent = effort.spent_at_rounds(claimed, answers, 180, {"kim": 40.0, "lee": 20.0})
    assert spent["round"].tolist() == [1, 2, 5]
    assert spent["hours"].tolist() == pytest.approx([0, 270 / 3600, 360 / 3600])
    assert spent["cost"].tolist() == pytest.approx([0, 1 + 1, 1 + 1 + 1])


def test_nothing_was_spent_before_anybody_answered():
    spent = effort.spent_at_rounds({1: "2026-11-02T10:00:00.000+00:00"}, work(), 300, {})
    assert spent.to_dict("records") == [{"round": 1, "hours": 0.0, "cost": 0.0}]
    assert len(effort.spent_at_rounds({}, work(), 300, {})) == 0


# ---------------------------------------------------------------- who did what


def test_agreement_is_over_items_that_others_labeled_too():
    answers = work(
        ("kim", "10:00", 2.0, "label", 1, "good"),
        ("lee", "10:01", 4.0, "label", 1, "good"),
        ("park", "10:02", 6.0, "label", 1, "bad"),
        ("kim", "10:03", 3.0, "label", 2, "good"),  # alone
        ("kim", "10:04", 5.0, "label", 3, "good"),
        ("lee", "10:05", 5.0, "skip", 3),  # says nothing of the label
        ("kim", "10:06", 5.0, "label", 4, "bad"),
        ("park", "10:07", 8.0, "label", 4, "bad"),
    )
    frame = effort.measured(answers, 300, {})
    assert frame["agree"].fillna(-1).tolist() == [0.5, 0.5, 0.0, -1, -1, -1, 1.0, 1.0]
    summary = effort.table(frame).set_index("annotator")
    assert summary["agreement"].tolist() == [0.75, 0.5, 0.5]
    assert summary["compared"].tolist() == [2, 1, 2]
    low, high = summary.loc["kim", ["agreement_low", "agreement_high"]]
    assert (low, high) == pytest.approx((0.198, 0.973), abs=2e-3)  # Wilson by hand: (p + z²/2n ± …) / (1 + z²/n)


def test_an_item_counts_once_in_the_agreement_of_all():
    answers = [(name, "10:00", 2.0, "label", item, "good") for item in range(4) for name in ("kim", "lee")]
    frame = effort.measured(work(*answers), 300, {})
    everybody, kim = effort.table(frame, []).iloc[0], effort.table(frame).iloc[0]
    assert everybody["compared"] == 4
    assert everybody["agreement_low"] == kim["agreement_low"]


def test_the_agreement_of_all_is_that_of_the_items_with_its_interval():
    given = {1: "aaa", 2: "ab", 3: "aab", 4: "bb", 5: "aa"}
    people = ("kim", "lee", "park")
    answers = [
        (person, "10:00", 2.0, "label", i, c)
        for i, row in given.items()
        for person, c in zip(people, row, strict=False)
    ]
    names = ["a", "b"]
    votes = Votes(
        np.array([answer[4] for answer in answers]),
        np.array([answer[0] for answer in answers], dtype=object),
        np.array([names.index(answer[5]) for answer in answers]),
    )
    agreed = agreement(votes, names)
    assert agreed is not None
    everybody = effort.table(effort.measured(work(*answers), 300, {}), []).iloc[0]
    of_all = everybody[["agreement", "agreement_low", "agreement_high"]].tolist()
    assert of_all == pytest.approx([agreed.percent.value, agreed.percent.low, agreed.percent.high])
    assert of_all[0] == pytest.approx((1 + 0 + 1 / 3 + 1 + 1) / 5)


def test_the_table_counts_current_answers_and_all_hours():
    answers = work(
        ("kim", "10:00", 1800.0, "label", 1),
        ("kim", "10:01", 1800.0, "label", 1),
        ("kim", "10:02", 2.0, "skip", 2),
        ("kim", "10:03", 4.0, "flag", 3),
        ("kim", "10:04", None, "undo", 3),
    )
    answers["current"] = [False, True, True, False, False]
    answers["unsure"] = [True, True, False, False, False]
    row = effort.table(effort.measured(answers, 1800, {"kim": 20.0})).iloc[0]
    counts = {name: int(row[name]) for name in ("answers", "labels", "skips", "flags", "unsure", "compared")}
    assert counts == {"answers": 2, "labels": 1, "skips": 1, "flags": 0, "unsure": 1, "compared": 0}
    assert row["hours"] == pytest.approx(1 + 6 / 3600)
    assert row["cost"] == pytest.approx(20 + 20 * 6 / 3600)
    assert row["median_seconds"] == 902.0  # of 2, 4, 1800, 1800
    assert pd.isna(row[["agreement", "agreement_low", "agreement_high"]]).all()


def test_days_are_those_of_the_zone():
    answers = work(("kim", "2026-11-02 14:59", 2.0), ("kim", "2026-11-02 15:01", 2.0))  # midnight in Seoul: 15:00 UTC
    summary = effort.table(effort.measured(answers, 300, {}, "Asia/Seoul"), ["annotator", "day"])
    assert [f"{day:%m-%d}" for day in summary["day"]] == ["11-02", "11-03"]


def test_the_total_is_one_row_and_without_answers_there_is_none():
    frame = effort.measured(work(("kim", "10:00", 2.0), ("lee", "10:01", 4.0, "label", 1)), 300, {})
    assert effort.table(frame, [])["labels"].tolist() == [2]
    empty = effort.measured(work(), 300, {})
    for by in ([], ["annotator"], ["day"], ["annotator", "day"]):
        summary = effort.table(empty, by)
        assert (len(summary), list(summary)) == (0, [*by, *effort.COLUMNS])


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["kim", "lee", "park"]),
            st.sampled_from(["10:00", "11:30", "2026-11-04 09:00"]),
            st.one_of(st.none(), st.floats(0, 5000)),
            st.sampled_from(ACTIONS),
            st.integers(1, 4),
            st.sampled_from(["good", "bad"]),
        ),
        max_size=25,
    )
)
def test_parts_add_up_to_the_whole(rows):
    once = {(i,) if row[3] == "undo" else (row[0], row[4]): row for i, row in enumerate(rows)}.values()
    frame = effort.measured(work(*once), 300, {"kim": 10.0, "lee": 5.0})
    whole = effort.table(frame, [])
    for by in (["annotator"], ["day"], ["annotator", "day"]):
        parts = effort.table(frame, by)
        for name in ("answers", "labels", "skips", "flags", "hours", "cost"):
            assert parts[name].sum() == pytest.approx(whole[name].sum())
        assert whole["compared"].sum() <= parts["compared"].sum()
    assert (frame["counted"] <= 300).all()
    agree = frame["agree"].dropna()
    assert agree.between(0, 1).all()
