"""What watching the control arm is worth where a strategy loses: the same strategies with it and without.

    python -m bench.label_efficiency.watched DATA --only reviews_ko --backbone char_tfidf --seeds 6

DATA as in `bench.label_efficiency.strategies`. As in a project, a tenth of each batch is drawn at random, and some
items of the pool are a holdout with labels, from which the gain over random labels is estimated as an audit does;
accuracy is measured on the test split, which nothing else looks at. `surest` asks about what the model is surest of,
which teaches less than random draws.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import strategies
from bench.label_efficiency.strategies import task_of
from labeler.core.rounds import Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.cycle.control_share import control_share
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.experiments.dataset import Task
from labeler.learner.frozen import FrozenHead
from labeler.learner.task import LearningTask
from labeler.measure.intervals import Estimate
from labeler.progress.control import control_arm, random_labels
from labeler.progress.curves import area_under_curve, paired_gain
from strategies.base import Candidates, Strategy, registry

HOLDOUT = 200  # labels of the pool's holdout
NOBODY = np.empty(0, dtype=np.intp)


def surest(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    """How probable the predicted class is. Source: the opposite of Lewis & Gale 1994."""
    assert c.proba is not None
    return c.proba.max(axis=1)


def named(name: str, watched: bool) -> Strategy:
    """The strategy, and whether the control arm decides how much it asks."""
    if name == "surest":
        return Strategy(name, "bench", frozenset(["proba"]), "scores", surest, watched=watched)
    return replace(strategies.get(name), watched=watched)


class Project:
    """A project whose labels are known: its pool, its labeled holdout, and the test split."""

    def __init__(self, task: Task, seed: int) -> None:
        shuffled = np.random.default_rng([seed, 7]).permutation(task.pool)
        self.task, self.seed = task, seed
        self.holdout, self.pool = self.labels(np.sort(shuffled[:HOLDOUT])), np.sort(shuffled[HOLDOUT:])
        self.learning = LearningTask.of(task.dataset, self.labels(NOBODY), len(task.config.classes))

    def labels(self, positions: np.ndarray) -> Labels:
        return Labels(positions, self.task.targets[positions])

    def run(self, name: str, last: int, watched: bool) -> tuple[list[int], list[float], list[float]]:
        """The labels, the accuracy, and the share that was drawn at random, of each round up to `last` labels."""
        strategy = named(name, watched)
        config = replace(self.task.config, query=replace(self.task.config.query, strategy=name, random_share=0.1))
        labeled, drawn, pool, gain = NOBODY, np.empty(0, dtype=bool), self.pool, None
        labels: list[int] = []
        accuracy: list[float] = []
        shares: list[float] = []
        with registry(strategies.registered() | {name: strategy}):
            while not labels or labels[-1] < last:
                state = State(self.learning.relabeled(self.labels(labeled)), pool, self.test, gain=gain)
                step = config.query.batch if len(labeled) else config.query.seed_size
                result = run_round(state, config, self.seed * 100_003 + len(labeled), step).result
                if result.metrics:
                    labels.append(len(labeled))
                    accuracy.append(result.metrics.accuracy)
                    shares.append(control_share(gain, strategy, config.query))
                asked = np.array([r.position for r in result.ranking], dtype=np.intp)
                by_chance = np.array([r.strategy == "random" for r in result.ranking])
                labeled, pool = np.concatenate([labeled, asked]), np.setdiff1d(pool, asked)
                drawn = np.concatenate([drawn, by_chance])
                gain = self.gain(labeled, drawn, labels) if watched else None
        return labels, accuracy, shares

    @property
    def test(self) -> Labels:
        return self.labels(self.task.holdout)

    def gain(self, labeled: np.ndarray, drawn: np.ndarray, steps: list[int]) -> Estimate | None:
        """What an audit would say of the labels so far."""
        own = self.labels(labeled)
        arm = random_labels(own, drawn, self.holdout, np.ones(len(self.holdout), dtype=bool))
        task = self.learning.relabeled(own)
        return control_arm(task, arm, self.holdout, steps, FrozenHead(seed=self.seed)).gain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="reviews_ko")
    parser.add_argument("--backbone", default="auto")
    parser.add_argument("--strategies", default="surest,auto", help="with commas between them")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=70)
    parser.add_argument("--cache", type=Path, help="a folder that keeps the features")
    options = parser.parse_args()
    query = QueryConfig(batch=options.batch)
    with tempfile.TemporaryDirectory() as scratch:
        learner = LearnerConfig(kind="frozen", backbone=options.backbone)
        task = task_of(options.only, options.data, Path(scratch), query, learner, options.cache)
        print("| strategy | area | gain over random | 95% interval | at the end | drawn at random at the end |")
        print("|---|---:|---:|---|---:|---:|")
        control = curves(task, options, "random", watched=False)
        for name in options.strategies.split(","):
            for watched in (False, True):
                print(row(curves(task, options, name, watched), control, f"{name}{', watched' * watched}"), flush=True)


Curve = tuple[list[int], list[float], list[float]]


def curves(task: Task, options: argparse.Namespace, name: str, watched: bool) -> list[Curve]:
    return [Project(task, seed).run(name, options.labels, watched) for seed in range(options.seeds)]


def areas(runs: list[Curve]) -> list[float]:
    return [area_under_curve(labels, accuracy) for labels, accuracy, _ in runs]


def row(ours: list[Curve], control: list[Curve], name: str) -> str:
    """One line of the table: the gain in area with its interval, that at the last round, and the share there."""
    gain, low, high = paired_gain(areas(ours), areas(control))
    end, end_low, end_high = paired_gain([right[-1] for _, right, _ in ours], [right[-1] for _, right, _ in control])
    share = np.mean([shares[-1] for _, _, shares in ours])
    intervals = [f"{a:+.4f} to {b:+.4f}" for a, b in ((low or 0, high or 0), (end_low or 0, end_high or 0))]
    cells = [name, f"{np.mean(areas(ours)):.4f}", f"{gain:+.4f}", intervals[0], f"{end:+.4f} ({intervals[1]})"]
    return "| " + " | ".join([*cells, f"{share:.0%}"]) + " |"


if __name__ == "__main__":
    main()
