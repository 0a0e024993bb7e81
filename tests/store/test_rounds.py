"""Jobs and rounds: asked for when due, claimed by one, taken up when a worker died, committed whole."""

import math
from dataclasses import replace

import pytest

from labeler.core.items import Answer, StillOpen
from labeler.core.jobs import CRASHES
from labeler.core.rounds import Epoch, FinishedRound, Metrics, Ranked, RoundResult, Training
from labeler.store import Store
from labeler.store.attempts import HALVINGS
from labeler.store.driver import sqlite3
from tests.support.fill import add, rank


def label(store, *item_ids: int) -> None:
    store.answers.add("kim", [Answer(f"{i}", i, "label", "good") for i in item_ids])


def result(labels: int = 4, ranking: tuple[Ranked, ...] = ()) -> RoundResult:
    return RoundResult(labels, "margin", 1, Metrics(10, 0.5, 0.2, 0.8, 0.4, 0.1), ranking, 0.1, 0.2)


def test_a_round_is_due_after_the_seed_set_and_then_after_each_batch(store):
    add(store, 20)
    label(store, 1, 2, 3)
    assert store.rounds.claim() is None
    assert store.rounds.labels_until_next() == 1
    label(store, 4)
    job = store.rounds.claim()
    assert job.reason == "new labels"
    store.rounds.finish(job, FinishedRound(1, result(4)))
    label(store, 5, 6)
    assert not store.rounds.waiting()
    label(store, 7)
    assert store.rounds.waiting()


def test_the_last_round_has_the_labels_that_are_left_and_then_there_is_none(store):
    add(store, 6)
    label(store, 1, 2, 3, 4)
    store.rounds.finish(store.rounds.claim(), FinishedRound(1, result(4)))
    assert store.rounds.labels_until_next() == 2  # a batch would be three
    label(store, 5, 6)
    assert store.rounds.waiting()
    store.rounds.finish(store.rounds.claim(), FinishedRound(2, result(6)))
    assert store.rounds.labels_until_next() is None
    assert not store.rounds.waiting()


def test_a_flagged_item_is_not_waited_for(store):
    add(store, 5)
    store.answers.add("kim", [Answer("f", 5, "flag")])
    label(store, 1, 2, 3)
    assert store.rounds.labels_until_next() == 1
    assert store.items.still_open() == StillOpen(1, 0, 1)


def test_where_the_budget_ends_before_a_batch_is_full_the_last_round_has_what_it_paid_for(store):
    store.config = replace(store.config, budget=6)
    add(store, 20)
    label(store, 1, 2, 3, 4)
    store.rounds.finish(store.rounds.claim(), FinishedRound(1, result(4)))
    assert store.rounds.labels_until_next() == 2
    label(store, 5, 6)
    store.rounds.finish(store.rounds.claim(), FinishedRound(2, result(6)))
    assert store.rounds.labels_until_next() is None


def test_labels_of_the_holdout_do_not_count_towards_a_round(store):
    add(store, 9, split="holdout")
    label(store, *range(1, 10))
    assert not store.rounds.waiting()


def test_labels_that_came_while_a_round_ran_make_the_next_one_due(store):
    add(store, 20)
    label(store, 1, 2, 3, 4)
    job = store.rounds.claim()
    label(store, 5, 6, 7)
    assert store.rounds.waiting()  # queued beside the running one
    store.rounds.finish(job, FinishedRound(1, result(4)))
    assert store.rounds.claim().id != job.id


def test_only_one_round_waits_at_a_time(store):
    assert store.rounds.request("retrain now")
    assert not store.rounds.request("retrain now")
    store.rounds.claim()
    assert store.rounds.request("retrain now")


def test_a_round_whose_worker_is_ended_from_outside_is_taken_up_again_without_end(store):
    store.rounds.request("test")
    first = store.rounds.claim()
    halvings = []
    for attempt in range(2, 12):
        again = store.rounds.claim("outside")
        assert (again.id, again.attempts, again.crashes) == (first.id, attempt, 0)
        halvings.append(again.halvings)
    assert halvings[:5] == [0, 1, 2, 3, 4]  # who is killed again and again may be so for want of memory
    assert set(halvings[5:]) == {HALVINGS}


def test_a_round_whose_worker_is_ended_for_want_of_memory_gets_smaller_batches_at_once(store):
    store.rounds.request("test")
    store.rounds.claim()
    assert [store.rounds.claim("memory").halvings for _ in range(3)] == [1, 2, 3]


