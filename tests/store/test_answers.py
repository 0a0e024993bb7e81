"""The desk's verbs: nobody shares an item, every answer is stored exactly once, undo gives back."""

import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.items import Answer, Waiting
from labeler.core.settings import LabelingConfig
from labeler.store import Store
from tests.support.fill import add, rank
from tests.support.samples import text_config


def ids(reserved) -> list[int]:
    return [r.item.id for r in reserved]


def test_the_ranking_is_served_in_its_order_with_the_reason(store):
    add(store, 9)
    rank(store, [5, 2, 8])
    reserved = store.desk.reserve("kim", "t", 2)
    assert ids(reserved) == [5, 2]
    reason = reserved[0].reason
    assert (reason.strategy, reason.score, reason.rank, reason.round, reason.seed) == ("margin", 0.2, 1, 1, 7)


def test_asking_again_gives_the_same_items_and_holds_them_longer(store):
    add(store, 9)
    first = store.desk.reserve("kim", "t", 3, at=1000.0)
    again = store.desk.reserve("kim", "t", 3, at=1050.0)
    assert ids(first) == ids(again)
    assert again[0].expires_at == 1110.0


def test_what_a_tab_releases_is_free_and_the_newest_ranking_takes_its_place(store):
    add(store, 9)
    rank(store, [1, 2, 3, 4])
    assert ids(store.desk.reserve("kim", "t", 4)) == [1, 2, 3, 4]
    rank(store, [7, 8, 9])
    assert ids(store.desk.reserve("kim", "t", 4)) == [1, 2, 3, 4]  # nothing is taken from under an annotator's eyes
    assert ids(store.desk.reserve("kim", "t", 4, release=[2, 3, 4])) == [7, 8, 9, 1]
    assert ids(store.desk.reserve("lee", "t", 1, release=[7])) == [2]  # another's stays where it is
    assert 7 in ids(store.desk.reserve("kim", "t", 4))


def test_an_expired_reservation_is_renewed_unless_the_item_was_taken(store):
    add(store, 3)
    rank(store, [1, 2, 3])
    assert ids(store.desk.reserve("kim", "t", 2, at=1000.0)) == [1, 2]
    assert ids(store.desk.reserve("kim", "t", 2, at=2000.0)) == [1, 2]  # a computer that slept
    assert ids(store.desk.reserve("lee", "t", 1, at=3000.0)) == [1]
    assert ids(store.desk.reserve("kim", "t", 2, at=3001.0)) == [2, 3]


def test_two_annotators_and_two_tabs_never_hold_the_same_item(store):
    add(store, 30)
    taken = [ids(store.desk.reserve(who, tab, 7)) for who in ("kim", "lee") for tab in ("t1", "t2")]
    flat = [item for items in taken for item in items]
    assert len(flat) == 28
    assert len(set(flat)) == 28
    assert len(store.desk.reserve("park", "t", 7)) == 2


def test_what_an_absent_annotator_held_is_free_again(store):
    add(store, 3)
    assert len(store.desk.reserve("kim", "t", 3, at=1000.0)) == 3
    assert store.desk.reserve("lee", "t", 3, at=1059.0) == []
    assert store.desk.waiting_reason("lee") == Waiting("others", 3)
    assert store.desk.reserve("kim", "window 2", 10, at=1059.5) == []
    assert store.desk.waiting_reason("kim") == Waiting("tab", 3)
    assert len(store.desk.reserve("lee", "t", 3, at=1061.0)) == 3


def test_the_same_answer_sent_twice_is_stored_once(store):
    add(store, 3)
    answer = Answer("r1", 1, "label", "good", 1.5, "t")
    assert [r.ok for r in store.answers.add("kim", [answer, answer])] == [True, True]
    assert store.answers.add("kim", [answer])[0].ok
    assert len(store.answers.export()) == 1
    assert store.answers.export()[0]["seconds"] == 1.5


def test_the_id_of_a_request_is_its_senders_own(store):
    add(store, 2)
    assert store.answers.add("kim", [Answer("r", 1, "label", "good")])[0].ok
    assert store.answers.add("lee", [Answer("r", 2, "label", "bad")])[0].ok
    stored = [(row["annotator"], row["item_id"], row["label"]) for row in store.answers.export()]
    assert stored == [("kim", 1, "good"), ("lee", 2, "bad")]


@pytest.mark.parametrize("other", [Answer("r", 2, "label", "good"), Answer("r", 1, "label", "bad")])
def test_another_answer_under_a_used_id_is_not_acknowledged(store, other):
    add(store, 2)
    store.answers.add("kim", [Answer("r", 1, "label", "good")])
    (receipt,) = store.answers.add("kim", [other])
    assert (receipt.ok, str(receipt.reason)) == (
        False,
        "another answer of yours is stored under its id: answer the item again.",
    )
    assert [row["label"] for row in store.answers.export()] == ["good"]


