"""What each encoder is worth at few labels, under random sampling.

    python -m bench.learner.encoders DATA --seeds 6

The same random labels for all; accuracy of the frozen learner on the holdout. `--pool` and `--holdout` take a part of
the data at random (seed 0), since every encoder has to read all of it. Encoders that are not on this machine are left
out (`labeler models fetch NAME`). Beside each: the mean difference to the first one, with its 95% interval.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from labeler.core.rounds import Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.experiments.dataset import LabeledRows, load_task, read_labeled
from labeler.learner.heads import fit_heads
from labeler.learner.model import Normalizer
from labeler.learner.task import LearningTask
from labeler.progress.curves import paired_gain

# The default of each data set before there was a catalogue comes first.
ENCODERS = {
    "reviews_en": ("all-MiniLM-L6-v2", "multilingual-e5-small", "bge-small-en-v1.5"),
    "reviews_ko": ("char_tfidf", "multilingual-e5-small"),
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
    parser.add_argument("--at", default="50,100,300", help="numbers of labels, with commas between them")
    parser.add_argument("--pool", type=int, default=1500)
    parser.add_argument("--holdout", type=int, default=1500)
    options = parser.parse_args()
    budgets = [int(n) for n in options.at.split(",")]
    print("| data | encoder | texts/s |", " | ".join(f"{n} labels" for n in budgets), "|")
    print("|---|---|---:|" + "---:|" * len(budgets))
    for name, encoders in ENCODERS.items():
        labeled = part(read_labeled(options.data / f"{name}.csv"), options.pool, options.holdout)
        first: dict[int, list[float]] = {}
        for encoder in encoders:
            with tempfile.TemporaryDirectory() as scratch:
                began = time.perf_counter()
                learner = LearnerConfig(kind="frozen", backbone=encoder)
                task = load_task(labeled, QueryConfig(seed_size=20), learner, Path(scratch))
                speed = len(task.dataset) / (time.perf_counter() - began)
                normalizer = Normalizer.fit(task.dataset.embeddings, task.dataset.dims)
                cells = []
                for n in budgets:
                    accuracies = []
                    for seed in range(options.seeds):
                        rows = np.random.default_rng(seed).permutation(task.pool)[:n]
                        labels = Labels(rows, task.targets[rows])
                        learning = LearningTask(task.dataset, labels, len(task.config.classes), normalizer)
                        proba = fit_heads(learning).member_proba(task.dataset, task.holdout).mean(axis=0)
                        accuracies.append(float((proba.argmax(axis=1) == task.targets[task.holdout]).mean()))
                    gain, low, high = paired_gain(accuracies, first.setdefault(n, accuracies))
                    beside = (
                        "" if low is None or encoder == encoders[0] else f" ({gain:+.3f}, {low:+.3f} to {high:+.3f})"
                    )
                    cells.append(f"{np.mean(accuracies):.3f}{beside}")
            print(f"| {name} | {encoder} | {speed:.0f} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
