"""Simulated projects whose truth is known, and what is kept of each, so that every analysis starts from files.

A data set is cut once into a pool and a population. Each project queries the pool; its holdout is drawn from the
population with replacement, so that the accuracy on the whole population is the truth, and the holdout knows of it what
a random sample of a population knows.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.label_efficiency.strategies import task_of
from labeler.core import decisions
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Config
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.learner.folds import stratified
from labeler.learner.frozen import FrozenHead
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask
from labeler.progress import shadows

BATCH, BATCHES = 20, 20
CANDIDATES = 1_500  # of the pool that the strategy looks at, drawn anew each time: a project takes seconds
HOLDOUT, STOP = 300, 500  # items of the holdout, and of the pool for the agreement between rounds
LARGEST_POOL = 5_000
FLIPPED = 0.1  # share of the labels that are made wrong for the queue of label errors
DRAWS = 200  # random draws of each size for the truth of random sampling


@dataclass(frozen=True)
class World:
    """A labeled data set, cut into a pool and the population that the truth is measured on; positions index both."""

    name: str
    dataset: Dataset
    targets: np.ndarray
    pool: np.ndarray
    population: np.ndarray
    config: Config
    unlabeled: LearningTask

    @classmethod
    def load(cls, name: str, data: Path) -> "World":
        with tempfile.TemporaryDirectory() as scratch:
            task = task_of(name, data, Path(scratch))
        embeddings = np.array(task.dataset.embeddings)  # in memory: they are read a thousand times
        dataset = Dataset(task.dataset.inputs, embeddings, task.dataset.dims)
        order = np.random.default_rng(0).permutation(len(dataset))
        cut = min(len(order) // 2, LARGEST_POOL)
        return cls(
            name,
            dataset,
            task.targets,
            np.sort(order[:cut]),
            np.sort(order[cut:]),
            replace(task.config, query=replace(task.config.query, candidates=CANDIDATES)),
            replace(task, dataset=dataset).learning(),
        )

    def labels(self, positions: np.ndarray) -> Labels:
        return Labels(positions, self.targets[positions])

    def task(self, labels: Labels) -> LearningTask:
        """What is learned from these labels."""
        return self.unlabeled.relabeled(labels)


def project(world: World, seed: int) -> dict[str, np.ndarray]:
    """One simulated project, as arrays to be kept.

    Returns: labeled, random: (n,) positions in the order of labeling, and whether each was drawn at random.
             steps: (r,) labels at each round. truth: (r,) accuracy on the population. holdout: (H,) positions.
             proba: (r, H, C) of the holdout. stop: (r, S, C) of the stop set. shadow_…: see `shadows.Shadows`.
             flipped: (n,) targets with some made wrong; flipped_proba: (n, C) of models that had not seen the item.
    """
    rng = np.random.default_rng([seed, 7])
    holdout = rng.choice(world.population, HOLDOUT)
    stop = rng.choice(world.pool, min(STOP, len(world.pool)), replace=False)
    labeled, random, pool = np.empty(0, dtype=np.intp), np.empty(0, dtype=bool), world.pool
    kept: dict[str, list[Any]] = {"steps": [], "truth": [], "proba": [], "stop": []}
    while len(kept["steps"]) <= BATCHES:
        state = State(world.task(world.labels(labeled)), pool, world.labels(holdout[:0]))
        turn = run_round(state, world.config, seed * 100_003 + len(labeled), min(BATCH, len(pool)))
        result = turn.result
        if turn.model is not None:
            proba = turn.model.predict_proba(world.dataset, world.population)
            kept["steps"].append(len(labeled))
            kept["truth"].append(decisions.correct(proba, world.targets[world.population]).mean())
            kept["proba"].append(proba[np.searchsorted(world.population, holdout)].astype(np.float32))
            kept["stop"].append(turn.model.predict_proba(world.dataset, stop).astype(np.float16))
        if not result.ranking:
            break
        labeled = np.concatenate([labeled, [r.position for r in result.ranking]])
        random = np.concatenate([random, [r.strategy == "random" for r in result.ranking]])
        pool = np.setdiff1d(pool, labeled)
    last = kept["steps"][-1]
    labeled, random = labeled[:last], random[:last]
    arm = world.labels(np.unique(np.concatenate([labeled[random], holdout])))
    taught = shadows.shadows(world.task(arm), world.labels(holdout), FrozenHead(seed=seed))
    flipped, flipped_proba = with_errors(world, labeled, rng)
    return {
        "labeled": labeled,
        "random": random,
        "holdout": holdout,
        **{name: np.array(values) for name, values in kept.items()},
        "shadow_sizes": taught.sizes,
        "shadow_right": taught.right,
        "shadow_unseen": taught.unseen,
        "arm": np.array(taught.arm),
        "flipped": flipped,
        "flipped_proba": flipped_proba.astype(np.float32),
    }


def with_errors(world: World, labeled: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Targets of which some are made wrong, and what models say of items that were in none of their five parts."""
    classes, targets = len(world.config.classes), world.targets[labeled].copy()
    wrong = rng.choice(len(targets), round(FLIPPED * len(targets)), replace=False)
    targets[wrong] = (targets[wrong] + rng.integers(1, classes, len(wrong))) % classes
    proba = np.empty((len(targets), classes))
    for rows in stratified(targets, 5, int(rng.integers(2**31))):
        others = np.setdiff1d(np.arange(len(targets)), rows)
        model = fit_heads(world.task(Labels(labeled[others], targets[others])))
        proba[rows] = model.predict_proba(world.dataset, labeled[rows])
    return targets, proba


def random_curve(world: World) -> dict[str, np.ndarray]:
    """The truth of random sampling: what models of random labels of the pool get right of the population.

    Returns: sizes: (k,). accuracy: (k, DRAWS).
    """
    rng = np.random.default_rng([0, 11])
    sizes = np.array([s for s in shadows.SIZES if 2 * s <= HOLDOUT + BATCH * BATCHES])
    accuracy = np.empty((len(sizes), DRAWS))
    everybody = world.labels(world.population)
    for row, size in enumerate(sizes):
        for draw in range(DRAWS):
            taught = world.labels(rng.choice(world.pool, size, replace=False))
            accuracy[row, draw] = shadows.right_on(world.task(taught), everybody, FrozenHead()).mean()
    return {"sizes": sizes, "accuracy": accuracy}


def simulate(name: str, data: Path, out: Path, first: int, projects: int) -> Iterator[int]:
    """Simulate the projects of these seeds that are not in `out` yet; yields the seed of each that was written."""
    world = World.load(name, data)
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "random.npz").exists():
        write_arrays(out / "random.npz", random_curve(world))
    for seed in range(first, first + projects):
        if not (out / f"{seed}.npz").exists():
            write_arrays(out / f"{seed}.npz", project(world, seed))
            yield seed


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Write the arrays whole or not at all."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    temporary.replace(path)