def test_a_round_in_which_workers_crash_is_given_up_until_it_is_asked_for_again(store):
    store.rounds.request("test")
    first = store.rounds.claim()
    for crashes in range(1, CRASHES):
        again = store.rounds.claim("crashed")
        assert (again.id, again.crashes, again.halvings) == (first.id, crashes, 0)
    store.rounds.report(first, "embedding items", 3, 9)
    assert store.rounds.claim("crashed") is None
    job = store.rounds.latest_job()
    assert job.state == "failed"
    assert "crashed by itself 3 times" in job.error
    assert "embedding items" in job.error
    store.rounds.request("retrain now")
    assert store.rounds.claim().crashes == 0


def test_how_a_worker_ended_counts_for_the_round_that_it_left_alone(store):
    store.rounds.request("test")
    assert store.rounds.claim("crashed").crashes == 0  # it waited when the worker crashed elsewhere
    assert store.rounds.claim().crashes == 0  # this worker itself left it, as the disk was full


def test_a_finished_round_is_read_back(store):
    add(store, 3)
    store.rounds.request("test")
    job = store.rounds.claim()
    ranking = (Ranked(2, "margin", 0.9), Ranked(0, "random", None))
    store.rounds.finish(job, FinishedRound(1, result(0, ranking), [3, 1], model="models/a"))
    (finished,) = store.rounds.all()
    assert (finished.number, finished.labels, finished.metrics.accuracy, finished.model) == (1, 0, 0.5, "models/a")
    assert [(r["rank"], r["item_id"], r["strategy"], r["score"]) for r in store.rounds.ranking(1)] == [
        (1, 3, "margin", 0.9),
        (2, 1, "random", None),
    ]
    assert store.rounds.latest_job().state == "done"
    assert store.rounds.next_number() == 2


def test_the_random_share_is_that_of_the_latest_rankings_pool_items(store):
    add(store, 8)
    assert store.rounds.random_share() is None
    rank(store, [1, 2, 3], strategy="random")
    rank(store, [1, 2, 3, 4], strategy="auto")
    assert store.rounds.random_share() == 0
    asked = ["auto", "auto", "random", "holdout", "auto"]
    ranking = tuple(Ranked(place, name, None) for place, name in enumerate(asked))
    with store.write():
        store.rounds.request("test")
        job = store.rounds.claim()
    store.rounds.finish(job, FinishedRound(3, result(ranking=ranking), items=[4, 5, 6, 7, 8]))
    assert store.rounds.random_share() == 0.25


def test_a_round_that_cannot_be_stored_whole_is_not_stored_at_all(store):
    add(store, 1)
    store.rounds.request("test")
    job = store.rounds.claim()
    with pytest.raises(sqlite3.IntegrityError):
        store.rounds.finish(job, FinishedRound(1, result(0, (Ranked(0, "margin", 1.0),)), [999]))
    assert store.rounds.all() == []
    assert store.rounds.ranking(1) == []
    assert store.rounds.latest_job().state == "running"


def test_a_failed_job_says_why_and_the_next_can_be_asked_for(store):
    store.rounds.request("test")
    store.rounds.fail(store.rounds.claim(), "no such backbone")
    assert store.rounds.latest_job().error == "no such backbone"
    assert not store.rounds.waiting()
    assert store.rounds.request("retrain now")


# ---------------------------------------------------------------- how a round was trained


TRAINING = Training(
    (Epoch(1, 1.2, 0.5, 1.1, 0.6), Epoch(2, 0.8, 0.75)),
    {"epochs": 2, "learning_rate": 1e-3, "augment": ["crop"], "early_stopping": True},
    0.6,
    "Größer ist besser.",
    40,
)


def finish(store: Store, training: Training | None) -> int:
    number = store.rounds.next_number()
    store.rounds.request("test")
    store.rounds.finish(store.rounds.claim(), FinishedRound(number, replace(result(), training=training)))
    return number


@pytest.mark.parametrize("training", [TRAINING, Training(note="Frozen heads."), None])
def test_a_training_is_read_back(store, training):
    number = finish(store, training)
    assert store.rounds.training_of(number) == training
    assert [r.number for r in store.rounds.all()] == [number]


def test_a_loss_that_is_no_number_is_read_back(store):
    number = finish(store, Training((Epoch(1, math.nan, 0.1, math.inf, 0.1),)))
    (epoch,) = store.rounds.training_of(number).epochs
    assert math.isnan(epoch.train_loss)
    assert epoch.validation_loss == math.inf


def test_there_is_no_training_of_a_round_that_is_not_there(store):
    assert store.rounds.training_of(7) is None


def test_a_database_from_before_trainings_keeps_its_rounds(store):
    finish(store, None)
    with store.write():
        store.db.execute("ALTER TABLE rounds DROP COLUMN training")
        store.db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm004_training'")
        store.db.execute("PRAGMA user_version = 3")
    with Store(store.path, store.config) as opened:
        assert [r.number for r in opened.rounds.all()] == [1]
        assert opened.rounds.training_of(1) is None
        assert opened.rounds.training_of(finish(opened, TRAINING)) == TRAINING
