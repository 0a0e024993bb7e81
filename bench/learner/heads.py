"""What the frozen learner is worth beside plainer ones, under random sampling.

    python -m bench.learner.heads DATA --seeds 20 --only reviews_en,reviews_ko --at 20,50,100,300,500

The same random labels and features for all, those of the encoder that `auto` takes. *plain*: scikit-learn's logistic
regression as it comes (C = 1) on features that are standardised by the labeled rows. *logistic*: the first of our heads
alone. *frozen*: the learner itself, with the discriminant. *alike*: the learner, if it took all directions of the
features to be alike; of images it does. Accuracy on the test split at the numbers of labels `--at`, and the area under
it. Gains are paired by seed, with Student's 95% interval.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench import tables
from bench.label_efficiency.strategies import BUDGETS, task_of
from labeler.core.rounds import Labels
from labeler.experiments.dataset import Task
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask
from labeler.progress.curves import area_under_curve

# labels at which all are measured, if no others are asked for; then only the area is listed
GRIDS = {name: list(range(20, 501, 40)) for name in BUDGETS} | {
    "digits": list(range(20, 201, 20)),
    "cifar10": list(range(50, 1501, 145)),
}
HEADS = ("plain", "logistic", "alike", "frozen")


def accuracies(task: Task, unlabeled: LearningTask, rows: np.ndarray) -> dict[str, float]:
    """Accuracy on the holdout of each head that learned from the items at `rows`; `alike` of texts alone."""
    embeddings, held = task.dataset.embeddings, task.holdout
    plain = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    plain.fit(embeddings[rows], task.targets[rows])
    labeled = unlabeled.relabeled(Labels(rows, task.targets[rows]))
    each = fit_heads(labeled).member_proba(task.dataset, held)
    predicted = {
        "plain": plain.predict(embeddings[held]),
        "logistic": each[0].argmax(axis=1),
        "frozen": each.mean(axis=0).argmax(axis=1),
    }
    if labeled.spread is not None:
        predicted["alike"] = fit_heads(replace(labeled, spread=None)).predict_proba(task.dataset, held).argmax(axis=1)
    return {name: float((classes == task.targets[held]).mean()) for name, classes in predicted.items()}


def row(name: str, labels: str, by_head: dict[str, list[float]]) -> str:
    """A line of the table. Args: by_head: of each head a number for each seed."""
    means = [f"{np.mean(by_head[head]):.4f}" if head in by_head else "" for head in HEADS]
    others = [by_head.get(other) for other in ("plain", "alike")]
    gains = [tables.gain(by_head["frozen"], other, 4) if other else "" for other in others]
    return "| " + " | ".join([name, labels, *means, *gains]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default=",".join(BUDGETS), help="names of data sets, with commas between them")
    parser.add_argument("--at", default="", help="numbers of labels, with commas between them; else the area alone")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the features")
    options = parser.parse_args()
    listed = [int(n) for n in options.at.split(",") if n]
    print("| data | labels |", " | ".join(HEADS), "| frozen over plain (95%) | frozen over alike (95%) |")
    print("|---|---|" + "---:|" * len(HEADS) + "---|---|")
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            task = task_of(name, options.data, Path(scratch), cache=options.cache)
        unlabeled, grid = task.learning(), listed or GRIDS[name]
        orders = [np.random.default_rng(seed).permutation(task.pool) for seed in range(options.seeds)]
        curves = [[accuracies(task, unlabeled, order[:n]) for n in grid] for order in orders]
        heads = curves[0][0]
        for place, n in enumerate(grid if listed else []):
            print(row(name, str(n), {head: [curve[place][head] for curve in curves] for head in heads}))
        areas = {head: [area_under_curve(grid, [point[head] for point in curve]) for curve in curves] for head in heads}
        print(row(name, f"{grid[0]} to {grid[-1]}", areas), flush=True)


if __name__ == "__main__":
    main()