def test_only_what_was_given_to_somebody_is_taken_from_them_also_later(store):
    add(store, 2)
    (held,) = store.desk.reserve("kim", "t", 1, at=1000.0)
    store.desk.reserve("lee", "t", 1, at=5000.0)  # kim's reservation is gone, and the item lee's
    (receipt,) = store.answers.add("kim", [Answer("r1", held.item.id, "label", "good")], offered_only=True)
    assert receipt.ok
    for item in (2, 99):
        (refused,) = store.answers.add("kim", [Answer("r2", item, "label", "good")], offered_only=True)
        assert (refused.ok, refused.reason.fields) == (False, {"item_id": item})
    assert [row["item_id"] for row in store.answers.export()] == [held.item.id]


def test_an_answer_after_its_reservation_ran_out_is_still_taken(store):
    add(store, 1)
    store.desk.reserve("kim", "t", 1, at=1000.0)
    store.desk.reserve("lee", "t", 1, at=2000.0)
    store.answers.add("lee", [Answer("r2", 1, "label", "bad", tab="t")])
    assert store.answers.add("kim", [Answer("r1", 1, "label", "good", tab="t")])[0].ok
    assert [(r["annotator"], r["label"]) for r in store.answers.export()] == [("lee", "bad"), ("kim", "good")]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer("r", 99, "label", "good"), "no item 99"),
        (Answer("r", 1, "label", "ugly"), "not a class"),
        (Answer("r", 1, "label", None), "does not fit"),
        (Answer("r", 1, "skip", "good"), "does not fit"),
    ],
)
def test_a_wrong_answer_is_refused_with_the_reason_and_does_not_hold_up_others(store, answer, says):
    add(store, 2)
    bad, good = store.answers.add("kim", [answer, Answer("ok", 2, "label", "good")])
    assert not bad.ok
    assert says in bad.reason
    assert good.ok
    assert store.items.labels() == {2: "good"}


def test_undo_gives_the_item_back_to_who_answered_it(store):
    add(store, 5)
    store.desk.reserve("kim", "t", 2)
    store.answers.add("kim", [Answer("r1", 1, "label", "good", tab="t")])
    store.answers.add("kim", [Answer("r2", 1, "undo", tab="t")])
    assert store.items.labels() == {}
    assert 1 in ids(store.desk.reserve("kim", "t", 2))
    assert 1 not in ids(store.desk.reserve("lee", "t", 9))
    store.answers.add("kim", [Answer("r3", 1, "label", "bad", tab="t")])
    assert store.items.labels() == {1: "bad"}
    assert store.db.value("SELECT COUNT(*) FROM annotations") == 3  # history is kept


def test_undo_of_nothing_is_harmless(store):
    add(store, 1)
    assert store.answers.add("kim", [Answer("r", 1, "undo", tab="t")])[0].ok
    assert store.answers.export() == []


def test_a_changed_answer_supersedes_the_first(store):
    add(store, 1)
    store.answers.add("kim", [Answer("r1", 1, "label", "good"), Answer("r2", 1, "label", "bad")])
    assert store.items.labels() == {1: "bad"}
    assert len(store.answers.export()) == 1


def test_a_skipped_item_goes_to_others_and_a_flagged_one_to_nobody(store):
    add(store, 2)
    store.answers.add("kim", [Answer("r1", 1, "skip"), Answer("r2", 2, "flag")])
    assert store.desk.reserve("kim", "t", 2) == []
    assert ids(store.desk.reserve("lee", "t", 2)) == [1]
    assert store.items.flagged() == {2}


def test_overlap_gives_an_item_to_that_many(project):
    store = project.save(replace(project.config, labeling=LabelingConfig(overlap=2))).store()
    add(store, 1)
    assert len(store.desk.reserve("a", "t", 1)) == 1
    assert len(store.desk.reserve("b", "t", 1)) == 1
    assert store.desk.reserve("c", "t", 1) == []
    store.answers.add("a", [Answer("r1", 1, "label", "good", tab="t")])
    assert store.desk.reserve("c", "t", 1) == []
    assert store.desk.reserve("a", "t", 1) == []


def test_a_ranking_that_is_used_up_goes_on_in_the_order_of_the_content_and_begins_again_at_its_end(store):
    add(store, 6)
    assert ids(store.desk.reserve("kim", "t", 2)) == [1, 2]
    rank(store, [6])
    assert sorted(ids(store.desk.reserve("lee", "t", 3))) == [3, 4, 6]
    store.desk.reserve("kim", "t", 0, release=[1, 2])
    assert sorted(ids(store.desk.reserve("ann", "t", 6))) == [1, 2, 5]


def test_when_the_ranking_is_used_up_other_items_are_asked_the_pool_first(store):
    add(store, 4)
    add(store, 2, split="holdout", first=4)
    rank(store, [3])
    reserved = store.desk.reserve("kim", "t", 6)
    assert ids(reserved)[0] == 3
    assert sorted(ids(reserved)[1:4]) == [1, 2, 4]
    assert sorted(ids(reserved)[4:]) == [5, 6]
    assert [r.reason.strategy for r in reserved] == ["margin", *["random"] * 3, *["holdout"] * 2]


