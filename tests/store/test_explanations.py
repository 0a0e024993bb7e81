"""Explanations: asked for once, the newest first, nothing lost and nothing kept that nobody waits for."""

from datetime import timedelta

import pytest

from labeler.core.items import Answer, NewItem
from labeler.core.jobs import CRASHES
from labeler.store import IMPORT, Store
from labeler.store import explanations as verbs
from tests.support.fill import add, rank
from tests.support.samples import text_config


@pytest.fixture
def store(project):
    with project.store() as opened:
        add(opened, 3)
        yield opened


def test_a_second_request_finds_the_first_ones_result(store):
    first = store.explanations.get_or_request("000000", "m", "saw")
    assert (first.state, first.result) == ("queued", None)
    assert store.explanations.waiting()
    store.explanations.get_or_request("000000", "m", "saw")
    claimed = store.explanations.claim()
    assert (claimed.content_hash, claimed.model, claimed.kind, claimed.state) == ("000000", "m", "saw", "running")
    assert store.explanations.get_or_request("000000", "m", "saw").state == "running"
    store.explanations.finish(claimed, {"classes": ["좋다"]})
    assert not store.explanations.waiting()
    assert store.explanations.claim() is None
    done = store.explanations.get_or_request("000000", "m", "saw")
    assert (done.state, done.result) == ("done", {"classes": ["좋다"]})
    assert (
        store.explanations.get_or_request("000000", "m", "local").state == "queued"
    )  # another kind, another model: another one
    assert store.explanations.get_or_request("000000", "n", "saw").state == "queued"


def test_the_item_that_somebody_looks_at_now_comes_first(store):
    for item in ("000000", "000001", "000002"):
        store.explanations.get_or_request(item, "m", "saw")
    assert [store.explanations.claim().content_hash, store.explanations.claim().content_hash] == ["000002", "000002"]
    store.explanations.fail(store.explanations.claim(), "No.")
    failed = store.explanations.get_or_request("000002", "m", "saw")
    assert (failed.state, failed.error) == ("failed", "No.")
    assert store.explanations.claim().content_hash == "000001"


@pytest.mark.parametrize("ended", ["crashed", "memory"])
def test_an_explanation_that_ends_its_process_three_times_is_given_up(store, ended):
    store.explanations.get_or_request("000000", "m", "saw")
    for _ in range(CRASHES):
        assert store.explanations.claim(ended).content_hash == "000000"  # and whoever claimed it died
    assert store.explanations.claim(ended) is None
    explanation = store.explanations.get_or_request("000000", "m", "saw")
    assert explanation.state == "failed"
    assert "died 3 times" in explanation.error


def test_an_explanation_whose_process_is_killed_from_outside_is_taken_up_without_end(store):
    store.explanations.get_or_request("000000", "m", "saw")
    assert {store.explanations.claim("outside").content_hash for _ in range(8)} == {"000000"}


def test_explanations_that_nobody_waits_for_are_dropped(store, monkeypatch):
    store.explanations.get_or_request("000000", "m", "saw")
    monkeypatch.setattr(verbs, "PATIENCE", timedelta(seconds=-1))
    assert store.explanations.claim() is None
    assert not store.explanations.waiting()
    monkeypatch.undo()
    assert (
        store.explanations.get_or_request("000000", "m", "saw").state == "queued"
    )  # a panel that is still open asks again
    assert store.explanations.claim() is not None


def test_explanations_go_with_their_models(store):
    for model in ("old", "best", "last"):
        store.explanations.get_or_request("000000", model, "saw")
        store.explanations.finish(store.explanations.claim(), {})
    assert store.explanations.delete_except(["best", "last"]) == 1
    assert store.explanations.get_or_request("000000", "best", "saw").state == "done"
    assert store.explanations.get_or_request("000000", "old", "saw").state == "queued"


def test_known_labels_are_own_and_imported_ones(store):
    store.items.add([NewItem("i1", "row", text="one", label="bad", split="pool")])
    (imported,) = [item.id for item in store.items.all() if item.content_hash == "i1"]

    def label(annotator: str, item: int, name: str) -> None:
        store.answers.add(annotator, [Answer(f"{annotator}-{item}", item, "label", name)])

    label("kim", 1, "good")
    label("lee", 2, "bad")
    label("lee", 1, "bad")
    store.answers.add("kim", [Answer("s", 3, "skip")])
    assert store.explanations.known_labels("kim") == {"i1": (imported, "bad"), "000000": (1, "good")}
    assert store.explanations.known_labels("kim", others=True) == {
        "i1": (imported, "bad"), "000001": (2, "bad"), "000000": (1, "good")
    }  # fmt: skip
    label("kim", imported, "good")
    assert store.explanations.known_labels("kim")["i1"] == (imported, "good")
    assert store.explanations.known_labels(IMPORT) == {"i1": (imported, "bad")}


def test_known_answers_that_newcomers_are_measured_against_stay_unknown(project):
    config = text_config()
    config = text_config(labeling=type(config.labeling)(qualification=1))
    with Store(project.database, config) as store:
        store.items.add([NewItem(f"q{i}", "row", text=f"q{i}", label="bad", split="pool") for i in range(2)])
        assert store.team.draw_qualification() == 1
        assert len(store.explanations.known_labels("kim")) == 1


def test_why_an_item_was_asked(store):
    assert store.explanations.reason_of("kim", 1) is None
    rank(store, [2, 1])
    held = store.desk.reserve("kim", "t", 1)
    assert held[0].item.id == 2
    rank(store, [1, 2], strategy="entropy")
    reason = store.explanations.reason_of("kim", 2)
    assert (reason.strategy, reason.round, reason.rank) == ("margin", 1, 1)  # what it is held for
    other = store.explanations.reason_of("lee", 2)
    assert (other.strategy, other.round, other.rank) == ("entropy", 2, 2)  # what it was asked for last
