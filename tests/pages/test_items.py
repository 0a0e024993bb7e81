"""The Items page: found, opened, labeled by hand, asked next."""

import numpy as np
import pytest

from labeler.core.id_runs import IdRuns
from labeler.core.items import Answer, NewItem
from labeler.core.jobs import MapRequest
from labeler.core.settings import TeamConfig
from labeler.projects import pool_map, predictions
from labeler.projects import project as projects
from labeler.projects.pool_map import PoolMap
from labeler.projects.predictions import Predictions
from tests.support.fill import add, rank
from tests.support.pages import elements, everything, visit, widget
from tests.support.samples import text_config, topics_config

PROBA = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.45, 0.55]])  # of items 1 to 4: good, bad


@pytest.fixture
def filled(own_home, monkeypatch):
    """Four items of the pool, of which the first is labeled, and two of the holdout; "lead" works. No model."""
    monkeypatch.setattr("labeler.access.users.getpass.getuser", lambda: "lead")
    project = projects.create(own_home / "reviews", text_config(team=TeamConfig(leads=("lead",))))
    with project.store() as store:
        add(store, 4)
        add(store, 2, split="holdout", first=4)
        store.answers.add("ann", [Answer("1", 1, "label", "good"), Answer("2", 2, "flag", note="hm")])
    return project


@pytest.fixture
def predicted(filled):
    """A round has run, and there are its predictions and a map."""
    with filled.store() as store:
        rank(store, [3, 4, 2])
        store.maps.request(MapRequest(1, 6, 0), "lead")
        store.maps.finish(store.maps.claim().id, {})
    ids = np.arange(1, 5)
    of_pool = Predictions("m.safetensors", ids, PROBA, ("good", "bad"), 0)
    predictions.keep(filled, of_pool, predictions.POOL)
    pool_map.keep(filled, PoolMap(ids, np.array([[0, 0], [0.2, 0.2], [0.8, 0.8], [1, 1]]), 4, "key"))
    return filled


def listed(app) -> list[int]:
    """The items that have a card."""
    return [int(b.key.removeprefix("open-")) for b in app.button if b.key and b.key.startswith("open-")]


def choose(app, label: str, value: object):
    widget(app, "selectbox", label).set_value(value).run()
    assert not app.exception, app.exception
    return app


def press(app, label: str):
    widget(app, "button", label).click().run()
    assert not app.exception, app.exception
    return app


def test_only_leads_see_the_page(filled):
    app = visit("items", annotator="ann")
    assert listed(app) == []
    assert "The leads and auditors of this project look through the items." in everything(app)


def test_holdout_items_without_a_label_are_not_listed(filled):
    app = visit("items")
    assert listed(app) == [1, 2, 3, 4]
    assert "4 items · 2 items of the holdout are listed once they have a label" in everything(app)


def test_a_search_and_a_filter_narrow_the_list_and_one_click_lists_all_again(filled):
    app = visit("items")
    widget(app, "text_input", "Search").set_value("t2").run()
    assert listed(app) == [3]
    assert "1 item · search: t2" in everything(app)
    widget(app, "text_input", "Search").set_value("").run()
    assert listed(choose(app, "State", "flagged")) == [2]
    assert listed(choose(app, "Answered by", "ann")) == [2]
    assert listed(choose(app, "State", "excluded")) == []
    assert "No item matches" in everything(app)
    assert listed(press(app, "List all")) == [1, 2, 3, 4]


def test_a_filter_that_lets_all_through_says_so_in_the_readers_language(filled):
    filters = [box for box in visit("items").selectbox if box.value is None]
    assert len(filters) > 1
    assert {box.proto.placeholder for box in filters} == {"any"}


def test_an_open_item_has_its_history_and_the_way_back(filled):
    app = press(visit("items"), "Item 2")
    assert app.query_params["item"] == "reviews:2"
    (table,) = elements(app, "table")
    assert [row["What"] for row in table.value.to_dict("records")] == ["flagged · “hm”", "imported from row 1"]
    assert "2 of 4" in everything(app)
    press(app, "Next")
    assert "3 of 4" in everything(app)
    assert listed(press(app, "Back to the list")) == [1, 2, 3, 4]


def test_a_label_from_here_is_stored_as_chosen_by_hand_and_can_be_taken_back(filled):
    app = press(press(visit("items"), "Item 3"), "bad")
    with filled.store() as store:
        answer = next(row for row in store.answers.export() if row["item_id"] == 3)
        assert store.items.chosen_by_hand() == {3}
    assert [answer[name] for name in ("annotator", "label", "chosen", "reveal")] == ["lead", "bad", "hand", "before"]
    press(app, "Undo")
    with filled.store() as store:
        assert 3 not in store.items.labels()


def test_a_stored_label_without_a_class_is_told_in_words(own_home):
    with projects.create(own_home / "letters", topics_config(team=TeamConfig(leads=("lead",)))).store() as store:
        add(store, 1)
    app = press(press(visit("items", annotator="lead"), "Item 1"), "Label")
    assert [toast.value for toast in app.toast] == ["The label is stored: none of the classes."]


def test_another_label_of_a_labeled_item_is_a_decision(filled):
    app = press(press(visit("items"), "Item 1"), "bad")
    with filled.store() as store:
        assert store.items.labels()[1] == "bad"
        assert [(d["by"], d["label"], d["reason"]) for d in store.decisions.of_item(1)] == [
            ("lead", "bad", "chosen by hand")
        ]
    press(app, "Undo")
    with filled.store() as store:
        assert store.items.labels()[1] == "good"


