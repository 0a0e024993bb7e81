"""The map of the pool: predictions for all of it, a sample in two dimensions, and items similar to one of them."""

from dataclasses import replace

import numpy as np
import pytest

from labeler.core.items import Answer, NewItem
from labeler.cycle import snapshot
from labeler.experiments.dataset import own_task
from labeler.explain.similar import similar
from labeler.jobs import audits, maps
from labeler.jobs.maps import map_once
from labeler.jobs.rounds import work_once
from labeler.learner.frozen import FrozenHead
from labeler.learner.task import LearningTask
from labeler.models.pool_map import in_two_dimensions
from labeler.progress.control import Control
from labeler.projects import pool_map, predictions
from tests.support.samples import reviews


@pytest.fixture
def filled(project):
    """Sixty texts, ten of them the holdout: twenty of the pool are labeled, and a round has run."""
    with project.store() as store:
        store.items.add(
            [
                NewItem(f"{i:032x}", f"row {i}", text, None, label if i < 20 else None, "pool" if i < 50 else "holdout")
                for i, (text, label) in enumerate(reviews(60))
            ]
        )
        store.rounds.request("import")
    assert work_once(project)
    return project


def test_a_map_has_predictions_for_the_pool_alone_and_is_drawn_once(filled, monkeypatch):
    with filled.store() as store:
        store.maps.request(maps.state_of(store), "lead")
    assert map_once(filled)
    with filled.store() as store:
        assert [(job.state, job.request.round, job.request.newest_item) for job in store.maps.all()] == [
            ("done", 1, 60)
        ]
        assert predictions.kept(filled, store, predictions.POOL).items.tolist() == [*range(1, 51)]
        assert predictions.kept(filled, store) is None  # those that can be taken out are asked for by people
        store.maps.request(maps.state_of(store), "lead")
    drawn = pool_map.kept(filled)
    assert sorted(drawn.items.tolist()) == [*range(1, 51)]
    assert (drawn.places.min(), drawn.places.max(), drawn.pool) == (0.0, 1.0, 50)
    monkeypatch.setattr("labeler.models.pool_map.in_two_dimensions", None)
    assert map_once(filled)
    with filled.store() as store:
        assert store.maps.all()[0].state == "done"

    with filled.store() as store:
        like = store.items.get(21)
        pool = {hash_: item for item, hash_ in store.items.hashes_of(range(1, 51)).items()}
        near = similar(filled, store, like, pool)
        assert similar(filled, store, like, {"none": 1}) == []
    assert len(near) == 49
    assert 21 not in near
    truth = {i: label for i, (_text, label) in enumerate(reviews(60), 1)}
    assert np.mean([truth[item] == truth[21] for item in near[:10]]) >= 0.8


def test_labels_of_items_that_people_chose_measure_no_strategy(filled, monkeypatch):
    """The audit's curves, its numbers of labels, and comparisons on the project's own labels leave them out."""
    with filled.store() as store:
        labels = dict(enumerate((label for _text, label in reviews(60)), 1))
        by_hand = [Answer(f"hand{i}", i, "label", labels[i], chosen="hand") for i in range(21, 26)]
        store.answers.add("lead", by_hand)
        store.answers.add("kim", [Answer(f"kim{i}", i, "label", labels[i]) for i in [*range(26, 31), *range(51, 61)]])
        snap = snapshot.take(filled, store, lambda message: lambda done, total: None)
        heard: dict[str, object] = {}

        def control_arm(task, arm, holdout, steps, *rest):
            heard.update(labels=len(task.labels), arm=len(arm), steps=steps)
            return Control(len(arm), len(holdout), [], [])

        monkeypatch.setattr(audits, "control_arm", control_arm)
        latest = replace(store.rounds.latest(), labels=30)
        monkeypatch.setattr(store.rounds, "all", lambda: [latest])
        task = snap.task(len(filled.config.classes))
        report = audits.against_random(store, snap, task, FrozenHead(), lambda message, done, total: None)
    assert heard == {"labels": 25, "arm": 0, "steps": [25]}
    assert report["left_out"] == 5
    assert len(snap.labeled) == 30  # the model learns from all
    assert isinstance(task, LearningTask)
    assert len(task.labels) == 30
    own = own_task(snap, filled.config, filled.tuning)
    assert len(own.pool) == 25


def test_what_takes_too_long_to_predict_is_predicted_for_the_items_on_the_map_first(filled, monkeypatch):
    monkeypatch.setattr("labeler.cycle.round.affordable", lambda model, dataset, pool, seconds: 7)
    with filled.store() as store:
        store.maps.request(maps.state_of(store), "lead")
        by_hash = sorted((hash_, item) for item, hash_ in store.items.hashes_of(range(1, 51)).items())
    assert map_once(filled)
    with filled.store() as store:
        kept = predictions.kept(filled, store, predictions.POOL)
    assert kept.items.tolist() == sorted(item for _hash, item in by_hash[:7])
    assert kept.proba.shape == (7, 2)


@pytest.mark.parametrize("n", [0, 1, 4, 12])
def test_few_items_have_places_too(n):
    places = in_two_dimensions(np.random.default_rng(0).normal(size=(n, 3)))
    assert places.shape == (n, 2)
    assert np.isfinite(places).all()
    assert ((places >= 0) & (places <= 1)).all()


def test_equal_items_have_places_too():
    assert np.isfinite(in_two_dimensions(np.ones((8, 5)))).all()
