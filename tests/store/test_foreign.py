"""Somebody else's predictions in the store: whole or not at all, in today's classes, and not shown of blind items."""

import numpy as np
import pytest

from labeler.core.class_changes import ClassChange, config_after
from labeler.core.items import ModelSays, NewItem
from labeler.store import Store
from labeler.store.foreign import NewForeign

OPEN, BLIND = "a0", "ff"  # last digits of the content hash, see `labeler.core.blinding`


@pytest.fixture
def filled(store: Store) -> Store:
    """Two items of the pool, of which one is blind, and one of the holdout."""
    places = [("pool", OPEN), ("pool", BLIND), ("holdout", OPEN)]
    for n, (split, end) in enumerate(places):
        store.items.add([NewItem(f"{n:030x}{end}", f"t.csv row {n}", f"t{n}", split=split)])  # type: ignore[arg-type]
    return store


def put(store: Store, *predictions: NewForeign, name: str = "GPT-like", version: str = "4") -> None:
    model = store.foreign.begin(name, version, "gpt.csv", store.class_changes.latest())
    assert model not in {each.id for each in store.foreign.all()}  # it does not count yet
    store.foreign.put(model, predictions)
    store.foreign.finish([model])


def change(store: Store, *what) -> None:
    made = ClassChange(*what)
    store.class_changes.add(made, "kim")
    store.config = config_after(store.config, made)


def labels(store: Store) -> dict[int, str]:
    (model,) = store.foreign.all()
    said = store.foreign.of(model, [1, 2, 3])
    return dict(zip(said.items.tolist(), said.labels, strict=True))


def test_a_model_is_replaced_by_its_own_version_alone(filled: Store):
    put(filled, NewForeign(1, "good"), NewForeign(2, "good"))
    put(filled, NewForeign(1, "bad"), version="5")
    before = filled.version()
    put(filled, NewForeign(1, "bad"))
    assert filled.version() != before
    assert [(m.title, m.n) for m in filled.foreign.all()] == [("GPT-like 4", 1), ("GPT-like 5", 1)]
    assert filled.db.value("SELECT COUNT(*) FROM foreign_predictions") == 2


def test_what_was_cut_off_does_not_count_and_goes(filled: Store):
    put(filled, NewForeign(1, "good"))
    filled.foreign.put(filled.foreign.begin("GPT-like", "4", "new.csv", 0), [NewForeign(1, "bad")])
    assert labels(filled) == {1: "good"}
    filled.foreign.forget_unfinished()
    assert filled.db.value("SELECT COUNT(*) FROM foreign_predictions") == 1
    assert filled.audit.actions().count("predictions imported") == 1


def test_nobody_who_labels_hears_what_a_model_says_of_a_blind_item(filled: Store):
    put(filled, *(NewForeign(item, "good", confidence=0.75) for item in (1, 2, 3)))
    assert filled.foreign.shown([1, 2, 3]) == {1: [ModelSays("GPT-like 4", "good", 0.75)]}


def test_labels_follow_the_changes_of_the_classes_and_come_back(filled: Store):
    put(filled, NewForeign(1, "good", np.array([0.6, 0.4])), NewForeign(2, "bad", np.array([0.1, 0.9])))
    change(filled, "rename", ("bad",), ("poor",))
    assert labels(filled) == {1: "good", 2: "poor"}
    change(filled, "split", ("poor",), ("poor", "awful"))
    assert labels(filled) == {1: "good"}  # the other may be of either part
    change(filled, "merge", ("poor", "awful"), ("bad",))
    assert labels(filled) == {1: "good", 2: "bad"}
    said = filled.foreign.of(filled.foreign.all()[0], [1, 2])
    assert said.proba == pytest.approx(np.array([[0.6, 0.4], [0.1, 0.9]]))
    change(filled, "add", (), ("mixed",))
    change(filled, "retire", ("bad",))
    assert labels(filled) == {1: "good"}


def test_the_probability_of_a_merged_class_is_that_of_its_parts(filled: Store):
    change(filled, "add", (), ("mixed",))
    put(filled, NewForeign(1, "good", np.array([0.5, 0.2, 0.3]), 0.9), NewForeign(2, "mixed", confidence=0.7))
    (model,) = filled.foreign.all()
    assert filled.foreign.of(model, [1, 2]).confidence == pytest.approx([0.9, 0.7])
    change(filled, "merge", ("good", "mixed"), ("fine",))
    said = filled.foreign.of(model, [1, 2])
    assert said.labels == ("fine", "fine")
    # what the second one gave was the probability of a part
    assert said.confidence == pytest.approx([0.8, np.nan], nan_ok=True)


def test_an_erased_item_has_no_prediction_any_more(filled: Store):
    put(filled, NewForeign(1, "good"), NewForeign(3, "bad"))
    filled.erasure.items([1])
    assert labels(filled) == {3: "bad"}
    assert filled.db.value("SELECT COUNT(*) FROM foreign_predictions") == 1
