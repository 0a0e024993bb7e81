"""What each encoder is worth at few labels, under random sampling.

    python -m bench.learner.encoders DATA --seeds 6

The same random labels for all; accuracy of the frozen learner on the holdout. `--pool` and `--holdout` take a part of
the data at random (seed 0), where there is no time for every encoder to read all of it; `--cache` keeps what they read.
Encoders that are not on this machine are left out (`labeler models fetch NAME`). Beside each: the mean difference to
the first one, with its 95% interval. `mean` is the area under the curve, divided by the range of labels; `auto` goes
by it.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from labeler.backbones.catalogue import ENCODERS as KNOWN
from labeler.backbones.catalogue import JOINT, is_here
from labeler.core.rounds import Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.experiments.dataset import LabeledRows, Task, load_task, read_labeled
from labeler.files.sources import SourceColumns
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask
from labeler.progress.curves import paired_gain
from labeler.projects.demo import write_digits

IMAGES = ("tf_efficientnet_lite0", "tf_efficientnet_lite2", "tf_efficientnet_lite0 + tf_efficientnet_lite2")
# The default of each data set before there was a catalogue comes first.
ENCODERS = {
    "reviews_en": (
        "all-MiniLM-L6-v2",
        "char_tfidf",
        "multilingual-e5-small",
        "multilingual-e5-small + char_tfidf",
        "bge-small-en-v1.5",
        "bge-small-en-v1.5 + char_tfidf",
    ),
    "reviews_ko": ("char_tfidf", "multilingual-e5-small", "multilingual-e5-small + char_tfidf"),
    "cifar10": IMAGES,
    "digits": IMAGES,
}


def part(labeled: LabeledRows, pool: int, holdout: int) -> LabeledRows:
    """A random part of the rows: so many of the pool and of the holdout."""
    draw = np.random.default_rng(0)
    held = np.array([row.split == "test" for row in labeled.rows.values()])
    kept: set[int] = set()
    for side, size in ((np.flatnonzero(~held), pool), (np.flatnonzero(held), holdout)):
        kept |= set(draw.permutation(side)[:size].tolist())
    rows = {key: row for number, (key, row) in enumerate(labeled.rows.items()) if number in kept}
    labels = [names for number, names in enumerate(labeled.labels) if number in kept]
    return LabeledRows(labeled.source, rows, labels, labeled.classes, labeled.modality, labeled.answers, [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--at", default="20,50,100,300,500", help="numbers of labels, with commas between them")
    parser.add_argument("--only", default=",".join(ENCODERS), help="data sets, with commas between them")
    parser.add_argument("--pool", type=int, default=1_000_000)
    parser.add_argument("--holdout", type=int, default=1_000_000)
    parser.add_argument("--cache", type=Path, help="a folder that keeps the features")
    options = parser.parse_args()
    budgets = [int(n) for n in options.at.split(",")]
    print("| data | encoder |", " | ".join(f"{n} labels" for n in budgets), "| mean |")
    print("|---|---|" + "---:|" * len(budgets) + "---:|")
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            labeled = part(rows_of(name, options.data, Path(scratch)), options.pool, options.holdout)
            first: dict[int, list[float]] = {}
            for encoder in filter(on_this_machine, ENCODERS[name]):
                learner = LearnerConfig(kind="frozen", backbone=encoder)
                task = load_task(labeled, QueryConfig(seed_size=20), learner, options.cache or Path(scratch))
                unlabeled = task.learning()
                cells, means = [], []
                for n in budgets:
                    accuracies = [accuracy(task, unlabeled, n, seed) for seed in range(options.seeds)]
                    means.append(np.mean(accuracies))
                    gain, low, high = paired_gain(accuracies, first.setdefault(n, accuracies))
                    beside = low is not None and encoder != ENCODERS[name][0]
                    gained = f" ({gain:+.3f}, {low:+.3f} to {high:+.3f})" if beside else ""
                    cells.append(f"{means[-1]:.3f}{gained}")
                area = np.trapezoid(means, budgets) / (budgets[-1] - budgets[0]) if len(budgets) > 1 else means[0]
                print(f"| {name} | {encoder} |", " | ".join([*cells, f"{area:.3f}"]), "|", flush=True)


def rows_of(name: str, data: Path, scratch: Path) -> LabeledRows:
    """The data set of this name; scikit-learn's digits, which need no file of `data`, are written to `scratch`."""
    images = SourceColumns(image="file", label="label")
    if name == "digits":
        return read_labeled(write_digits(scratch), images)
    if name == "cifar10":
        return read_labeled(data / name / "labels.csv", images)
    return read_labeled(data / f"{name}.csv")


def on_this_machine(encoder: str) -> bool:
    """Whether all parts of an encoder are here."""
    return all(part not in KNOWN or is_here(KNOWN[part]) for part in encoder.split(JOINT))


def accuracy(task: Task, unlabeled: LearningTask, n: int, seed: int) -> float:
    """Of the frozen learner on the holdout, after n random labels of the pool."""
    rows = np.random.default_rng(seed).permutation(task.pool)[:n]
    heads = fit_heads(unlabeled.relabeled(Labels(rows, task.targets[rows])))
    proba = heads.predict_proba(task.dataset, task.holdout)
    return float((proba.argmax(axis=1) == task.targets[task.holdout]).mean())


if __name__ == "__main__":
    main()
