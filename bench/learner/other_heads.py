"""What other heads than the linear ones are worth on the frozen features, under random sampling, and their seconds.

    python -m bench.learner.other_heads DATA --seeds 3

The same random labels for all heads of a seed. Accuracy on the test split.
"""

import time
from pathlib import Path

import click
import numpy as np

from bench.review.simulated import tasks
from labeler.core.rounds import Labels
from labeler.core.setting_rules import LINEAR
from labeler.core.settings import LearnerConfig
from labeler.learner.estimators import NAMES
from labeler.learner.train import fit


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--only", default="cifar10,reviews_en,reviews_ko", show_default=True, help="Data sets.")
@click.option("--heads", default=",".join([LINEAR, *NAMES]), show_default=True, help="Heads.")
@click.option("--labels", default="50,200,500", show_default=True, help="Numbers of labels.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--items", default=2000, show_default=True, help="Items drawn from each data set.")
def main(data: Path, only: str, heads: str, labels: str, seeds: int, items: int) -> None:
    """A table of accuracies, mean ± standard deviation over the seeds, and seconds with the most labels."""
    sizes = [int(size) for size in labels.split(",")]
    click.echo(f"| data | head | {' | '.join(f'{size} labels' for size in sizes)} | seconds |")
    click.echo(f"|---|---|{'---:|' * (len(sizes) + 1)}")
    for name, task in tasks(data, only, items):
        unlabeled = task.learning()
        for head in heads.split(","):
            learner = LearnerConfig(kind="frozen", head=head)
            cells, seconds = [], 0.0
            for size in sizes:
                accuracies = []
                for seed in range(seeds):
                    rows = np.random.default_rng(seed).permutation(task.pool)[:size]
                    learning = unlabeled.relabeled(Labels(rows, task.targets[rows]))
                    began = time.perf_counter()
                    proba = fit(learning, learner, seed).model.predict_proba(task.dataset, task.holdout)
                    seconds = time.perf_counter() - began
                    accuracies.append((proba.argmax(axis=1) == task.targets[task.holdout]).mean())
                cells.append(f"{np.mean(accuracies):.3f} ± {np.std(accuracies, ddof=1):.3f}")
            click.echo(f"| {name} | `{head}` | {' | '.join(cells)} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
