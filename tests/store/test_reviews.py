"""What the review reads."""

from labeler.core.items import Answer, NewItem
from labeler.quality.review import DISAGREEMENT, FLAGGED, UNSURE, Findings, queue
from labeler.store import Store


def fill(store: Store, n: int = 6) -> list[int]:
    store.items.add([NewItem(f"{i:032x}", f"row {i}", text=f"text {i}", split="pool") for i in range(n)])
    return [item.id for item in store.items.all()]


def answer(store: Store, who: str, item: int, label: str | None, **more: object) -> None:
    kept = store.db.value("SELECT COUNT(*) FROM annotations")
    action = "label" if label else more.pop("action", "flag")
    (receipt,) = store.answers.add(who, [Answer(f"{who}-{kept}", item, action, label, **more)])  # type: ignore[arg-type]
    assert receipt.ok


def reasons(store: Store, suspects: tuple[int, ...] = ()) -> dict[int, tuple[str, ...]]:
    return {
        case.item_id: case.reasons
        for case in queue(store.reviews.answers_to_review(suspects), Findings(None), store.config)
    }


def test_only_doubtful_answers_are_read_for_review(store: Store) -> None:
    plain, apart, unsure, flagged, other, _ = fill(store)
    for item in (plain, apart, other):
        answer(store, "ann", item, "good")
    answer(store, "bob", apart, "bad")
    answer(store, "ann", unsure, "good", unsure=True)
    answer(store, "ann", flagged, None, note="blurred")
    assert {row[0] for row in store.reviews.answers_to_review()} == {apart, unsure, flagged}
    assert {row[0] for row in store.reviews.answers_to_review([other])} == {apart, unsure, flagged, other}
    assert reasons(store) == {apart: (DISAGREEMENT,), unsure: (UNSURE,), flagged: (FLAGGED,)}


def test_answers_that_were_changed_or_taken_back_do_not_count(store: Store) -> None:
    apart, unsure, *_ = fill(store)
    answer(store, "ann", apart, "good")
    answer(store, "bob", apart, "bad")
    answer(store, "bob", apart, "good")
    answer(store, "ann", unsure, "good", unsure=True)
    answer(store, "ann", unsure, None, action="undo")
    assert reasons(store) == {}


def test_decided_items_leave_until_somebody_says_otherwise_and_undo_brings_them_back(store: Store) -> None:
    item, flagged, *_ = fill(store)
    answer(store, "ann", item, "good")
    answer(store, "bob", item, "bad")
    answer(store, "ann", flagged, None)
    store.decisions.add("lead", "d1", item, "label", "bad")
    store.decisions.add("lead", "d2", flagged, "exclude")
    assert reasons(store) == {}
    assert [(d["by"], d["label"]) for d in store.decisions.of_item(item)] == [("lead", "bad")]
    assert store.decisions.count() == 2
    store.decisions.undo("lead")
    assert reasons(store) == {flagged: (FLAGGED,)}
    assert store.decisions.count() == 1


def test_a_returned_item_leaves_the_review_until_it_is_answered(store: Store) -> None:
    flagged, *_ = fill(store)
    answer(store, "ann", flagged, None)
    store.decisions.add("lead", "d1", flagged, "return")
    assert reasons(store) == {}
    answer(store, "bob", flagged, "good", unsure=True)
    assert reasons(store) == {flagged: (UNSURE,)}


def test_answers_to_an_item_and_opinions_of_people(store: Store) -> None:
    item, other, *_ = fill(store)
    store.items.add([NewItem(f"{0:032x}", "row 0", text="text 0", label="bad")])
    answer(store, "ann", item, "good", seconds=2.5, note="clear")
    answer(store, "bob", other, None)
    answers = store.reviews.answers_to(item)
    assert [(a["annotator"], a["label"], a["seconds"], a["note"]) for a in answers] == [
        ("import", "bad", None, None),
        ("ann", "good", 2.5, "clear"),
    ]
    assert store.reviews.annotations() == [(item, "ann", "good", 2.5)]
    assert store.reviews.annotations("holdout") == []
