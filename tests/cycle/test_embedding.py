"""A round uses what is embedded: labeled items, then the holdout, then the pool by hash, as far as time allows."""

import time

import numpy as np
import pytest

from labeler.core.items import NewItem
from labeler.cycle import snapshot
from labeler.cycle.embedding import Missing
from labeler.jobs import embedding
from labeler.jobs.rounds import work_once
from labeler.projects.project import Project

N = 60


class Lengths:
    """An encoder of texts, which takes its time."""

    name, key, dims = "lengths", "lengths", (2,)

    def encode(self, inputs, on_progress=None):
        return np.array([[len(text), float(text.removeprefix("text "))] for text in inputs], dtype=np.float32)


@pytest.fixture
def filled(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """40 texts of the pool, of which every fourth is labeled, and 20 of the holdout; a part has one item."""
    monkeypatch.setattr("labeler.cycle.snapshot.load_encoder", lambda *args: Lengths())
    monkeypatch.setattr("labeler.cycle.embedding.encoded_together", lambda encoder: 1)
    monkeypatch.setattr("labeler.cycle.embedding.FIRST_PART", 1)
    monkeypatch.setattr("labeler.cycle.embedding.PART_SECONDS", 0)
    with project.store() as store:
        store.items.add(
            [
                NewItem(
                    f"{(7919 * i) % 100:032x}",
                    f"row {i}",
                    f"text {i}",
                    label="good" if i % 4 == 0 and i < 40 else None,
                    split="pool" if i < 40 else "holdout",
                )
                for i in range(N)
            ]
        )
    return project


def missing_of(project: Project, store) -> Missing:
    items, labels = store.items.columns(), store.items.labels()
    return Missing.of(project, Lengths(), items, np.isin(items.ids, list(labels)))


def test_labeled_items_come_first_then_the_holdout_then_the_pool_by_the_end_of_the_hash(filled: Project) -> None:
    with filled.store() as store:
        missing = missing_of(filled, store)
    positions = missing.positions.tolist()
    assert sorted(positions) == list(range(N))
    assert sorted(positions[:10]) == list(range(0, 40, 4))
    assert sorted(positions[10:30]) == list(range(40, 60))
    rest = positions[30:]
    assert rest == sorted(rest, key=lambda p: missing.items.hash_of(p)[-8:][::-1])


def test_those_with_a_label_are_embedded_whatever_the_time(filled: Project) -> None:
    with filled.store() as store:
        missing, told = missing_of(filled, store), list[tuple[int, int]]()
        missing.embed_until(time.monotonic() - 1, lambda done, total: told.append((done, total)))
        assert (len(missing), missing.labeled) == (N - 10, 0)
        assert told == [(done, N) for done in range(1, 11)]
        assert sorted(missing_of(filled, store).positions) == sorted(missing.positions)


def test_the_last_parts_are_smaller_so_that_none_ends_after_the_deadline(filled: Project, monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("labeler.cycle.embedding.time.monotonic", lambda: now[0])
    monkeypatch.setattr("labeler.cycle.embedding.encoded_together", lambda encoder: 8)

    class Slow(Lengths):
        def encode(self, inputs, on_progress=None):
            now[0] += len(inputs)  # a second each
            return super().encode(inputs, on_progress)

    with filled.store() as store:
        missing = Missing.of(filled, Slow(), store.items.columns(), np.zeros(N, dtype=bool))
        missing.embed_until(10.0, lambda done, total: None)
    assert (now[0], len(missing)) == (10.0, N - 10)


def test_a_snapshot_holds_what_is_embedded_and_says_how_many_are_left_out(filled: Project, monkeypatch) -> None:
    monkeypatch.setattr(snapshot, "EMBEDDING_SECONDS", -1)
    with filled.store() as store:
        snap = snapshot.take(filled, store, lambda message: lambda done, total: None)
    assert snap.left_out == N - 10
    assert list(snap.dataset.inputs) == [f"text {i}" for i in range(0, 40, 4)]
    assert np.asarray(snap.dataset.embeddings)[:, 1].tolist() == list(range(0, 40, 4))
    assert len(snap.labeled) == 10


def test_what_a_round_left_out_is_embedded_beside_and_ranked_each_time_it_has_doubled(filled: Project, monkeypatch):
    monkeypatch.setattr(snapshot, "EMBEDDING_SECONDS", -1)
    left_out = list[int]()
    with filled.store() as store:
        store.rounds.request("import")
        while store.rounds.waiting():
            work_once(filled)
            left_out.append(store.rounds.latest().left_out)
            assert embedding.embed_once(filled) == (left_out[-1] > 0)
    assert left_out == [N - 10, N - 20, N - 40, 0]
    assert not embedding.embed_once(filled)


@pytest.mark.parametrize(
    ("worth", "round_seconds", "embedded"),
    [(0, 0, 10), pytest.param(10**9, 0, 20, id="preparation"), pytest.param(0, 10**9, 20, id="as long as a round")],
)
def test_embedding_ends_where_a_round_is_due_once_it_had_its_share(
    filled: Project, monkeypatch, worth: int, round_seconds: int, embedded: int
) -> None:
    monkeypatch.setattr(snapshot, "EMBEDDING_SECONDS", -1)
    monkeypatch.setattr(embedding, "WORTH", worth)
    with filled.store() as store:
        store.rounds.request("import")
        work_once(filled)
        with store.db.write():
            store.db.execute("UPDATE rounds SET train_seconds = 0, query_seconds = ?", [round_seconds])
        store.rounds.request("labels")
        assert embedding.embed_once(filled)
        assert len(missing_of(filled, store)) == N - embedded
