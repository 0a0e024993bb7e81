"""Work on a Ray cluster of this machine: two nodes that listen on 127.0.0.1. Skipped where Ray is not installed."""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeler.backbones import cache
from labeler.core.errors import BackboneError, EngineError, LabelerError
from labeler.core.inputs import Input
from labeler.core.items import Progress
from labeler.core.rounds import Dataset, Labels, RoundResult
from labeler.core.settings import Config, EngineConfig, LearnerConfig, QueryConfig
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.engine.engines import engine_of, working_on
from labeler.experiments.dataset import Task
from labeler.experiments.simulate import Design, compare
from labeler.learner import predict
from labeler.learner.task import LearningTask

# Ray reads it when it loads; else it replaces 127.0.0.1 by an address of the network
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
pytest.importorskip("ray")

from labeler.engine.cluster import RayEngine, disconnect

WORDS = [f"text number {number}" for number in range(120)]


@dataclass(frozen=True)
class Numbers:
    """An encoder that takes a while, and whose features depend on all that it is given at once, as a network's do."""

    name: str = "numbers"
    key: str = "numbers-1"
    dims: tuple[int, ...] = (16,)

    def encode(self, inputs: Sequence[Input], on_progress: Progress | None = None) -> np.ndarray:
        """(n, 16) float32."""
        time.sleep(0.1)
        if "broken" in inputs:
            raise BackboneError("{name} is broken.", name="broken")
        seeds = [sum(str(content).encode()) + len(inputs) for content in inputs]
        return np.stack([np.random.default_rng(seed).standard_normal(16) for seed in seeds]).astype(np.float32)


def where(number: int, report: Any) -> tuple[int, int]:
    time.sleep(0.05)
    report(2)
    return number, os.getpid()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def test_a_cluster_that_does_not_answer_is_told_at_once_and_in_a_sentence():
    engine = engine_of(EngineConfig("ray", f"127.0.0.1:{free_port()}"))
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:\d+ cannot be reached .*The work waits"):
        engine.call(os.getpid)


# ---------------------------------------------------------------- with a cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head with a core and a GPU, which is a number to Ray and need not be there."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "num_gpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20}
    running = Cluster(initialize_head=True, head_node_args=head)
    yield running
    disconnect()
    running.shutdown()


@pytest.fixture
def engine(cluster) -> Iterator[RayEngine]:
    """A cluster that has a second node with a core and a GPU, in a process of its own."""
    node = cluster.add_node(num_cpus=1, num_gpus=1, object_store_memory=100 << 20)
    yield RayEngine(cluster.address)
    if node in cluster.list_all_nodes():
        cluster.remove_node(node, allow_graceful=False)


@pytest.mark.thorough
def test_a_cluster_gives_what_this_machine_gives(cluster, engine, tmp_path, monkeypatch):
    """One test for all, since starting a cluster takes long: each part begins with what it is about."""
    monkeypatch.setattr(cache, "CHUNK", 4)
    monkeypatch.setattr(predict, "BATCH", 16)
    # results come in order, and what a function reports is told
    parts: list[int] = []
    results = list(engine.map(where, range(40), parts.append))
    assert [number for number, _ in results] == list(range(40))
    assert sum(parts) == 80
    assert os.getpid() not in {process for _, process in results}
    assert len({process for _, process in results}) == 2
    # errors are those of the function
    with working_on(engine), pytest.raises(BackboneError, match="broken is broken"):
        cache.embed(["broken"], ["broken"], Numbers(), tmp_path / "broken")
    # comparisons are the same
    data = task(tmp_path)
    design = Design(["margin"], 2, 2)
    with working_on(engine):
        on_cluster = compare(data, design)["runs"]
    here = compare(data, design, processes=1)["runs"]
    assert [without_seconds(run) for run in on_cluster] == [without_seconds(run) for run in here]
    # rounds are the same
    for strategy in ("margin", "bald", "badge"):
        config = replace(data.config, query=replace(data.config.query, strategy=strategy))
        local = run_round(state(data), config, 1, 30)
        with working_on(engine):
            remote = run_round(state(data), config, 1, 30)
        assert untimed(remote.result) == untimed(local.result)
        assert remote.watched.tobytes() == local.watched.tobytes()
    # a node that is killed while it embeds costs its chunks again
    cache.embed(WORDS, WORDS, Numbers(), tmp_path / "here")

    def kill(done: int, total: int) -> None:
        if done >= 20 and len(cluster.list_all_nodes()) == 2:
            cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)

    with working_on(engine):
        cache.embed(WORDS, WORDS, Numbers(), tmp_path / "cluster", kill)
    assert len(cluster.list_all_nodes()) == 1
    assert contents(tmp_path / "cluster") == contents(tmp_path / "here")
    # other versions do not work together
    monkeypatch.setattr("labeler.engine.cluster.__version__", "0.0.1")
    with pytest.raises(LabelerError, match=r"has version .* and this one has 0\.0\.1: install the same"):
        engine.call(os.getpid)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.suffix != ".sums"}


def task(folder: Path) -> Task:
    rng = np.random.default_rng(0)
    targets = rng.integers(3, size=200)
    features = (rng.standard_normal((200, 8)) + np.eye(8)[targets]).astype(np.float32)
    config = Config("numbers", ("a", "b", "c"), "text", query=QueryConfig("margin", batch=8, seed_size=8))
    config = replace(config, learner=LearnerConfig(kind="frozen", committee="bootstrap"))
    dataset = Dataset([f"text {number}" for number in range(200)], features, (8,))
    return Task(dataset, targets, np.arange(150), np.arange(150, 200), config, folder)


def state(data: Task) -> State:
    labels = Labels(data.pool[:30], data.targets[data.pool[:30]])
    learning = LearningTask.of(data.dataset, labels, 3)
    holdout = Labels(data.holdout, data.targets[data.holdout])
    return State(learning, data.pool[30:], holdout, watched=data.holdout)


def untimed(result: RoundResult) -> RoundResult:
    return replace(result, train_seconds=0.0, query_seconds=0.0)


def without_seconds(run: dict[str, Any]) -> dict[str, Any]:
    return {name: values for name, values in run.items() if not name.endswith("seconds")}
