"""What people did, as it is read for hours, pace and the team's table."""

from dataclasses import replace

import pandas as pd

from labeler.core.items import Action, Answer, NewItem
from labeler.core.settings import TeamConfig
from tests.support.fill import add, rank


def test_a_project_without_answers_has_no_work(store):
    work = store.effort.work()
    assert len(work) == 0
    assert str(work["at"].dtype) == "datetime64[ms, UTC]"
    assert store.rounds.claimed_at() == {}


def test_every_answer_is_work_also_one_that_was_changed_or_taken_back(store):
    add(store, 3)
    store.answers.add(
        "kim",
        [
            Answer("a", 1, "label", "good", seconds=2.5, unsure=True),
            Answer("b", 1, "label", "bad", seconds=1.0),  # changed
            Answer("c", 2, "skip"),
            Answer("d", 2, "undo"),
            Answer("e", 3, "label", "good", seconds=4),
            Answer("f", 3, "undo"),
        ],
    )
    work = store.effort.work()
    assert list(work["action"]) == ["label", "label", "skip", "undo", "label", "undo"]
    assert list(work["current"]) == [False, True, False, False, False, False]
    assert list(work["gained"]) == [1, 0, 0, 0, 1, -1]
    assert work["gained"].sum() == store.items.labels_spent() == 1
    assert list(work["unsure"]) == [True] + [False] * 5
    assert work["seconds"].isna().tolist() == [False, False, True, True, False, True]
    assert list(work["label"].astype(object).where(work["label"].notna(), None)) == [
        "good",
        "bad",
        None,
        None,
        "good",
        None,
    ]


def test_what_came_with_an_import_is_no_work(store):
    store.items.add([NewItem("h", "row", text="t", label="good", split="pool")])
    assert len(store.effort.work()) == 0
    store.answers.add("lee", [Answer("a", 1, "flag", seconds=3)])
    work = store.effort.work()
    assert list(work["annotator"]) == ["lee"]
    assert list(work["gained"]) == [0]


def test_a_round_took_its_labels_when_its_job_was_claimed(store):
    add(store, 4)
    rank(store, [1, 2])
    before = pd.Timestamp.now("UTC")
    store.answers.add("kim", [Answer("a", 1, "label", "good", seconds=2)])
    rank(store, [2, 3])
    claimed = store.rounds.claimed_at()
    assert list(claimed) == [1, 2]
    assert pd.Timestamp(claimed[1]) <= before
    assert pd.Timestamp(claimed[2]) >= store.effort.work()["at"][0]


def test_an_hour_costs_the_annotators_own_rate_else_the_projects(project, store):
    add(store, 1)
    store.answers.add("kim", [Answer("a", 1, "label", "good", seconds=2)])  # answered without having joined
    store.team.set_rate("lee", 30.0)
    store.team.join("park")
    assert store.team.rates() == {"kim": 0.0, "lee": 30.0, "park": 0.0}
    paid = project.save(replace(project.config, team=TeamConfig(rate=12.5)))
    with paid.store() as opened:
        assert opened.team.rates() == {"kim": 12.5, "lee": 30.0, "park": 12.5}
        opened.team.set_rate("lee", None)
        assert opened.team.rates()["lee"] == 12.5
        assert opened.team.own_rates() == {}


def test_what_comes_later_is_read_on_its_own_and_all_is_as_if_read_at_once(project):
    from labeler.store import effort

    with project.store() as store:
        add(store, 6)
        assert store.effort.work().empty
        answers: list[tuple[str, int, Action, str | None]] = [
            ("kim", 1, "label", "good"),
            ("kim", 2, "skip", None),
            ("lee", 1, "label", "bad"),
            ("kim", 1, "label", "bad"),  # changes the first answer
            ("lee", 1, "undo", None),
            ("박", 3, "flag", None),
        ]
        for n, (who, item, action, label) in enumerate(answers):
            store.answers.add(who, [Answer(str(n), item, action, label)])
            bit_by_bit = store.effort.work()
        effort._cache.clear()
        pd.testing.assert_frame_equal(store.effort.work(), bit_by_bit, check_categorical=False)
        assert bit_by_bit["current"].tolist() == [False, True, False, True, False, True]
        assert bit_by_bit["gained"].tolist() == [1, 0, 1, 0, -1, 0]