def test_the_budget_ends_the_queue(project):
    store = project.save(replace(project.config, budget=2)).store()
    add(store, 5)
    assert len(store.desk.reserve("kim", "t", 5)) == 2
    store.answers.add("kim", [Answer(f"r{i}", i, "label", "good", tab="t") for i in (1, 2)])
    assert store.desk.reserve("kim", "t", 5) == []
    assert store.desk.waiting_reason("kim") == Waiting("budget", 2)


def test_without_items_left_the_reason_is_given(store):
    assert store.desk.waiting_reason("kim") == Waiting("empty")
    add(store, 1)
    store.answers.add("kim", [Answer("r", 1, "label", "good")])
    assert store.desk.reserve("kim", "t", 1) == []
    assert store.desk.waiting_reason("kim") == Waiting("done")


def test_many_threads_reserve_and_answer_and_nothing_is_shared_or_lost(project):
    with project.store() as store:
        add(store, 120)
    answered: dict[str, list[int]] = {}

    def work(name: str) -> None:
        mine = answered.setdefault(name, [])
        with project.store() as store:
            while held := store.desk.reserve(name, "t", 5):
                store.answers.add(
                    name, [Answer(f"{name}-{r.item.id}", r.item.id, "label", "good", tab="t") for r in held]
                )
                mine += ids(held)

    threads = [threading.Thread(target=work, args=(f"a{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flat = [item for items in answered.values() for item in items]
    assert sorted(flat) == list(range(1, 121))
    with project.store() as store:
        assert store.items.count_labeled() == 120


actions = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["label", "skip", "flag", "undo"]), st.integers(1, 3)), max_size=25
)


@pytest.mark.slow
@given(actions)
def test_the_current_answers_are_what_replaying_the_history_gives(history):
    expected: dict[tuple[str, int], str] = {}
    with Store(":memory:", text_config()) as store:
        add(store, 3)
        for number, (who, action, item) in enumerate(history):
            label = "good" if action == "label" else None
            store.answers.add(who, [Answer(str(number), item, action, label)])
            if action == "undo":
                expected.pop((who, item), None)
            else:
                expected[who, item] = action
        assert {(r["annotator"], r["item_id"]): r["action"] for r in store.answers.export()} == expected


def test_history_is_the_annotators_own_newest_first(store):
    add(store, 3)
    for i in (1, 2, 3):
        store.answers.add("lee" if i == 2 else "kim", [Answer(f"r{i}", i, "label", "good")])
    assert [row["item_id"] for row in store.answers.history("kim")] == [3, 1]


def test_times_are_utc_and_in_order(store):
    add(store, 1)
    store.answers.add("kim", [Answer("r", 1, "label", "good")])
    answered = store.answers.export()[0]["answered_at"]
    assert answered.endswith("+00:00")
    assert answered[:10] == time.strftime("%Y-%m-%d", time.gmtime())


def test_an_undo_takes_back_the_answer_that_it_names_and_no_newer_one(store):
    add(store, 2)
    store.answers.add("kim", [Answer("r1", 1, "label", "good", tab="t1")])
    store.answers.add("kim", [Answer("r2", 1, "label", "bad", tab="t2")])  # changed in another tab
    late = Answer("u1", 1, "undo", tab="t1", undoes="r1")
    for _ in range(2):
        (receipt,) = store.answers.add("kim", [late])
        assert receipt.ok
        assert "another answer" in receipt.reason
    assert store.answers.get("kim", 1)["label"] == "bad"
    assert [r.ok for r in store.answers.add("kim", [Answer("u2", 1, "undo", tab="t2", undoes="r2")])] == [True]
    assert store.answers.get("kim", 1) is None


def test_an_undo_that_comes_again_leaves_the_answer_that_was_given_since(store):
    add(store, 1)
    undo = Answer("u1", 1, "undo", tab="t", undoes="r1")
    store.answers.add("kim", [Answer("r1", 1, "label", "good"), undo, Answer("r2", 1, "label", "bad"), undo])
    assert store.answers.get("kim", 1)["request_id"] == "r2"
    other = Answer("u2", 1, "undo", tab="t", undoes="r1")  # of another tab that had not heard of it
    store.answers.add("kim", [other])
    assert store.answers.get("kim", 1)["request_id"] == "r2"


def test_an_undo_names_an_answer_of_its_own_sender(store):
    add(store, 1)
    store.answers.add("kim", [Answer("r1", 1, "label", "good")])
    store.answers.add("lee", [Answer("r1", 1, "label", "bad"), Answer("u1", 1, "undo", undoes="r1")])
    assert store.answers.get("kim", 1)["label"] == "good"
    assert store.answers.get("lee", 1) is None


def test_an_undo_of_an_earlier_desk_takes_back_the_current_answer(store):
    add(store, 1)
    store.answers.add("kim", [Answer("r1", 1, "label", "good"), Answer("u1", 1, "undo", tab="t")])
    assert store.answers.get("kim", 1) is None
