"""What fine-tuning is worth beside the frozen heads, and which of its levers pays: accuracy, calibration, seconds.

    python -m bench.learner.finetuning DATA --seeds 5 --out learner.json

DATA as in `bench.label_efficiency.strategies`. Labels are drawn at random from the pool, the same for all learners of
a seed; accuracy and expected calibration error are of the test split. *frozen*: the linear heads. *plain*: a fine-tune
as one writes it first: the last blocks and a head, cross-entropy, one constant learning rate, batch-norm statistics
learning along, no check. *auto*: the learner as it comes. `--levers` tries each lever alone, on the plain fine-tune
with batch-norm statistics that stay (*base*): where those learn along, few labels teach an image network nonsense.
Gains are paired by seed, with Student's 95% interval. With `--on pool` everything is measured on items of the pool that
were not drawn: defaults are chosen there, so that the test split has not been looked at.
"""

import argparse
import contextlib
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import tables
from bench.label_efficiency.strategies import BUDGETS, task_of
from labeler.backbones.auto import AUTO
from labeler.backbones.choose import load_encoder
from labeler.backbones.encoder import Encoder, Pretrained
from labeler.core.rounds import Labels
from labeler.core.settings import FinetuneConfig, LearnerConfig
from labeler.experiments.dataset import Task
from labeler.learner import levers as levers_of
from labeler.learner.finetune import Finetuner
from labeler.learner.heads import fit_heads
from labeler.learner.model import FineTuned, Model, TunedNetwork
from labeler.learner.predict import class_proba
from labeler.learner.train import fit
from labeler.measure.metrics import calibration_error

SIZES = (50, 100, 300, 1000)
MEASURED = 2_000  # items of the pool that are measured at most, with `--on pool`
# What a lever is beside, where it is the only one.
PLAIN: dict[str, Any] = {
    "objective": "cross_entropy",
    "decay": 1.0,
    "schedule": "constant",
    "warmup": 0.0,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "cutmix": 0.0,
    "frozen_batch_norm": False,
}
STILL: dict[str, Any] = {"frozen_batch_norm": True}
BOTH: dict[str, dict[str, Any]] = {
    "cosine with warm-up": {"schedule": "cosine", "warmup": 0.1},
    "one cycle": {"schedule": "one_cycle"},
    "decay .5": {"decay": 0.5},
    "head first": {"head_epochs": 0.2},
    "gradual unfreezing": {"head_epochs": 0.1, "gradual": True},
    "one block": {"unfrozen": 1},
    "label smoothing": {"label_smoothing": 0.1},
    "weight decay": {"weight_decay": 0.05},
    "L2-SP": {"l2_sp": 1.0},
    "dropout": {"dropout": 0.2},
    "contrastive too": {"objective": "both"},
    "contrastive": {"objective": "contrastive"},
    "warm start": {"start": "last"},
    "balanced classes": {"class_weights": "balanced"},
}
LEVERS: dict[str, dict[str, dict[str, Any]]] = {
    "image": BOTH
    | {
        "two blocks": {"unfrozen": 2},
        "flips": {"augment": ("flip",)},
        "crops": {"augment": ("crop",)},
        "colours": {"augment": ("colour",)},
        "noise": {"augment": ("noise",)},
        "pasted rectangles": {"cutmix": 1.0},
    },
    "text": BOTH | {"token dropout": {"token_dropout": 0.1}, "three blocks": {"unfrozen": 3}},
}


class Bench:
    """A data set with its encoder; every learner is asked the same."""

    def __init__(self, task: Task) -> None:
        self.task = task
        texts = [text for text in task.dataset.inputs if isinstance(text, str)]
        self.encoder: Encoder = load_encoder(task.config.learner, task.config.modality, texts, task.cache)
        self.unlabeled = task.learning(self.encoder)

    def measure(self, labels: Labels, train: Callable[[Labels], Model], measured: np.ndarray) -> dict[str, float]:
        """Accuracy, calibration error and seconds of the model that `train` makes of these labels.

        Args: measured: (m,) positions of the items whose predictions are compared with their classes.
        """
        began, busy = time.perf_counter(), time.process_time()
        model = train(labels)
        trained, trained_busy = time.perf_counter(), time.process_time()
        proba = class_proba(model, self.task.dataset, measured)
        targets = self.task.targets[measured]
        return {
            "accuracy": float((proba.argmax(axis=1) == targets).mean()),
            "calibration": calibration_error(proba, targets),
            "seconds": trained - began,
            "busy": trained_busy - busy,  # of this process alone, whatever else runs
            "scoring": time.perf_counter() - trained,
            "share": model.share if isinstance(model, FineTuned) else 0.0,
            "networks": len(model.networks) if isinstance(model, FineTuned) else 0,
        }

    def frozen(self, labels: Labels) -> Model:
        return fit_heads(self.unlabeled.relabeled(labels))

    def fitted(self, learner: LearnerConfig, seed: int) -> Callable[[Labels], Model]:
        def train(labels: Labels) -> Model:
            return fit(self.unlabeled.relabeled(labels), learner, seed).model

        return train

    def unchecked(self, change: dict[str, Any], seed: int) -> Callable[[Labels], Model]:
        """The fine-tuned network alone, plain but for `change`; a warm start is from half of the labels."""
        task, encoder = self.task, self.encoder
        assert isinstance(encoder, Pretrained)
        about_texts = task.config.modality == "text"
        levers = levers_of.resolve(replace(FinetuneConfig(), **(PLAIN | change)), about_texts)

        def train(labels: Labels) -> Model:
            heads = fit_heads(self.unlabeled.relabeled(labels))
            inputs, targets = (
                [task.dataset.inputs[p] for p in labels.positions],
                np.searchsorted(heads.classes, labels.targets),
            )
            everything = np.arange(len(labels))
            finetuner = Finetuner(encoder, inputs, targets, levers, seed)
            if levers.start == "last":
                finetuner.previous = finetuner.train(everything[::2], everything[:0], heads).weights.parameters
            tuned = finetuner.train(everything, everything[:0], heads)
            head = replace(heads, weight=tuned.weights.weight[None], bias=tuned.weights.bias[None])
            network = TunedNetwork(encoder, tuned.cut, tuned.weights.parameters)
            return FineTuned(heads, head, (network,), 1.0)

        return train


