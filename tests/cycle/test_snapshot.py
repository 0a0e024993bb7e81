"""A snapshot has columns and features on disk: what it reads, and that a round is the same as with arrays in memory."""

from dataclasses import replace

import numpy as np
import pytest

from labeler.backbones import features
from labeler.core.items import Answer, NewItem
from labeler.core.rounds import Dataset
from labeler.core.settings import QueryConfig
from labeler.cycle import snapshot
from labeler.cycle.round import run_round
from labeler.cycle.snapshot import Snapshot
from labeler.cycle.state import State
from labeler.learner.prior import looked_at
from labeler.learner.task import LearningTask
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.items import Items

N, WIDTH = 300, 8
# float16 holds these numbers, so that nothing is rounded
FEATURES = np.random.default_rng(0).integers(-512, 512, (N, WIDTH)).astype(np.float32) / 256


class Table:
    """An encoder that knows the features of each text."""

    name, key, dims = "table", "table", (5, 3)

    def encode(self, inputs, on_progress=None):
        return FEATURES[[int(text.removeprefix("text ")) for text in inputs]]


@pytest.fixture
def filled(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """300 texts: 240 of the pool, of which 40 are labeled, and 60 of the holdout; one is flagged."""
    monkeypatch.setattr("labeler.cycle.snapshot.load_encoder", lambda *args: Table())
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    f"{(7919 * i) % 1000:032x}",
                    f"row {i}",
                    f"text {i}",
                    label=("good", "bad")[int(FEATURES[i, 0] > 0)] if i < 40 or i >= 240 else None,
                    split="pool" if i < 240 else "holdout",
                    metadata={"guess": "good"},
                )
                for i in range(N)
            ]
        )
        store.answers.add("kim", [Answer("r1", 100, "flag")])
    return project


def taken(project: Project, store: Store) -> Snapshot:
    return snapshot.take(project, store, lambda message: lambda done, total: None)


def test_positions_are_those_of_the_items_in_the_order_of_import(filled: Project) -> None:
    with filled.store() as store:
        snap, items = taken(filled, store), store.items.all()
    assert snap.items.ids.tolist() == [item.id for item in items]
    assert snap.hashes(np.arange(N)) == [item.content_hash for item in items]
    assert list(snap.dataset.inputs) == [item.text for item in items]
    assert snap.all_holdout.tolist() == list(range(240, 300))
    assert snap.unlabeled.tolist() == [row for row in range(40, 240) if row != 99]
    order = sorted(range(240), key=lambda row: items[row].content_hash[::-1])
    assert snap.compared.tolist() == order[: snapshot.COMPARED]


def test_a_later_round_reads_no_texts_of_the_pool(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, contents = list[int](), Items.contents

    def noted(items, ids):
        asked.extend(ids)
        return contents(items, ids)

    monkeypatch.setattr(Items, "contents", noted)
    with filled.store() as store:
        taken(filled, store)
        assert len(asked) == N
        asked.clear()
        snap = taken(filled, store)
        run_round(_state(snap, snap.dataset), filled.config, seed=1, depth=10)
    assert len(asked) <= 1  # the first one: whether these are texts


def test_a_round_searches_for_the_features_of_each_item_once(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    searched, found = list[int](), features._found

    def noted(shards, digests):
        searched.append(len(digests))
        return found(shards, digests)

    with filled.store() as store:
        before = taken(filled, store)
        monkeypatch.setattr(features, "_found", noted)
        snap = taken(filled, store)
    assert sum(searched) == N
    np.testing.assert_array_equal(snap.dataset.embeddings[:], before.dataset.embeddings[:])


def test_guesses_are_of_the_items_that_a_round_looks_at(filled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.learner.prior.LOOKED_AT", 50)
    monkeypatch.setattr("labeler.cycle.snapshot.EMBEDDING_SECONDS", -1.0)
    learner = replace(filled.config.learner, prior_column="guess")
    guessing = replace(filled, config=replace(filled.config, learner=learner))
    with guessing.store() as store:
        snap = taken(guessing, store)
    assert snap.left_out > 0
    assert len(snap.known.guesses) == len(looked_at(len(snap.items))) <= 50
    assert snap.task(2).labels is snap.labeled


def _state(snap: Snapshot, dataset: Dataset) -> State:
    return State(LearningTask.of(dataset, snap.labeled, 2), snap.unlabeled, snap.holdout, watched=snap.compared)


@pytest.mark.parametrize("strategy", ["margin", "badge", "typiclust"])
def test_a_round_on_shards_is_that_on_an_array_bit_for_bit(filled: Project, strategy: str) -> None:
    query = QueryConfig(strategy=strategy, seed_size=10, batch=10, candidates=150)
    with filled.store() as store:
        snap = taken(filled, store)
    config = replace(filled.config, query=query)
    on_disk = run_round(_state(snap, snap.dataset), config, seed=3, depth=20)
    in_memory = replace(snap.dataset, inputs=list(snap.dataset.inputs), embeddings=FEATURES)
    expected = run_round(_state(snap, in_memory), config, seed=3, depth=20)
    assert on_disk.result.ranking == expected.result.ranking
    assert on_disk.result.metrics == expected.result.metrics
    assert on_disk.model.to_bytes() == expected.model.to_bytes()
    assert on_disk.watched.tobytes() == expected.watched.tobytes()
