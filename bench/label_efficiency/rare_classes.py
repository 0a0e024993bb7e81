"""Are rare classes found sooner where the neighbours of their labeled items are candidates?

One item of the rare class and 19 of the others are known. From there the cycle asks as in a project whose pool is
larger than `query.candidates`: once with random candidates alone (*plain*), and once with a share of each batch chosen
among neighbours of labeled minorities (*neighbours*). Both begin with the same labels in the same world, so that
differences are paired.

Worlds that are made up have 200 Gaussian clusters in 64 dimensions. The rare class is a cluster of its own (*apart*),
a part of a common cluster (*inside*), or items from everywhere that only one of the 64 directions tells apart
(*scattered*). Open data are thinned: `cifar10` has each class as the rare one in turn, `reviews_en` the positive one.
Average precision is measured on other items, of which one in a hundred is rare, in cifar10 one in ten.

    python -m bench.label_efficiency.rare_classes apart inside scattered --rows 1000000 --one-in 100000
    python -m bench.label_efficiency.rare_classes cifar10 reviews_en --data DATA --one-in 1000 --candidates 500
    python -m bench.label_efficiency.rare_classes cifar10 --data DATA --as-they-are --candidates 500
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from bench.label_efficiency.strategies import task_of
from bench.tables import gain, table
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.cycle.neighbours import Neighbours
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.experiments.dataset import Task
from labeler.experiments.simulate import run
from labeler.learner.predict import class_proba
from labeler.learner.task import LearningTask

WIDTH, CLUSTERS = 64, 200
KNOWN = 20  # labels to begin with, one of them rare
TESTED = 10_000
FASTEST = {"cifar10": "tf_efficientnet_lite0", "reviews_en": "all-MiniLM-L6-v2"}
ENOUGH = (5, 20)  # items of the rare class that are looked for


@dataclass(frozen=True)
class World:
    """A data set with a rare class, which is 1; the pool comes first. tested: positions that measure."""

    dataset: Dataset
    targets: np.ndarray
    pool: np.ndarray
    tested: np.ndarray


@dataclass(frozen=True)
class Search:
    """What one arm found. labels: asked until each rare item was found, in order; seconds: of choosing, a round."""

    labels: list[int]
    rare: int
    precision: float
    seconds: float


def made_up(kind: str, rows: int, one_in: int, seed: int) -> World:
    """A world of Gaussian clusters with one rare item in `one_in`."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(CLUSTERS + 1, WIDTH)).astype(np.float32)
    n = rows + TESTED
    is_rare = np.zeros(n, dtype=bool)
    is_rare[rng.choice(rows, rows // one_in, replace=False)] = True
    is_rare[rows + rng.choice(TESTED, TESTED // 100, replace=False)] = True
    of = rng.integers(CLUSTERS, size=n)
    embeddings = centres[of] + rng.standard_normal((n, WIDTH), dtype=np.float32)
    rare, noise = int(is_rare.sum()), rng.standard_normal((int(is_rare.sum()), WIDTH), dtype=np.float32)
    match kind:
        case "apart":
            embeddings[is_rare] = centres[-1] + noise
        case "inside":
            offset = rng.normal(size=WIDTH)
            embeddings[is_rare] = centres[0] + 2 * offset / np.linalg.norm(offset) + 0.5 * noise
        case "scattered":
            embeddings[is_rare, 0] += 4
    assert rare == rows // one_in + TESTED // 100
    return World(Dataset([""] * n, embeddings, (WIDTH,)), is_rare.astype(int), np.arange(rows), np.arange(rows, n))


def thinned(task: Task, one_in: int, seed: int) -> World:
    """Open data as a world of two classes: of one class only one item in `one_in` stays in the pool."""
    rng, classes = np.random.default_rng(seed), len(task.config.classes)
    targets = (task.targets == (seed % classes if classes > 2 else 1)).astype(int)
    rare, others = (task.pool[targets[task.pool] == c] for c in (1, 0))
    kept = rng.choice(rare, max(ENOUGH[0] + 1, round(len(others) / one_in)), replace=False)
    common, few = (task.holdout[targets[task.holdout] == c] for c in (0, 1))
    tested = np.concatenate([common, few if classes > 2 else few[: len(common) // 99]])
    return World(task.dataset, targets, np.sort(np.concatenate([kept, others])), tested)


def search(world: World, neighbours: Neighbours, config: Config, rounds: int, seed: int) -> Search:
    """The cycle from one known rare item on."""
    rng = np.random.default_rng([seed, 7])
    rare, others = (world.pool[world.targets[world.pool] == c] for c in (1, 0))
    labeled = np.concatenate([rng.choice(rare, 1), rng.choice(others, KNOWN - 1, replace=False)])
    pool, seconds = without(world.pool, labeled), list[float]()
    nothing = Labels(labeled[:0], labeled[:0])
    learning = LearningTask.of(world.dataset, nothing, 2)
    for number in range(rounds + 1):
        known = learning.relabeled(Labels(labeled, world.targets[labeled]))
        state = State(known, pool, nothing, neighbours=neighbours)
        turn = run_round(state, config, seed * 1009 + number, config.query.batch)
        seconds.append(turn.result.query_seconds)
        if number == rounds:
            break
        asked = np.array([r.position for r in turn.result.ranking], dtype=np.intp)
        labeled, pool = np.concatenate([labeled, asked]), without(pool, asked)
    assert turn.model is not None
    proba = class_proba(turn.model, world.dataset, world.tested)[:, 1]
    precision = float(average_precision_score(world.targets[world.tested], proba))
    found = np.flatnonzero(world.targets[labeled[KNOWN:]]) + 1
    return Search(found.tolist(), len(rare) - 1, precision, float(np.median(seconds)))


def without(pool: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """The pool without some of its items."""
    return np.setdiff1d(pool, positions, assume_unique=True)


def rows_of(name: str, arms: dict[str, list[Search]], candidates: int) -> list[dict[str, Any]]:
    """A line of the table for each arm; differences are from the arm without neighbours."""
    plain, lines = arms["plain"], []
    for arm, searches in arms.items():
        line: dict[str, Any] = {"world": name, "rare": searches[0].rare, "candidates": candidates, "arm": arm}
        for enough in ENOUGH:
            if enough <= searches[0].rare:
                asked = sorted(s.labels[enough - 1] for s in searches if len(s.labels) >= enough)
                half = len(searches) // 2
                middle = str(asked[half]) if len(asked) > half else "more"
                line[f"labels until {enough}"] = f"{middle} ({len(asked)} of {len(searches)} runs)"
            else:
                line[f"labels until {enough}"] = None
        recall, precision = ([value(s) for s in searches] for value in (_recall, _precision))
        line |= {"recall": f"{np.mean(recall):.3f}", "more": None, "precision": f"{np.mean(precision):.3f}"}
        line |= {"better": None, "s a round": f"{np.mean([s.seconds for s in searches]):.2f}"}
        if arm != "plain":
            line["more"] = gain(recall, [_recall(s) for s in plain])
            line["better"] = gain(precision, [_precision(s) for s in plain])
        lines.append(line)
    return lines


def _recall(run: Search) -> float:
    return len(run.labels) / run.rare


def _precision(run: Search) -> float:
    return run.precision


def measured(name: str, world_of: Callable[[int], World], options: argparse.Namespace) -> list[dict[str, Any]]:
    """The lines of a world, over all seeds; the groups of similar items are made once for all arms."""
    query = QueryConfig(options.strategy, candidates=options.candidates, batch=options.batch)
    shares = {"plain": 0.0, **{f"neighbours {share:g}": share for share in options.shares}}
    key = f"{name} {options.rows} 1:{options.one_in} {query} {options.rounds}"
    runs = json.loads(options.keep.read_text()) if options.keep and options.keep.exists() else {}
    of_key = runs.setdefault(key, {arm: {} for arm in shares})
    for seed in (str(seed) for seed in range(options.seeds)):
        if all(seed in of_key[arm] for arm in shares):
            continue
        world = world_of(int(seed))
        neighbours, began = Neighbours(world.dataset), time.process_time()
        groups = len(neighbours.groups.centroids)
        print(f"{name}: {groups} groups, made in {time.process_time() - began:.1f} s of a core", file=sys.stderr)
        for arm, share in shares.items():
            config = Config(
                name, ("common", "rare"), query=replace(query, neighbour_share=share), learner=LearnerConfig("frozen")
            )
            of_key[arm][seed] = asdict(search(world, neighbours, config, options.rounds, int(seed)))
        if options.keep:
            options.keep.write_text(json.dumps(runs))
    arms = {arm: [Search(**of_key[arm][str(seed)]) for seed in range(options.seeds)] for arm in shares}
    return rows_of(name, arms, options.candidates)


def as_they_are(name: str, task: Task, options: argparse.Namespace) -> dict[str, Any]:
    """A line for open data with all of their classes: the mean accuracy on the holdout over the labels, by arm."""
    shares, areas = (0.0, options.shares[0]), list[list[float]]()
    for share in shares:
        query = replace(task.config.query, candidates=options.candidates, batch=options.batch, neighbour_share=share)
        arm = replace(task, config=replace(task.config, query=query))
        runs = [run(arm, options.strategy, seed, options.rounds) for seed in range(options.seeds)]
        areas.append([float(np.mean(of.accuracy)) for of in runs])
    means = [f"{np.mean(area):.4f}" for area in areas]
    line = {"data": name, "candidates": options.candidates, "seeds": options.seeds}
    return line | {"plain": means[0], f"neighbours {shares[1]:g}": means[1], "better": gain(areas[1], areas[0])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", nargs="+", choices=["apart", "inside", "scattered", *FASTEST])
    parser.add_argument("--data", type=Path, help="the folder with the open data")
    parser.add_argument("--rows", type=int, default=100_000, help="items of the pool of worlds that are made up")
    parser.add_argument("--one-in", type=int, default=10_000, help="how rare the rare class is")
    parser.add_argument("--candidates", type=int, default=50_000)
    parser.add_argument(
        "--shares", type=float, nargs="+", default=[QueryConfig().neighbour_share], help="`query.neighbour_share`"
    )
    parser.add_argument("--strategy", default=QueryConfig().strategy)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=10, help="batches that are asked about")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--as-they-are", action="store_true", help="open data with all of their classes, not thinned")
    parser.add_argument("--backbone", help=f"of open data; by default a fast one: {', '.join(FASTEST.values())}")
    parser.add_argument("--keep", type=Path, help="a file that keeps the runs: those that are in it are not run again")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the features of open data")
    options = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.worlds:
            if name in FASTEST:
                if options.data is None:
                    parser.error(f"{name} needs --data.")
                learner = LearnerConfig("frozen", options.backbone or FASTEST[name])
                task = task_of(name, options.data, Path(scratch), learner=learner, cache=options.cache)
                if options.as_they_are:
                    lines.append(as_they_are(name, task, options))
                else:
                    lines += measured(name, partial(thinned, task, options.one_in), options)
            else:
                lines += measured(name, partial(made_up, name, options.rows, options.one_in), options)
    print(table(lines))


if __name__ == "__main__":
    main()