def table(rows: list[dict[str, Any]]) -> str:
    """Means over the seeds, with each learner's gain over the frozen heads (and over plain, for levers)."""
    lines = [
        "| data | labels | learner | accuracy | over frozen (95%) | over plain, base (95%) | calibration | seconds |",
        "|---|---:|---|---:|---|---|---:|---:|",
    ]
    runs_of: dict[tuple[str, int, str], dict[int, dict[str, Any]]] = {}
    for row in rows:
        runs_of.setdefault((row["data"], row["labels"], row["learner"]), {})[row["seed"]] = row
    for (data, labels, learner), runs in sorted(runs_of.items(), key=lambda entry: entry[0][:2]):

        def over(other: str, data: str = data, labels: int = labels, runs: dict[int, dict[str, Any]] = runs) -> str:
            base = runs_of.get((data, labels, other))
            if base is None or base is runs:
                return ""
            seeds = sorted(set(runs) & set(base))
            ours, control = ([of_learner[seed]["accuracy"] for seed in seeds] for of_learner in (runs, base))
            return tables.gain(ours, control)

        mean = {key: np.mean([run[key] for run in runs.values()]) for key in ("accuracy", "calibration", "seconds")}
        lines.append(
            f"| {data} | {labels} | {learner} | {mean['accuracy']:.3f} | {over('frozen')}"
            f" | {over('plain') or over('base')} | {mean['calibration']:.3f} | {mean['seconds']:.1f} |"
        )
    return "\n".join(lines)


def bench_of(name: str, options: argparse.Namespace, scratch: contextlib.ExitStack) -> Bench:
    """The data set `name` as the encoder reads it."""
    learner = LearnerConfig(kind="frozen", backbone=options.backbone)
    folder = Path(scratch.enter_context(tempfile.TemporaryDirectory()))
    return Bench(task_of(name, options.data, folder, learner=learner, cache=options.cache))


def measured(bench: Bench, options: argparse.Namespace, seed: int, size: int) -> Iterator[dict[str, Any]]:
    """What each learner that was asked for makes of `size` random labels."""
    shuffled = np.random.default_rng(seed).permutation(bench.task.pool)
    chosen, others = shuffled[:size], shuffled[size:]
    looked_at = bench.task.holdout if options.on == "test" else others[:MEASURED]
    labels = Labels(chosen, bench.task.targets[chosen])
    change = {key: json.loads(value) for key, value in (text.split("=", 1) for text in options.set)}
    change = {key: tuple(value) if isinstance(value, list) else value for key, value in change.items()}
    learner = LearnerConfig(round_seconds=options.round_seconds, finetune=replace(FinetuneConfig(), **change))
    trains = {"frozen": bench.frozen, "auto": bench.fitted(learner, seed)}
    if isinstance(bench.encoder, Pretrained):
        trains["plain"] = bench.unchecked({}, seed)
        if options.levers:
            levers: dict[str, dict[str, Any]] = {"base": {}} | LEVERS[bench.task.config.modality]
            trains |= {lever: bench.unchecked(STILL | lever_settings, seed) for lever, lever_settings in levers.items()}
    wanted = options.learners.split(",") + list(trains)[3:]
    for learner_name in wanted:
        if learner_name in trains:
            yield {"learner": learner_name} | bench.measure(labels, trains[learner_name], looked_at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0, help="of a run that goes on where another was cut off")
    parser.add_argument("--labels", default=",".join(map(str, SIZES)))
    parser.add_argument("--only", default=",".join(BUDGETS), help="names of data sets, with commas between them")
    parser.add_argument("--learners", default="frozen,plain,auto")
    parser.add_argument("--on", choices=["test", "pool"], default="test", help="the split to measure on")
    parser.add_argument("--levers", action="store_true", help="each lever alone, too")
    parser.add_argument(
        "--set", action="append", default=[], metavar="LEVER=VALUE", help="a lever of `auto`, e.g. epochs=6"
    )
    parser.add_argument("--round-seconds", type=float, default=60.0)
    parser.add_argument("--backbone", default=AUTO, help="a backbone for all data sets")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the features")
    parser.add_argument("--out", type=Path, metavar="R.json")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    names = options.only.split(",")
    with contextlib.ExitStack() as scratch:
        benches = {name: bench_of(name, options, scratch) for name in names}
        # seed by seed, so that what a run that is cut off leaves is of all data sets
        for seed, name in itertools.product(range(options.first_seed, options.seeds), names):
            for size in map(int, options.labels.split(",")):
                for row in measured(benches[name], options, seed, size):
                    rows.append({"data": name, "labels": size, "seed": seed} | row)
                    print(rows[-1], flush=True)
                    if options.out:
                        options.out.write_text(json.dumps(rows, indent=1))
    print(table(rows))


if __name__ == "__main__":
    main()
