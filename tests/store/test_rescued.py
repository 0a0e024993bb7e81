"""Rescued answers are put back once, in the order in which they were given, and never over a newer one."""

import pytest

from labeler.core.items import Answer
from labeler.store import Store, parts
from labeler.store.rescued import COST
from tests.support.fill import add


@pytest.fixture
def store(project):
    with project.store() as opened:
        add(opened, 5)
        yield opened


def rescued(number: int, item: int = 1, label: str | None = "good", **changes: object) -> dict:
    """An answer as a rescue writes it: the first of all times by kim."""
    content = {"content_hash": f"{item - 1:06d}", "item_id": item}
    fixed = {"annotator": "kim", "action": "label", "at": "2026-01-01T00:00:00.000", "class_change": 0}
    return {"id": number, "request_id": f"r{number}", "label": label} | content | fixed | changes


def current(store: Store) -> dict[int, str | None]:
    return {row["item_id"]: row["label"] for row in store.db.rows("SELECT item_id, label FROM answers")}


def put_back(store: Store, *answers: object) -> tuple[int, int, dict[int, str]]:
    result = store.rescued.put_back(answers, "lead")
    return result.stored.get("annotations", 0), result.there.get("annotations", 0), result.unfit


def test_answers_are_put_back_in_their_order_and_a_second_time_nothing_is_left(store):
    answers = [rescued(3, 2, "bad"), rescued(2, 1, "bad"), rescued(1, 1, "good", note="first")]
    assert put_back(store, *answers) == (3, 0, {})
    assert put_back(store, *answers) == (0, 3, {})
    assert current(store) == {1: "bad", 2: "bad"}
    first, *_ = store.db.rows("SELECT at, note, today FROM annotations ORDER BY id")
    assert first == {"at": "2026-01-01T00:00:00.000", "note": "first", "today": "good"}
    assert store.items.counts().labeled == 2
    assert [annotator.name for annotator in store.team.all()] == ["kim"]


def test_an_older_answer_is_not_put_over_a_newer_one(store):
    store.answers.add("kim", [Answer("new", 1, "label", "bad")])
    stored, there, unfit = put_back(store, rescued(1), rescued(2, 1, "good", annotator="lee"))
    assert (stored, there, list(unfit)) == (1, 0, [1])
    assert "kim has answered this item since" in unfit[1]
    assert store.answers.get("kim", 1)["label"] == "bad"


def test_a_clock_that_went_back_makes_no_answer_older(store):
    early, late = "2026-01-01T00:00:00.000", "2026-01-02T00:00:00.000"
    assert put_back(store, rescued(1, at=late), rescued(2, 1, "bad", at=early)) == (2, 0, {})
    assert current(store) == {1: "bad"}


def test_an_undo_takes_back_what_was_taken_back(store):
    undo = rescued(2, label=None, action="undo")
    assert put_back(store, rescued(1), undo) == (2, 0, {})
    assert current(store) == {}
    assert "not there" in put_back(store, rescued(4, 3, None, action="undo"))[2][1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (rescued(1, 9), "its item is not in this project"),
        (rescued(1, content_hash=None), "its item is not in this project"),  # the item came after the answer
        (rescued(1, label="odd"), "'odd' is not a class of this project"),
        (rescued(1, action="flag"), "it cannot be read"),
        (rescued(1, annotator=7), "it cannot be read"),
        ({"id": 1}, "it cannot be read"),
        (None, "it cannot be read"),
    ],
)
def test_what_does_not_fit_is_said_and_the_others_are_put_back(store, answer, reason):
    stored, there, unfit = put_back(store, answer, rescued(2, 3))
    assert (stored, there, list(unfit)) == (1, 0, [1])
    assert reason in unfit[1]


def test_an_item_is_found_by_its_content_whatever_its_number_was(store):
    assert put_back(store, rescued(1, 4, item_id=1, at="2099-01-01"))[0] == 1
    assert current(store) == {4: "good"}


def test_another_answer_under_the_same_id_stays(store):
    store.answers.add("kim", [Answer("r1", 2, "label", "bad")])
    assert "stored under its id" in put_back(store, rescued(1))[2][1]
    assert current(store) == {2: "bad"}


def test_what_was_cut_off_between_two_parts_goes_on(store, monkeypatch):
    answers = [rescued(number, number) for number in range(1, 6)]
    monkeypatch.setattr(parts, "AT_ONCE", 2 * COST)
    with monkeypatch.context() as cut:
        cut.setattr(parts, "let_others_write", cut_off)
        with pytest.raises(KeyboardInterrupt):
            put_back(store, *answers)
    assert [*current(store)] == [1, 2]
    assert put_back(store, *answers) == (3, 2, {})
    assert [*current(store)] == [1, 2, 3, 4, 5]


def cut_off(*_part: object) -> None:
    raise KeyboardInterrupt
