"""How many wrong labels following the review queue finds: people who err in one answer of ten, on labels that the
strategy chose.

Labels are chosen as in a project: `auto`, a batch at a time, by a model of what people answered. Some items are
answered by a second person; where the two differ, the later answer holds, as in a project. Then the queue is made as
an audit makes it, and a lead looks at as many items as a fifth of all labels. An error is an item whose label is wrong.
"""

from pathlib import Path

import click
import numpy as np

from bench.review.simulated import Labeled, People, tasks
from labeler.core.settings import Config
from labeler.quality.review import Findings, queue

WRONG = 0.1  # of all answers
LOOKS = 0.2  # of the labels


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--only", default="cifar10,reviews_en,reviews_ko", show_default=True, help="Data sets.")
@click.option("--labels", default=420, show_default=True, help="Labeled items of a project.")
@click.option("--twice", default="0,0.5,1", show_default=True, help="Shares of the items that two people answer.")
@click.option("--seeds", default=20, show_default=True)
@click.option("--items", default=None, type=int, help="Items drawn from each data set.  [default: all]")
def main(data: Path, only: str, labels: int, twice: str, seeds: int, items: int | None) -> None:
    """A line for each data set below DATA and share: found, of how many looks, and how long the queue is."""
    for name, task in tasks(data, only, items):
        results: dict[float, list[tuple[float, float, int]]] = {float(share): [] for share in twice.split(",")}
        for seed in range(seeds):
            people = People(task, seed, WRONG)
            chosen = people.choose(labels)
            for share, outcomes in results.items():
                outcomes.append(reviewed(people.labeled(chosen, share), task.config))
        for share, outcomes in results.items():
            shares, doubted, lengths = np.array(outcomes).T
            half = 1.96 * np.std(shares, ddof=1) / np.sqrt(len(shares))
            click.echo(
                f"{name}: {share:.0%} answered twice: {np.mean(shares):.1%} ± {half:.1%} of the wrong labels in the"
                f" first {LOOKS:.0%} of the looks, {np.mean(doubted):.1%} among those that are worth a second look; the"
                f" queue has {np.mean(lengths):.0f} items ({labels} labels, {seeds} seeds)"
            )


def reviewed(labeled: Labeled, config: Config) -> tuple[float, float, int]:
    """The share of the wrong labels that the first looks find, that of the first looks at labels that are not merely
    next in doubt, and the length of the queue.
    """
    rows = [
        (item, number, who, "label", answer, 0, labeled.labels[item], None, 0, 0)
        for number, (item, who, answer) in enumerate(labeled.given, 1)
    ]
    cases = queue(sorted(rows), Findings({"errors": labeled.errors, "consensus": labeled.people}), config)
    looks, total = int(LOOKS * len(labeled.labels)), labeled.wrong.sum()
    first = [case.item_id for case in cases[:looks]]
    doubted = [case.item_id for case in cases[:looks] if not case.further]
    return float(labeled.wrong[first].sum() / total), float(labeled.wrong[doubted].sum() / total), len(cases)


if __name__ == "__main__":
    main()
