"""Are the stated probabilities that labels are wrong true, and is the number of wrong labels within its interval?

People err in none, 5%, 10% or 20% of their answers, on labels that the strategy chose with a model of these answers;
none, half or all of the items are answered by two people. The first table pools all of it by the stated probability;
the second has what a lead is told of the labels that are worth a second look.
"""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from bench.review.simulated import Labeled, People, tasks
from labeler.measure.intervals import wilson

ENDS = (0.0, 0.05, 0.15, 0.3, 0.6, 1.0)  # of the bins of stated probability
Projects = dict[tuple[str, float, float], list[Labeled]]  # by data set, share answered twice, and error rate


@click.command()
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--only", default="cifar10,reviews_en,reviews_ko", show_default=True, help="Data sets.")
@click.option("--labels", default="60,400", show_default=True, help="Labeled items of a project.")
@click.option("--twice", default="0,0.5,1", show_default=True, help="Shares of the items that two people answer.")
@click.option("--rates", default="0,0.05,0.1,0.2", show_default=True, help="Shares of wrong answers.")
@click.option("--seeds", default=6, show_default=True)
@click.option("--items", default=2000, show_default=True, help="Items drawn from each data set.")
def main(data: Path, only: str, labels: str, twice: str, rates: str, seeds: int, items: int) -> None:
    """Two tables over the data sets below DATA for each number of labels, in Markdown."""
    sizes = [int(size) for size in labels.split(",")]
    projects: dict[int, Projects] = {size: defaultdict(list) for size in sizes}
    for name, task in tasks(data, only, items):
        for rate in map(float, rates.split(",")):
            for seed in range(seeds):
                people = People(task, seed, rate)
                chosen = people.choose(max(sizes))
                for size in sizes:
                    for share in map(float, twice.split(",")):
                        projects[size][name, share, rate].append(people.labeled(chosen[:size], share))
    for size in sizes:
        click.echo(f"\n{size} labels, {seeds} seeds\n")
        click.echo(by_probability(projects[size]))
        click.echo()
        click.echo(by_project(projects[size]))


def by_probability(projects: Projects) -> str:
    """By bins of the stated probability: its mean, the share of labels that are wrong with its interval, and labels."""
    heads = [f"{low:.0%} to {high:.0%}" for low, high in pairwise(ENDS)]
    lines = [f"| data | answered twice | {' | '.join(heads)} |", f"|---|---:|{'---:|' * len(heads)}"]
    for name, share in dict.fromkeys((name, share) for name, share, _rate in projects):
        labeled = [each for (n, s, _rate), all_ in projects.items() if (n, s) == (name, share) for each in all_]
        stated = np.concatenate([each.errors["wrong"] for each in labeled])
        wrong = np.concatenate([each.wrong for each in labeled])
        bins = np.digitize(stated, ENDS[1:-1])
        cells = [_bin(stated[bins == at], wrong[bins == at]) for at in range(len(heads))]
        lines.append(f"| {name} | {share:.0%} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _bin(stated: np.ndarray, wrong: np.ndarray) -> str:
    if not len(stated):
        return "–"
    low, high = wilson(wrong.mean(), len(wrong))
    return f"{stated.mean():.0%}: {wrong.mean():.0%} ({low:.0%} to {high:.0%}), {len(wrong):,}"


def by_project(projects: Projects) -> str:
    """Means over projects of what is said of the labels that are worth a second look, and of what is true."""
    lines = [
        "| data | answered twice | wrong answers | second look | stated wrong | truly wrong | in its interval |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for (name, share, rate), labeled in projects.items():
        told = []
        for each in labeled:
            worth, expected = np.array(each.errors["second_look"], dtype=bool), each.errors["expected"]
            truly = each.wrong[worth].sum()
            told.append((worth.sum(), expected["value"], truly, expected["low"] <= truly <= expected["high"]))
        n, stated, truly, covered = np.mean(np.array(told, dtype=float), axis=0)
        within = f"{covered * len(labeled):.0f} of {len(labeled)}"
        lines.append(f"| {name} | {share:.0%} | {rate:.0%} | {n:.1f} | {stated:.1f} | {truly:.1f} | {within} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
