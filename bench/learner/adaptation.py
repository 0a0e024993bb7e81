"""What self-supervised adaptation is worth: a learner on the backbone before and after it, at few labels.

    python -m bench.learner.adaptation DATA --seconds 120 --seeds 5
    python -m bench.learner.adaptation DATA --learner auto --only cifar10,reviews_en --labels 100,300

The backbone's last blocks learn from the pool's inputs, without any label, for so many seconds. The same random labels
are then given to frozen heads (or to `auto`, which fine-tunes) on the pretrained and on the adapted backbone, and both
are measured on the test split, which the adaptation never saw. Gains are paired by seed, with Student's 95% interval:
it covers which labels are drawn; the adaptation itself runs once.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.label_efficiency.strategies import task_of
from labeler.backbones.adapted import adaptable, with_weights
from labeler.backbones.choose import load_encoder
from labeler.backbones.encoder import Encoder
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import LearnerConfig
from labeler.experiments.dataset import Task
from labeler.learner.predict import class_proba
from labeler.learner.self_supervised import adapt
from labeler.learner.train import fit
from labeler.progress.curves import paired_gain

FIRST = 20  # labels that `task_of` wants to know of; none is used


def accuracies(
    task: Task, encoder: Encoder, draws: list[np.ndarray], sizes: list[int], learner: LearnerConfig
) -> dict[int, list[float]]:
    """For each number of labels the accuracy on the holdout of what learned from them, a draw each."""
    rows = np.unique(np.concatenate([*draws, task.holdout]))  # embedding the others would change nothing but the mean
    inputs = [task.dataset.inputs[row] for row in rows]
    dataset = Dataset(inputs, encoder.encode(inputs), encoder.dims)
    unlabeled, held = replace(task, dataset=dataset).learning(encoder), np.searchsorted(rows, task.holdout)
    by_size: dict[int, list[float]] = {}
    for m in sizes:
        for seed, drawn in enumerate(draws):
            labels = Labels(np.searchsorted(rows, drawn[:m]), task.targets[drawn[:m]])
            model = fit(unlabeled.relabeled(labels), learner, seed).model
            right = class_proba(model, dataset, held).argmax(axis=1) == task.targets[task.holdout]
            by_size.setdefault(m, []).append(float(right.mean()))
    return by_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="cifar10,digits,reviews_en", help="names, with commas between them")
    parser.add_argument("--labels", default="50,100,300")
    parser.add_argument("--learner", choices=["frozen", "auto"], default="frozen")
    parser.add_argument("--round-seconds", type=float, default=60.0)
    options = parser.parse_args()
    sizes = [int(size) for size in options.labels.split(",")]
    learner = LearnerConfig(kind=options.learner, round_seconds=options.round_seconds)
    print("| data | labels | pretrained | adapted | gain | 95% interval | adaptation |")
    print("|---|---:|---:|---:|---:|---|---|", flush=True)
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            task = task_of(name, options.data, Path(scratch))
            config = task.config
            texts = [text for text in task.dataset.inputs if isinstance(text, str)]
            base = adaptable(load_encoder(config.learner, config.modality, texts, Path(scratch)))
            pool = [task.dataset.inputs[row] for row in task.pool]
            adapted = adapt(base, pool, options.seconds)
            draws = [np.random.default_rng(seed).permutation(task.pool)[: max(sizes)] for seed in range(options.seeds)]
            before = accuracies(task, base, draws, sizes, learner)
            after = accuracies(task, with_weights(base, adapted.tensors), draws, sizes, learner)
        how = f"{adapted.seconds:.0f} s, {adapted.steps} steps, loss {adapted.losses[0]:.2f} to {adapted.losses[1]:.2f}"
        for m in sizes:
            gain, low, high = paired_gain(after[m], before[m])
            means = f"{np.mean(before[m]):.3f} | {np.mean(after[m]):.3f}"
            interval = "" if low is None else f"{low:+.3f} to {high:+.3f}"
            print(f"| {name} | {m} | {means} | {gain:+.3f} | {interval} | {how} |", flush=True)


if __name__ == "__main__":
    main()
