"""Where a project stands on its way, and the step that comes next."""

from dataclasses import replace

from labeler.core.items import Answer
from labeler.core.rounds import FinishedRound, Metrics, RoundResult
from labeler.projects import guidelines
from labeler.projects.next_step import NO_HOLDOUT, way
from tests.support.fill import add


def step(project, store) -> tuple[str, str]:
    here = way(project, store)
    return here.next, str(here.sentence)


def answer(store, *items: int, label: str = "good") -> None:
    store.answers.add("kim", [Answer(str(i), i, "label", label) for i in items])


def finish_round(store, low: float) -> None:
    store.rounds.request("test")
    result = RoundResult(4, "margin", 1, Metrics(50, 0.95, low, 0.99, 0.9), (), 0.1, 0.2)
    store.rounds.finish(store.rounds.claim(), FinishedRound(store.rounds.next_number(), result))


def test_the_way_leads_from_the_import_over_the_labels_to_the_curve(project, store):
    assert step(project, store)[0] == "import"
    add(store, 9)
    assert step(project, store) == ("label", "The items are ready for their first labels.")
    answer(store, 1)
    assert step(project, store)[1].startswith("3 more pool labels")
    answer(store, 2, 3, 4)
    assert step(project, store)[1].startswith("All pool labels are of one class, and a model needs two")
    answer(store, 5, label="bad")
    assert step(project, store) == ("import", str(NO_HOLDOUT))
    add(store, 3, split="holdout", first=9)
    assert step(project, store)[1].startswith("The holdout has no labels yet")
    finish_round(store, 0.5)
    guidelines.write(project, "# Rules")
    assert way(project, store).done == {"import", "guidelines", "label", "curve"}
    assert step(project, store)[0] == "label"


def test_the_way_ends_where_the_labels_are_taken_out(project, store):
    add(store, 9)
    answer(store, 1)
    spent = project.save(replace(project.config, budget=1))
    assert step(spent, store)[1].startswith("The budget is spent")
    finish_round(store, 0.91)
    assert step(project, store)[1].startswith("The target is reached")
    store.stops.stop("lead", "enough")
    assert step(project, store)[1].startswith("Labeling has stopped")
    answer(store, *range(2, 10))
    assert step(project, store) == ("export", "There is nothing left to label: take the labels out.")


def test_who_must_not_know_the_holdout_is_told_no_number_that_a_flag_of_a_pool_item_changes(project, store):
    add(store, 3)
    answer(store, 1)
    before = way(project, store, sides=False).sentence
    store.answers.add("kim", [Answer("f", 2, "flag")])
    assert str(way(project, store, sides=False).sentence) == str(before)
    assert str(before).startswith("The first model is trained after 3 pool labels")


def test_what_went_wrong_comes_first(project, store):
    add(store, 9)
    answer(store, 1)
    store.rounds.request("test")
    store.rounds.fail(store.rounds.claim(), "no weights")
    assert step(project, store) == ("curve", "The last round failed: its reason is on the Progress page.")
    store.db.config = replace(project.config, classes=("fine", "bad"))
    assert step(project, store)[0] == "classes"
