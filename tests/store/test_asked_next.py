"""What leads have asked next, and labels by hand: first on the desk, marked, and no measure of a strategy."""

import pytest

from labeler.core.items import Answer, InOrder
from labeler.core.settings import LabelingConfig
from labeler.store import Store
from tests.support.fill import add, rank
from tests.support.samples import text_config


def held(store: Store, who: str = "kim", n: int = 3) -> list[int]:
    return [reserved.item.id for reserved in store.desk.reserve(who, f"tab of {who}", n)]


def say(store: Store, item: int, who: str = "kim", label: str = "good", **more: object) -> None:
    (receipt,) = store.answers.add(who, [Answer(f"{who}-{item}-{label}", item, "label", label, **more)])  # type: ignore[arg-type]
    assert receipt.ok, receipt.reason


@pytest.fixture
def ranked(store):
    """Items 1 to 9 of the pool, ranked from the last to the first, and item 10 of the holdout."""
    add(store, 9)
    add(store, 1, split="holdout", first=9)
    rank(store, list(range(9, 0, -1)))
    return store


def test_what_is_asked_next_comes_before_the_ranking_and_in_its_own_order(ranked):
    assert ranked.asked_next.ask([2, 4], 10, "lead", "two") == 2
    assert held(ranked) == [2, 4, 9]


def test_an_item_that_is_named_twice_is_asked_once(ranked):
    assert ranked.asked_next.ask([2, 2, 4], 2, "lead", "two") == 2
    assert held(ranked) == [2, 4, 9]


def test_a_full_tab_gets_what_is_asked_next_before_what_it_holds(ranked):
    assert held(ranked) == [9, 8, 7]
    ranked.asked_next.ask([2, 8], 10, "lead", "two")
    first = ranked.desk.reserve("kim", "tab of kim", 3)
    assert [(reserved.item.id, reserved.first) for reserved in first] == [
        (2, True),
        (8, True),
        (9, False),
        (7, False),
    ]


def test_labeled_items_the_holdout_and_those_asked_already_are_passed_over(ranked):
    say(ranked, 1)
    ranked.decisions.add("lead", "r", 3, "exclude")
    ranked.answers.add("kim", [Answer("flag", 4, "flag")])
    ranked.asked_next.ask([5], 1, "lead", "one")
    assert ranked.asked_next.ask([1, 3, 4, 5, 10, 6, 7, 8], 2, "lead", "some") == 2
    assert [(s.what, s.waiting) for s in ranked.asked_next.waiting()] == [("one", 1), ("some", 2)]


def test_what_is_taken_back_is_asked_as_the_ranking_says_but_what_somebody_holds_stays(ranked):
    ranked.asked_next.ask([1, 2, 3], 3, "lead", "three")
    assert held(ranked, n=1) == [1]
    (selection,) = ranked.asked_next.waiting()
    assert (selection.waiting, selection.on_desks) == (3, 1)
    before = ranked.asked_next.version()
    assert ranked.asked_next.take_back(selection) == 2
    assert ranked.asked_next.version() == before + 2
    assert [s.waiting for s in ranked.asked_next.waiting()] == [1]
    assert held(ranked, "lee", 2) == [9, 8]


def test_an_answer_to_what_was_asked_next_says_so_and_neither_query_nor_draw_gets_the_credit(ranked):
    ranked.asked_next.ask([2], 1, "lead", "one")
    say(ranked, 2)
    say(ranked, 9)
    rows = {row["item_id"]: row for row in ranked.answers.export()}
    assert (rows[2]["chosen"], rows[2]["strategy"], rows[2]["round"]) == ("next", None, None)
    assert (rows[9]["chosen"], rows[9]["strategy"], rows[9]["round"]) == (None, "margin", 1)
    assert {row["item_id"]: row["chosen"] for row in ranked.items.export() if row["label"]} == {2: "next", 9: None}


def test_an_answer_that_is_changed_keeps_who_chose_the_item(ranked):
    say(ranked, 9)
    ranked.asked_next.ask([8], 1, "lead", "one")
    say(ranked, 8)
    assert ranked.asked_next.waiting() == []  # it has a label
    for item in (8, 9):
        say(ranked, item, label="bad")
    assert ranked.items.labeled_in_order() == [InOrder(9, False, False, "margin"), InOrder(8, False, True)]


def test_no_label_of_an_item_that_people_chose_enters_the_control_arm(store):
    """Even where the control arm had drawn the same items."""
    add(store, 6)
    rank(store, [1, 2, 3, 4, 5, 6], strategy="random")
    say(store, 1)
    say(store, 2, chosen="hand")
    store.asked_next.ask([3], 1, "lead", "one")
    say(store, 3)
    say(store, 4)
    assert [(row.item_id, row.drawn, row.chosen) for row in store.items.labeled_in_order()] == [
        (1, True, False),
        (2, False, True),
        (3, False, True),
        (4, True, False),
    ]
    assert store.items.chosen_by_hand() == {2, 3}
    assert store.items.labels_without_chosen([0, 1, 2, 3, 4, 9]) == [0, 1, 1, 1, 2, 2]


def test_a_holdout_item_is_not_labeled_by_hand(ranked):
    (receipt,) = ranked.answers.add("lead", [Answer("r", 10, "label", "good", chosen="hand")])
    assert not receipt.ok
    assert "measures the model" in str(receipt.reason)
    assert ranked.items.labels() == {}


def test_labels_by_hand_are_trained_on_and_paid_but_are_no_independent_opinion(ranked):
    say(ranked, 1, chosen="hand")
    say(ranked, 2)
    assert ranked.items.count_labeled() == 2
    assert ranked.items.labels_spent() == 2
    assert ranked.reviews.annotations() == [(2, "kim", "good", None)]


def test_nobody_is_asked_next_while_labeling_has_stopped(ranked):
    ranked.asked_next.ask([2], 1, "lead", "one")
    ranked.stops.stop("lead", "enough")
    assert held(ranked) == []


def test_newcomers_get_qualification_items_only(store):
    store.config = text_config(labeling=LabelingConfig(qualification=1))
    add(store, 3)
    store.db.execute(
        "INSERT INTO annotations (request_id, item_id, annotator, action, label, today, at)"
        " VALUES ('import:1', 1, 'import', 'label', 'good', 'good', '2026-01-01')"
    )
    store.db.connection.commit()
    store.asked_next.ask([2, 3], 2, "lead", "two")
    assert held(store) == [1]
