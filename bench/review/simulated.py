"""Simulated projects whose people err: labels that the strategy chose, answers of one or two people, and the truth."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from labeler.core.rounds import Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.experiments.dataset import LabeledRows, Task, load_task, read_labeled
from labeler.files.sources import SourceColumns
from labeler.learner.task import LearningTask
from labeler.quality import findings as quality
from labeler.quality.label_errors import out_of_sample

PEOPLE = 4


def tasks(data: Path, names: str, items: int | None = None) -> Iterator[tuple[str, Task]]:
    """The named data sets below `data`, embedded.

    Args: items: drawn from each, with a fixed seed; None: all.
    """
    for name in names.split(","):
        source = data / name / "labels.csv" if (data / name).is_dir() else data / f"{name}.csv"
        columns = SourceColumns(image="file" if source.parent != data else None, label="label")
        labeled = _drawn(read_labeled(source, columns), items)
        yield name, load_task(labeled, QueryConfig(candidates=1500), LearnerConfig(kind="frozen"))


def _drawn(labeled: LabeledRows, items: int | None) -> LabeledRows:
    if items is None or items >= len(labeled.rows):
        return labeled
    kept = np.sort(np.random.default_rng(0).choice(len(labeled.rows), items, replace=False))
    keys = list(labeled.rows)
    rows = {keys[at]: labeled.rows[keys[at]] for at in kept}
    return replace(labeled, rows=rows, labels=[labeled.labels[at] for at in kept])


@dataclass(frozen=True)
class Labeled:
    """The labels of a project, and what an audit finds in them.

    given: the answers, as (item, person, label), an item's last one holds. wrong: (n,) bool, whether a label is wrong.
    """

    given: list[tuple[int, str, str]]
    labels: list[str]
    wrong: np.ndarray
    errors: dict[str, Any]
    people: dict[str, Any]


class People:
    """What people say of the items of one simulated project.

    Args: rate: the share of wrong answers.
    """

    def __init__(self, task: Task, seed: int, rate: float) -> None:
        self.task, self.seed, self.rate = task, seed, rate
        self.unlabeled = task.learning()
        self.rng = np.random.default_rng([seed, 29])
        self.first, self.second = self.with_errors(), self.with_errors()

    def with_errors(self) -> np.ndarray:
        """Each item's class, a share of them wrong."""
        answers, C = self.task.targets.copy(), len(self.task.config.classes)
        wrong = np.flatnonzero(self.rng.random(len(answers)) < self.rate)
        answers[wrong] = (answers[wrong] + self.rng.integers(1, C, len(wrong))) % C
        return answers

    def learning(self, labels: Labels) -> LearningTask:
        """What is learned from these labels."""
        return self.unlabeled.relabeled(labels)

    def choose(self, n: int) -> np.ndarray:
        """Positions of the labeled items, in the order of labeling."""
        task, query = self.task, self.task.config.query
        labeled, pool = np.empty(0, dtype=np.intp), task.pool
        nothing = Labels(task.holdout[:0], task.targets[:0])
        while len(labeled) < n:
            state = State(self.learning(Labels(labeled, self.first[labeled])), pool, nothing)
            step = min(query.batch if len(labeled) else query.seed_size, n - len(labeled))
            ranking = run_round(state, task.config, self.seed * 100_003 + len(labeled), step).result.ranking
            asked = np.array([place.position for place in ranking], dtype=np.intp)
            labeled, pool = np.concatenate([labeled, asked]), np.setdiff1d(pool, asked)
        return labeled

    def labeled(self, chosen: np.ndarray, share: float) -> Labeled:
        """The labels of the chosen items and an audit of them. Items are numbered in the order of labeling.

        Args: share: of the items that two people answer; the later answer holds, as in a project.
        """
        config, rng = self.task.config, np.random.default_rng([self.seed, 31])
        n, names = len(chosen), np.array(config.classes)
        twice = rng.random(n) < share
        label = np.where(twice, self.second[chosen], self.first[chosen])
        asked_first = rng.integers(0, PEOPLE, n)
        asked_again = (asked_first + rng.integers(1, PEOPLE, n)) % PEOPLE
        given = [(i, f"person {asked_first[i]}", str(names[self.first[chosen[i]]])) for i in range(n)]
        given += [
            (i, f"person {asked_again[i]}", str(names[self.second[chosen[i]]])) for i in np.flatnonzero(twice).tolist()
        ]
        proba, items = out_of_sample(self.learning(Labels(chosen, label)), self.seed), np.arange(n)
        return Labeled(
            given,
            [str(name) for name in names[label]],
            label != self.task.targets[chosen],
            quality.errors(items, label, proba, config, given),
            quality.people([(*row, None) for row in given], items, proba, config, seed=self.seed),
        )
