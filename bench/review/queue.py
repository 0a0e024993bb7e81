"""How many wrong labels following the review queue finds: people who err in one answer of ten, on labels that the
strategy chose.

Labels are chosen as in a project: `auto`, a batch at a time, by a model of what people answered. Some items are
answered by a second person; where the two differ, the later answer holds, as in a project. Then the queue is made as
an audit makes it, and a lead looks at as many items as a fifth of all labels. An error is an item whose label is wrong.
"""

from pathlib import Path

import click
import numpy as np

from labeler.core.rounds import Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.experiments.dataset import Task, load_task, read_labeled
from labeler.files.sources import SourceColumns
from labeler.learner.model import Normalizer
from labeler.learner.task import LearningTask
from labeler.quality import findings as quality
from labeler.quality.label_errors import out_of_sample
from labeler.quality.review import Findings, queue

WRONG = 0.1  # of all answers
PEOPLE = 4
LOOKS = 0.2  # of the labels


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--only", default="cifar10,reviews_en,reviews_ko", show_default=True, help="Data sets.")
@click.option("--labels", default=420, show_default=True, help="Labeled items of a project.")
@click.option("--twice", default="0,0.5,1", show_default=True, help="Shares of the items that two people answer.")
@click.option("--seeds", default=20, show_default=True)
def main(data: Path, only: str, labels: int, twice: str, seeds: int) -> None:
    """A line for each data set below DATA and share: found, and of how many looks."""
    for name in only.split(","):
        source = data / name / "labels.csv" if (data / name).is_dir() else data / f"{name}.csv"
        columns = SourceColumns(image="file" if source.parent != data else None, label="label")
        task = load_task(read_labeled(source, columns), QueryConfig(candidates=1500), LearnerConfig(kind="frozen"))
        shares_found: dict[float, list[float]] = {float(share): [] for share in twice.split(",")}
        for seed in range(seeds):
            answers = Answers(task, seed)
            chosen = answers.choose(labels)
            for share, shares in shares_found.items():
                shares.append(answers.share_of_errors_found(chosen, share))
        for share, shares in shares_found.items():
            half = 1.96 * np.std(shares, ddof=1) / np.sqrt(len(shares))
            click.echo(
                f"{name}: {share:.0%} answered twice: {np.mean(shares):.1%} ± {half:.1%} of the wrong labels in the"
                f" first {LOOKS:.0%} of the looks ({labels} labels, {seeds} seeds)"
            )


class Answers:
    """What people say of the items of one simulated project."""

    def __init__(self, task: Task, seed: int) -> None:
        self.task, self.seed = task, seed
        self.normalizer = Normalizer.fit(task.dataset.embeddings, task.dataset.dims)
        self.rng = np.random.default_rng([seed, 29])
        self.first, self.second = self.with_errors(), self.with_errors()

    def with_errors(self) -> np.ndarray:
        """Each item's class, one in ten wrong."""
        answers, C = self.task.targets.copy(), len(self.task.config.classes)
        wrong = np.flatnonzero(self.rng.random(len(answers)) < WRONG)
        answers[wrong] = (answers[wrong] + self.rng.integers(1, C, len(wrong))) % C
        return answers

    def learning(self, labels: Labels) -> LearningTask:
        """What is learned from these labels."""
        return LearningTask(self.task.dataset, labels, len(self.task.config.classes), self.normalizer)

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

    def share_of_errors_found(self, chosen: np.ndarray, share: float) -> float:
        """The share of the wrong labels that the first looks find."""
        task, config, rng = self.task, self.task.config, np.random.default_rng([self.seed, 31])
        n, names = len(chosen), np.array(config.classes)
        twice = rng.random(n) < share
        label = np.where(twice, self.second[chosen], self.first[chosen])
        asked_first = rng.integers(0, PEOPLE, n)
        asked_again = (asked_first + rng.integers(1, PEOPLE, n)) % PEOPLE
        given = [(i, f"person {asked_first[i]}", str(names[self.first[chosen[i]]])) for i in range(n)]
        given += [
            (i, f"person {asked_again[i]}", str(names[self.second[chosen[i]]])) for i in np.flatnonzero(twice).tolist()
        ]
        proba = out_of_sample(self.learning(Labels(chosen, label)), self.seed)
        items = np.arange(n)
        people = quality.people([(*row, None) for row in given], items, proba, config, seed=self.seed)
        errors = quality.errors(items, label, proba, config, quality.noise_of(people))
        rows = [
            (i, number, who, "label", answer, 0, str(names[label[i]]), None, 0, 0)
            for number, (i, who, answer) in enumerate(given, 1)
        ]
        cases = queue(sorted(rows), Findings({"errors": errors, "consensus": people}), config)
        looked = [case.item_id for case in cases[: int(LOOKS * n)]]
        wrong = label != task.targets[chosen]
        return float(wrong[looked].sum() / wrong.sum())


if __name__ == "__main__":
    main()
