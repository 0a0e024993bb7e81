"""What the frozen learner is worth beside a plain one, under random sampling.

    python -m bench.learner.heads DATA --seeds 5

The same random labels for all. *plain*: scikit-learn's logistic regression as it comes (C = 1) on the backbone's last
layer, standardised by the labeled rows. *logistic*: the first of our heads alone, on several layers, centred and
normalised. *frozen*: the learner itself, with the discriminant. Area under accuracy on the test split versus labels.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.label_efficiency.strategies import BUDGETS, task_of
from labeler.core.rounds import Labels
from labeler.experiments.dataset import Task
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask
from labeler.progress.curves import area_under_curve, paired_gain

# labels at which all are measured
GRIDS = {name: list(range(20, 501, 40)) for name in BUDGETS} | {
    "digits": list(range(20, 201, 20)),
    "cifar10": list(range(50, 1501, 145)),
}


def accuracies(task: Task, unlabeled: LearningTask, rows: np.ndarray) -> dict[str, float]:
    """Accuracy on the holdout of each head that learned from the items at `rows`."""
    embeddings, held = task.dataset.embeddings, task.holdout
    last = slice(embeddings.shape[1] - task.dataset.dims[-1], None)
    plain = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    plain.fit(embeddings[rows, last], task.targets[rows])
    ours = fit_heads(unlabeled.relabeled(Labels(rows, task.targets[rows])))
    each = ours.member_proba(task.dataset, held)
    predicted = {
        "plain": plain.predict(embeddings[held, last]),
        "logistic": each[0].argmax(axis=1),
        "frozen": each.mean(axis=0).argmax(axis=1),
    }
    return {name: float((classes == task.targets[held]).mean()) for name, classes in predicted.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default=",".join(BUDGETS), help="names of data sets, with commas between them")
    options = parser.parse_args()
    print("| data | labels | plain | logistic | frozen | frozen over plain | 95% interval |")
    print("|---|---|---:|---:|---:|---:|---|")
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            task = task_of(name, options.data, Path(scratch))
        unlabeled = task.learning()
        areas: dict[str, list[float]] = {}
        for seed in range(options.seeds):
            order = np.random.default_rng(seed).permutation(task.pool)
            curve = [accuracies(task, unlabeled, order[:m]) for m in GRIDS[name]]
            for head in curve[0]:
                areas.setdefault(head, []).append(area_under_curve(GRIDS[name], [point[head] for point in curve]))
        gain, low, high = paired_gain(areas["frozen"], areas["plain"])
        means = " | ".join(f"{np.mean(area):.4f}" for area in areas.values())
        interval = "" if low is None else f"{low:+.4f} to {high:+.4f}"
        print(f"| {name} | {GRIDS[name][0]} to {GRIDS[name][-1]} | {means} | {gain:+.4f} | {interval} |", flush=True)


if __name__ == "__main__":
    main()
