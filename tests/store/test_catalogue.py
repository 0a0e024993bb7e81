"""The page Items' reads: searches and filters by hand, and what happened to an item."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeler.core.items import Answer, NewItem
from labeler.core.settings import Config
from labeler.store import Store
from labeler.store.catalogue import NOTHING, ItemFilter, words_in
from tests.support.fill import add, rank
from tests.support.samples import text_config

TEXTS = ["환불 부탁드립니다", "Refund, 50% off", "the refund is late", "배송이 늦어요", "C:\\temp_1"]


@pytest.fixture
def letters(store):
    store.items.add(
        [
            NewItem(f"{i:06d}", f"mail-{i}.csv row {i}", text, split="pool", metadata={"site": s})
            for i, (text, s) in enumerate(zip(TEXTS, ["Seoul", "Busan", "Seoul", "", 'a"b'], strict=True), 1)
        ]
    )
    return store


def ids(store: Store, **wanted: object) -> list[int]:
    return store.catalogue.ids(ItemFilter(**wanted)).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "matches"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("환불", [1]),
        ("refund", [2, 3]),
        ("refund late", [3]),
        ("late refund", [3]),
        ('"the refund"', [3]),
        ('"refund the"', []),
        ("50%", [2]),
        ("%", [2]),
        ("p_1", [5]),
        ("\\temp", [5]),
        ("mail-4", [4]),
        ('unclosed "refund', []),
    ],
)
def test_a_search_matches_all_its_words_in_text_or_name(letters, words, matches):
    assert ids(letters, words=words) == matches


def test_the_filters_narrow_what_is_listed(letters):
    letters.answers.add("kim", [Answer("1", 1, "label", "good", unsure=True), Answer("2", 2, "flag")])
    letters.answers.add("lee", [Answer("3", 3, "label", "bad", chosen="hand")])
    letters.decisions.add("lead", "4", 4, "exclude")
    letters.asked_next.ask([2, 4], 2, "lead", "both")  # neither can be asked
    assert ids(letters, name="good") == [1]
    assert ids(letters, annotator="kim") == [1, 2]
    assert ids(letters, annotator="kim", words="refund") == [2]
    assert ids(letters, column="site", value="Seoul") == [1, 3]
    assert ids(letters, column="site", value="") == [4]
    assert ids(letters, column='a"b', value="x") == []
    states = ["labeled", "unlabeled", "flagged", "unsure", "excluded", "chosen", "waiting"]
    assert {state: ids(letters, state=state) for state in states} == {
        "labeled": [1, 3],
        "unlabeled": [2, 5],
        "flagged": [2],
        "unsure": [1],
        "excluded": [4],
        "chosen": [3],
        "waiting": [],
    }


def test_a_search_stops_when_its_time_is_up_and_goes_on_where_it_stopped(letters, monkeypatch):
    monkeypatch.setattr("labeler.store.catalogue.LOOK", 2)
    words, found = ItemFilter(words="refund"), NOTHING
    steps: list[tuple[list[int], int, int, int]] = []
    while not found.is_complete or not steps:
        found = letters.catalogue.search(words, 0, found, newest_first=True)
        steps.append((found.ids[:].tolist(), found.looked, found.of, found.last))
    assert steps == [([], 2, 5, 4), ([3, 2], 4, 5, 2), ([3, 2], 5, 5, 1)]
    first = letters.catalogue.after(words, 0, 1, seconds=0)
    assert (first.ids[:].tolist(), first.last, first.is_complete) == ([2], 2, False)
    rest = letters.catalogue.after(words, first.last, 5, seconds=0)
    assert (rest.ids[:].tolist(), rest.last) == ([3], 4)


def test_a_search_is_limited_to_some_items(letters):
    found = letters.catalogue.search(ItemFilter(words="refund"), among=np.array([1, 3, 99]))
    assert found.ids[:].tolist() == [3]


def test_holdout_items_are_listed_once_they_have_a_label(store):
    add(store, 1)
    add(store, 2, split="holdout", first=1)
    assert (ids(store), store.catalogue.unlisted()) == ([1], 2)
    assert store.catalogue.page([1, 2]) == store.catalogue.page([1])
    store.answers.add("kim", [Answer("2", 2, "label", "good")])
    assert (ids(store), ids(store, split="holdout"), store.catalogue.unlisted()) == ([1, 2], [2], 1)


def test_items_of_several_classes_are_listed_under_each(tmp_path):
    config = Config(name="x", classes=("late", "refund"), modality="text", answers="several")
    with Store(":memory:", config) as store:
        add(store, 3)
        store.answers.add("kim", [Answer("1", 1, "label", '["late","refund"]'), Answer("2", 2, "label", "[]")])
        assert ids(store, name="refund") == [1]
        assert ids(store, name="late") == [1]


def test_a_page_has_its_items_in_the_order_asked_for(letters):
    letters.answers.add("kim", [Answer("1", 1, "label", "good"), Answer("2", 2, "flag")])
    rows = [(row.item.id, row.label, row.labels, row.open_flag) for row in letters.catalogue.page([3, 1, 99, 2])]
    assert rows == [(3, None, 0, False), (1, "good", 1, False), (2, None, 0, True)]


def test_the_history_tells_all_that_happened_in_order(store):
    add(store, 2)
    rank(store, [2, 1])
    store.asked_next.ask([1], 1, "lead", "search")
    store.answers.add("kim", [Answer("1", 1, "label", "good", note="hm", unsure=True)])
    store.answers.add("kim", [Answer("2", 1, "undo")])
    store.answers.add("lee", [Answer("3", 1, "skip")])
    store.decisions.add("lead", "4", 1, "label", "bad", "flagged")
    store.decisions.undo("lead")
    events = store.catalogue.history(1)
    assert [(e.kind, e.who, e.label) for e in events] == [
        ("imported", "", None),
        ("ranked", "", None),
        ("asked", "lead", None),
        ("label", "kim", "good"),
        ("undo", "kim", None),
        ("skip", "lee", None),
        ("decision", "lead", "bad"),
        ("decision undone", "lead", None),
    ]
    assert (events[1].how, events[1].round, events[1].rank) == ("margin", 1, 2)
    assert (events[3].how, events[3].unsure, events[3].text) == ("next", True, "hm")


def test_the_history_says_what_a_label_says_in_todays_classes(store):
    from labeler.core.class_changes import ClassChange

    add(store, 1)
    store.answers.add("kim", [Answer("1", 1, "label", "good")])
    store.class_changes.add(ClassChange("rename", ("good",), ("fine",)), "lead")
    label = store.catalogue.history(1)[-1]
    assert (label.label, label.today) == ("good", "fine")


def test_who_holds_an_item_is_told(store):
    add(store, 1)
    store.desk.reserve("kim", "tab", 1)
    assert store.catalogue.held_by(1) == ["kim"]


@settings(max_examples=15)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12), max_size=6),
    st.text('ab %_\\"환', max_size=5),
)
def test_a_search_is_what_looking_through_all_texts_gives(texts, search):
    texts = [text for text in dict.fromkeys(texts) if text]
    with Store(":memory:", text_config()) as store:
        store.items.add([NewItem(f"{i:03d}", "", text, split="pool") for i, text in enumerate(texts)])
        lower = str.maketrans({chr(c): chr(c + 32) for c in range(ord("A"), ord("Z") + 1)})  # as SQLite's LIKE folds
        expected = [
            i
            for i, text in enumerate(texts, 1)
            if all(word.translate(lower) in text.translate(lower) for word in words_in(search))
        ]
        assert ids(store, words=search) == expected


def test_the_list_of_all_items_is_what_reading_all_of_them_gives(store):
    """Labeled and unlabeled ones of both sides, erased ones, those without a side, and gaps."""
    add(store, 6)
    add(store, 3, split="holdout", first=6)
    store.answers.add("kim", [Answer("r1", 1, "label", "good"), Answer("r2", 8, "label", "bad")])
    add(store, 2, split=None, first=9)
    store.db.execute("UPDATE items SET unreadable = 'broken' WHERE id = 3")
    store.db.execute("UPDATE items SET withdrawn = 'pool', split = NULL WHERE id = 4")
    store.db.execute("UPDATE items SET erased_at = '2026-01-01' WHERE id = 5")
    listed = "SELECT id FROM items WHERE listed ORDER BY id"
    assert ids(store) == [1, 2, 6, 8] == [row["id"] for row in store.db.rows(listed)]
    store.db.insert(
        "items", {"id": 20, "content_hash": "f", "split": "pool", "text": "t", "source": "s", "added_at": "a"}
    )
    assert ids(store) == [1, 2, 6, 8, 20] == [row["id"] for row in store.db.rows(listed)]