def test_the_holdout_is_not_labeled_from_here(filled):
    with filled.store() as store:
        store.answers.add("ann", [Answer("5", 5, "label", "good")])
    app = press(visit("items"), "Item 5")
    assert "Labels of the holdout are corrected on the Review page" in everything(app)
    assert not [b.label for b in app.button if b.label in ("good", "bad")]


def test_what_is_listed_is_asked_next_and_taken_back(filled):
    app = visit("items")
    widget(app, "text_input", "Search").set_value("t").run()
    widget(app, "number_input", "How many").set_value(4).run()
    press(app, "Ask next")
    with filled.store() as store:
        assert [r.item.id for r in store.desk.reserve("ann", "tab", 2)][:2] == [3, 4]
        (selection,) = store.asked_next.waiting()
    assert str(selection.what) == "search: t"
    app.run()
    assert "2 items wait to be asked next" in [e.label for e in app.expander]
    assert widget(app, "button", "Take back").disabled  # both are on a desk
    with filled.store() as store:
        store.desk.leave("ann", "tab", at=0)
        store.desk.reserve("bob", "tab", 0)
    press(visit("items"), "Take back")
    with filled.store() as store:
        assert store.asked_next.waiting() == []


def test_predictions_filter_and_order_the_list(predicted):
    app = visit("items")
    assert "predicted bad (80%)" in everything(app)
    assert listed(choose(app, "Order", ("doubt", 0))) == [4, 2, 3, 1]
    assert listed(choose(app, "Order", ("likely", 1))) == [3, 4, 2, 1]
    assert listed(choose(app, "Predicted class", 1)) == [3, 4]
    app.slider[0].set_value((50, 70)).run()
    assert listed(app) == [4]
    assert "predicted: bad · probability 50% to 70%" in everything(app)
    press(app, "Ask next")
    with predicted.store() as store:
        (selection,) = store.asked_next.waiting()
    assert str(selection.what) == "predicted: bad · probability 50% to 70% · likeliest first: bad"


def test_words_are_searched_in_the_order_of_doubt_in_steps(predicted, monkeypatch):
    monkeypatch.setattr("labeler.store.catalogue.LOOK", 1)
    for name in ("FIRST_SECONDS", "GO_ON_SECONDS"):
        monkeypatch.setattr(f"pages.items.search.{name}", 0.0)
    app = visit("items")
    widget(app, "text_input", "Search").set_value("t").run()
    assert listed(choose(app, "Order", ("doubt", 0))) == [4]
    assert "1 of 4 items searched so far" in everything(app)
    assert listed(press(app, "Search on")) == [4, 2]
    press(app, "Search on")
    assert listed(press(app, "Search on")) == [4, 2, 3, 1]
    assert "searched so far" not in everything(app)


def test_a_list_of_similar_items_says_so_where_only_items_with_a_prediction_were_compared(predicted, monkeypatch):
    with predicted.store() as store:
        store.answers.add("ann", [Answer("5", 5, "label", "good")])
    app = press(press(visit("items"), "Item 3"), "Similar items")
    assert "similar to item 3" in everything(app)
    assert "are looked for among" not in everything(app)
    monkeypatch.setattr("pages.items.search.MOST_COMPARED", 3)
    assert "Similar items are looked for among 4 of the 5 items." in everything(app.run())


def test_a_new_round_lists_other_items_as_similar(predicted, monkeypatch):
    monkeypatch.setattr("pages.items.search.similar", lambda *_of: [3, 1])
    assert listed(press(press(visit("items"), "Item 3"), "Similar items")) == [3, 1]
    monkeypatch.setattr("pages.items.search.similar", lambda *_of: [3, 2])
    app = press(press(visit("items"), "Item 3"), "Similar items")
    assert listed(app) == [3, 1]
    with predicted.store() as store:
        rank(store, [3, 4, 2])
    assert listed(app.run()) == [3, 2]


def test_the_map_says_in_words_what_it_shows_and_a_newer_round_asks_for_another(predicted):
    app = visit("items")
    view = next(group for group in elements(app, "button_group") if group.key.endswith("-view"))
    view.set_value("map").run()
    assert not app.exception, app.exception
    assert "**4** items: no label: 3 · good: 1" in everything(app)
    with predicted.store() as store:
        assert [job.request.round for job in store.maps.all()] == [1]
        rank(store, [3])
    visit("items")
    with predicted.store() as store:
        assert [(job.request, job.state) for job in store.maps.all()][:1] == [(MapRequest(2, 6, 0), "queued")]


def test_a_region_holds_the_points_inside_it(predicted):
    from pages.items.item_map import frame_of, in_region

    with predicted.store() as store:
        frame = frame_of(predicted, store, IdRuns.of([1, 2, 3]), None)
    inside = in_region(frame, {"x": [0.9, 0.1], "y": [0.1, 0.9]})
    assert inside["id"].tolist() == [2, 3]
    assert in_region(frame, {}) is None


def test_a_column_that_tells_the_label_is_shown_once_the_item_has_one(filled):
    columns = [{"truth": "bad", "site": "Seoul"}, {"truth": "good", "site": "Busan"}]
    with filled.store() as store:
        store.items.add(
            [
                NewItem(f"b{i}", f"more {i}", text=f"more {i}", split="pool", metadata=values)
                for i, values in enumerate(columns)
            ]
        )
        store.answers.add("ann", [Answer("3", 8, "label", "good")])

    def shown(item: str) -> set[str]:
        table = elements(press(visit("items"), item), "table")[0].value
        return set(table["Column"])

    assert shown("Item 7") == {"site"}
    assert shown("Item 8") == {"truth", "site"}
