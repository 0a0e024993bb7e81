"""Large work on a Ray cluster beside the same work on this machine, and beside Ray Data written plainly.

    python -m bench.scale.cluster
    python -m bench.scale.cluster --texts 8000 --items 100000 --nodes 2

A cluster of this machine is started that listens on 127.0.0.1; each of its nodes has one core. Measured are a
comparison of strategies, here with as many processes as the cluster has nodes; the embedding of texts with character
n-grams, which `map_batches` of Ray Data does too, with the same encoder and batches, but keeping nothing on the disk;
and the scoring of items with linear heads. Results are compared to the bit. On the cluster all kinds of work are done
once before, so that what is loaded is loaded; Ray Data starts its processes anew each time, and is timed from its first
batch on, as if that had taken as long as the others. Needs Ray: `pip install "labeler[cluster]"`.
"""

import argparse
import logging
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import table
from labeler.backbones.cache import CHUNK, embed
from labeler.backbones.encoder import Encoder
from labeler.backbones.tfidf import load_or_fit
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.engine.cluster import RayEngine, disconnect
from labeler.engine.engines import working_on
from labeler.experiments.dataset import Task
from labeler.experiments.simulate import Design, compare
from labeler.learner.model import Model
from labeler.learner.predict import BATCH, class_proba
from labeler.learner.task import LearningTask
from labeler.learner.train import fit

WIDTH, CLASSES = 384, 3
LABELED = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=2, help="nodes of the cluster, each with one core")
    parser.add_argument("--texts", type=int, default=8_000, help="texts to embed")
    parser.add_argument("--items", type=int, default=100_000, help="items to score")
    parser.add_argument("--seeds", type=int, default=2, help="of the comparison, two runs each")
    parser.add_argument("--rounds", type=int, default=10, help="of each run")
    options = parser.parse_args()
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # else Ray replaces 127.0.0.1 by an address of the network
    with tempfile.TemporaryDirectory() as folder, cluster(options.nodes) as engine:
        rows = [
            compared(engine, options.nodes, Design(["margin"], options.seeds, options.rounds), Path(folder)),
            embedded(engine, options.texts, Path(folder)),
            scored(engine, options.items),
        ]
    print(table(rows))


@contextmanager
def cluster(nodes: int) -> Iterator[RayEngine]:
    """A Ray cluster of this machine."""
    from ray.cluster_utils import Cluster  # an extra

    running = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 1 << 29}
    )
    for _ in range(nodes - 1):
        running.add_node(num_cpus=1, object_store_memory=1 << 29)
    try:
        yield RayEngine(running.address)
    finally:
        disconnect()
        running.shutdown()


def compared(engine: RayEngine, nodes: int, design: Design, folder: Path) -> dict[str, Any]:
    """A comparison of strategies, on the cluster and here."""
    task = task_of(LABELED * 10, folder)
    with working_on(engine):
        compare(task, replace(design, seeds=nodes, rounds=1))
        seconds, on_cluster = timed(lambda: compare(task, design)["runs"])
    here, runs = timed(lambda: compare(task, design, processes=nodes)["runs"])
    equal = [run["accuracy"] for run in on_cluster] == [run["accuracy"] for run in runs]
    return row(f"compare, {len(runs)} runs of {design.rounds + 2} rounds", here, seconds, None, equal)


