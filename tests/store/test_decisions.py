"""What leads decide: the label that holds, what is taken out or given back, what was before; and stopping."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.core.errors import LabelerError
from labeler.core.items import Action, AdjudicationAction, Answer, Waiting
from labeler.core.settings import LabelingConfig
from labeler.store import Store
from labeler.store.driver import sqlite3
from tests.support.fill import add
from tests.support.samples import text_config


def say(store: Store, item: int, label: str | None, who: str = "kim", action: Action = "label") -> None:
    (receipt,) = store.answers.add(who, [Answer(f"{who}-{item}-{label}-{action}", item, action, label)])
    assert receipt.ok


def current(store: Store, item: int = 1) -> str | None:
    return store.items.labels().get(item)


def reserved(store: Store, who: str, n: int = 10) -> list[int]:
    return [r.item.id for r in store.desk.reserve(who, f"tab of {who}", n)]


def test_a_decision_goes_before_all_answers_now_and_later(store):
    add(store, 2)
    say(store, 1, "good", "kim")
    store.decisions.add("lead", "r1", 1, "label", "bad")
    assert current(store) == "bad"
    say(store, 1, "good", "lee")
    assert current(store) == "bad"
    assert store.items.count_labeled() == 1


def test_decisions_are_taken_back_one_by_one(store):
    add(store, 1)
    say(store, 1, "good")
    store.decisions.add("lead", "r1", 1, "label", "bad")
    store.decisions.add("lead", "r2", 1, "exclude")
    assert current(store) is None
    assert store.items.flagged() == {1}
    assert store.decisions.undo("lead") == 1
    assert current(store) == "bad"
    assert store.decisions.undo("lead") == 1
    assert current(store) == "good"
    assert store.decisions.undo("lead") is None


def test_one_takes_back_only_decisions_of_ones_own(store):
    add(store, 1)
    store.decisions.add("lead", "r1", 1, "label", "bad")
    assert store.decisions.undo("other") is None
    assert current(store) == "bad"


def test_every_decision_keeps_who_when_and_what_was_before(store):
    add(store, 1)
    say(store, 1, "good")
    first = store.decisions.add("lead", "r1", 1, "label", "bad", "disagreement")
    store.decisions.undo("lead")
    store.decisions.add("chief", "r2", 1, "label", "bad")
    latest, before = store.decisions.latest()
    assert (before["id"], before["by"], before["before"], before["label"]) == (first, "lead", "good", "bad")
    assert (before["reason"], before["undone"], latest["undone"]) == ("disagreement", 1, 0)
    assert latest["by"] == "chief"
    assert latest["at"] >= before["at"]
    for change in ("DELETE FROM adjudications", "UPDATE adjudications SET label = 'good'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            store.db.execute(change)


def test_a_decision_that_is_sent_twice_is_stored_once(store):
    add(store, 1)
    assert store.decisions.add("lead", "r1", 1, "label", "bad") == store.decisions.add("lead", "r1", 1, "label", "bad")
    assert len(store.decisions.latest()) == 1


def test_an_invalid_decision_is_refused_in_a_sentence(store):
    add(store, 1)
    with pytest.raises(LabelerError, match="'ugly' is not a label"):
        store.decisions.add("lead", "r1", 1, "label", "ugly")
    with pytest.raises(LabelerError, match="no item 9"):
        store.decisions.add("lead", "r2", 9, "label", "bad")
    assert store.decisions.latest() == []


def test_a_flagged_item_is_given_to_nobody_until_it_is_returned(store):
    add(store, 1)
    say(store, 1, None, "kim", "flag")
    assert store.items.flagged() == {1}
    assert reserved(store, "lee") == []
    store.decisions.add("lead", "r1", 1, "return")
    assert store.items.flagged() == set()
    assert reserved(store, "lee") == [1]
    say(store, 1, None, "lee", "flag")  # again
    assert store.items.flagged() == {1}


def test_who_flagged_an_item_alone_is_asked_again(store):
    add(store, 1)
    say(store, 1, None, "kim", "flag")
    store.decisions.add("lead", "r1", 1, "return")
    assert reserved(store, "kim") == [1]


def test_a_labeled_item_that_is_given_back_is_answered_once_more(store):
    add(store, 3)
    say(store, 1, "good")
    store.decisions.add("lead", "r1", 1, "return")
    assert current(store) == "good"
    assert 1 in reserved(store, "lee")
    say(store, 1, "bad", "lee")
    assert 1 not in reserved(store, "park")


def test_decided_items_are_not_queried_again(store):
    add(store, 2)
    store.decisions.add("lead", "r1", 1, "label", "good")
    assert reserved(store, "kim") == [2]


def test_items_in_doubt_are_asked_again_without_overlap(store):
    add(store, 5)
    say(store, 1, "good")
    say(store, 2, "good")
    store.decisions.ask_again([2, 3])  # 3 has no label: it is asked anyway
    assert 2 in reserved(store, "lee")
    assert 1 not in reserved(store, "lee")


def test_decisions_cost_no_budget_and_leave_agreement_alone(store):
    add(store, 1)
    say(store, 1, "good")
    store.decisions.add("lead", "r1", 1, "label", "bad")
    assert store.items.labels_spent() == 1
    assert [row["annotator"] for row in store.answers.export()] == ["kim"]
    assert store.answers.export()[0]["item_label"] == "bad"


def test_recent_decisions_are_noticed(store):
    add(store, 1)
    assert not store.decisions.any_within(3600)
    store.decisions.add("lead", "r1", 1, "label", "bad")
    assert store.decisions.any_within(3600)
    assert not store.decisions.any_within(-1)


def test_labeling_stops_for_all_and_goes_on(store):
    add(store, 3)
    assert reserved(store, "kim")
    store.stops.stop("lead", "the target is reached")
    store.stops.stop("other")
    assert store.stops.current()["by"] == "lead"
    assert reserved(store, "kim") == []
    assert store.desk.waiting_reason("kim") == Waiting("stopped", by="lead", text="the target is reached")
    store.stops.lift("lead")
    assert store.stops.current() is None
    assert reserved(store, "kim")


def test_a_majority_is_kept_with_each_answer(own_home):
    from labeler.projects import project as projects

    config = replace(text_config(), labeling=LabelingConfig(overlap=3))
    with projects.create(own_home / "overlap", config).store() as store:
        add(store, 1)
        for who, label, expected in (("kim", "good", "good"), ("lee", "bad", "bad"), ("park", "good", "good")):
            say(store, 1, label, who)
            assert current(store) == expected
        say(store, 1, None, "park", "undo")
        assert current(store) == "bad"


def test_the_version_changes_with_answers_and_decisions(store):
    add(store, 1)
    versions = [store.version()]
    say(store, 1, "good")
    versions.append(store.version())
    store.decisions.add("lead", "r1", 1, "label", "bad")
    versions.append(store.version())
    assert len(set(versions)) == 3


# ---------------------------------------------------------------- what the triggers keep

DEEDS = st.one_of(
    st.tuples(st.just("answer"), st.sampled_from(["kim", "lee", "park"]), st.sampled_from(["good", "bad"])),
    st.tuples(st.just("answer"), st.sampled_from(["kim", "lee", "park"]), st.sampled_from(["skip", "flag", "undo"])),
    st.tuples(st.just("decide"), st.sampled_from(["lead", "chief"]), st.sampled_from(["good", "bad"])),
    st.tuples(st.just("decide"), st.sampled_from(["lead", "chief"]), st.sampled_from(["exclude", "return", "undo"])),
)


@given(st.lists(DEEDS, max_size=25))
def test_the_stored_label_follows_from_all_answers_and_decisions(deeds):
    store = Store(":memory:", text_config())
    add(store, 1)
    answers: dict[str, tuple[int, str]] = {}  # by annotator: when, and what
    decisions: list[tuple[str, str]] = []  # by whom, and what; those that hold
    for number, (deed, who, choice) in enumerate(deeds):
        label = choice if choice in ("good", "bad") else None
        if deed == "answer":
            action: Action = "label" if label else choice
            store.answers.add(who, [Answer(f"a{number}", 1, action, label)])
            answers.pop(who, None)
            if choice != "undo":
                answers[who] = number, choice
        elif choice == "undo":
            undone = store.decisions.undo(who)
            own = [place for place, (by, _choice) in enumerate(decisions) if by == who]
            assert undone == (1 if own else None)
            if own:
                decisions.pop(own[-1])
        else:
            adjudication: AdjudicationAction = "label" if label else choice
            store.decisions.add(who, f"d{number}", 1, adjudication, label)
            decisions.append((who, choice))
    votes = sorted((when, label) for when, label in answers.values() if label in ("good", "bad"))
    labels = [label for _when, label in votes]
    voted = max(votes, key=lambda vote: (labels.count(vote[1]), vote[0]))[1] if votes else None
    latest = decisions[-1][1] if decisions else "return"
    expected = {"exclude": None, "return": voted}.get(latest, latest)
    assert store.items.labels() == ({} if expected is None else {1: expected})
    assert store.items.count_labeled() == (expected is not None)


def test_decided_items_are_those_about_which_a_decision_holds(store):
    add(store, 4)
    for item in (1, 2, 3):
        say(store, item, "good")
    store.decisions.add("lead", "a", 1, "label", "bad")
    store.decisions.add("lead", "b", 2, "exclude")
    store.decisions.add("lead", "c", 3, "label", "good")
    store.decisions.undo("lead")
    assert store.decisions.decided_items() == [1, 2]