def embedded(engine: RayEngine, count: int, folder: Path) -> dict[str, Any]:
    """The embedding of texts, on the cluster, here and by Ray Data."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), rng.integers(2, 9))) for _ in range(3000)]
    texts = [f"{' '.join(rng.choice(words, 20))} {number}" for number in range(count)]
    keys = [f"{number:064x}" for number in range(count)]
    encoder = load_or_fit(texts[:5000], folder)
    with working_on(engine):
        embed(texts[: 8 * CHUNK], keys[: 8 * CHUNK], encoder, folder / "warm")
        seconds, on_cluster = timed(lambda: embed(texts, keys, encoder, folder / "cluster"))
    here, alone = timed(lambda: embed(texts, keys, encoder, folder / "here"))
    plain = with_ray_data(engine.address, {"text": np.array(texts, dtype=object)}, Encoding, encoder, CHUNK)
    equal = all(np.array_equal(on_cluster[s : s + CHUNK], alone[s : s + CHUNK]) for s in range(0, count, CHUNK))
    return row(f"embed, {count:,} texts", here, seconds, plain, equal)


def scored(engine: RayEngine, count: int) -> dict[str, Any]:
    """The scoring of items with linear heads, on the cluster, here and by Ray Data."""
    task = task_of(count, None)
    labels = Labels(np.arange(LABELED), task.targets[:LABELED])
    model = fit(LearningTask.of(task.dataset, labels, CLASSES), task.config.learner, 0).model
    positions = np.arange(count)
    with working_on(engine):
        class_proba(model, task.dataset, positions[: 8 * BATCH])
        seconds, on_cluster = timed(lambda: class_proba(model, task.dataset, positions))
    here, alone = timed(lambda: class_proba(model, task.dataset, positions))
    plain = with_ray_data(engine.address, {"features": np.asarray(task.dataset.embeddings)}, Scoring, model, BATCH)
    return row(f"score, {count:,} items of {WIDTH} columns", here, seconds, plain, np.array_equal(on_cluster, alone))


class Encoding:
    """What Ray Data does to a batch of texts."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"features": self.encoder.encode(batch["text"].tolist())}


class Scoring:
    """What Ray Data does to a batch of features."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        features = batch["features"]
        dataset = Dataset([""] * len(features), features, (WIDTH,))
        return {"proba": self.model.predict_proba(dataset, np.arange(len(features)))}


def with_ray_data(address: str, columns: dict[str, np.ndarray], kind: type, argument: object, batch: int) -> float:
    """Seconds of `map_batches` with an actor a core, from arrays in memory to arrays in memory, but for the start."""
    import ray  # an extra

    ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        ray.data.DataContext.get_current().execution_options.preserve_order = True
        actors = int(ray.cluster_resources()["CPU"])

        count = len(next(iter(columns.values())))
        data = ray.data.from_blocks([_frame(columns, start, batch) for start in range(0, count, batch)])
        done = data.map_batches(
            kind, fn_constructor_args=(argument,), batch_size=batch, compute=ray.data.ActorPoolStrategy(size=actors)
        )
        batches = iter(done.iter_batches(batch_size=batch))
        next(batches)
        seconds, _ = timed(lambda: deque(batches, maxlen=0))
        return seconds * count / (count - batch)
    finally:
        ray.shutdown()


def _frame(columns: dict[str, np.ndarray], start: int, size: int) -> Any:
    import pandas as pd  # slow to load

    return pd.DataFrame({name: list(values[start : start + size]) for name, values in columns.items()})


def task_of(count: int, folder: Path | None) -> Task:
    """A task with made-up features."""
    rng = np.random.default_rng(0)
    targets = rng.integers(CLASSES, size=count)
    features = rng.standard_normal((count, WIDTH), dtype=np.float32)
    features[:, :CLASSES] += 2 * np.eye(CLASSES, dtype=np.float32)[targets]
    config = Config("made up", tuple("abc"), "text", query=QueryConfig("margin", batch=20, seed_size=20))
    config = replace(config, learner=LearnerConfig(kind="frozen"))
    held = count // 3
    dataset = Dataset([""] * count, features, (WIDTH,))
    return Task(dataset, targets, np.arange(held, count), np.arange(held), config, folder or Path())


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that it took, and what it returned."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def row(work: str, here: float, on_cluster: float, plain: float | None, equal: bool) -> dict[str, Any]:
    """A row of the table."""
    return {
        "work": work,
        "this machine, s": round(here, 2),
        "cluster, s": round(on_cluster, 2),
        "cluster / this machine": round(on_cluster / here, 2),
        "Ray Data, s": None if plain is None else round(plain, 2),
        "cluster / Ray Data": None if plain is None else round(on_cluster / plain, 2),
        "same bits": "yes" if equal else "no",
    }


if __name__ == "__main__":
    main()
