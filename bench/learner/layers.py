"""Which layers of an encoder of texts, which pooling and which penalty are best for frozen heads.

    python -m bench.learner.layers DATA --seeds 20

Chosen on the pools alone: `--train` items of a pool to draw labels from, and `--test` other items of it to measure on;
the holdout is not looked at. The same random labels for all. *area*: under accuracy from 20 to 1,000 labels, divided by
their range. In brackets: the difference to the catalogue's way of reading, paired by seed, with Student's 95%
interval. Encoders that are not on this machine are left out (`make encoders`).
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from bench import tables
from bench.learner.encoders import on_this_machine
from labeler.backbones.catalogue import ENCODERS
from labeler.backbones.encoder import Pretrained, collate
from labeler.backbones.network import pool
from labeler.backbones.texts import load_text_encoder
from labeler.core.rounds import Dataset, Labels
from labeler.experiments.dataset import read_labeled
from labeler.learner import heads
from labeler.learner.task import LearningTask
from labeler.progress.curves import area_under_curve

DATA = (
    ("reviews_en", "bge-small-en-v1.5"),
    ("reviews_en", "multilingual-e5-small"),
    ("reviews_ko", "multilingual-e5-small"),
)
LAYERS = {
    "last": (-1,),
    "last and third from last": (-3, -1),
    "last, third and fifth from last": (-5, -3, -1),
    "last four": (-4, -3, -2, -1),
}
POOLINGS = ("first", "mean")
PENALTIES = (0.3, 1.0, 3.0, 10.0)
LABELS = (20, 50, 100, 300, 1000)
BATCH = 32


def read(encoder: Pretrained, texts: list[str]) -> dict[str, np.ndarray]:
    """By pooling (n, layers, d): what each layer makes of each text."""
    network, width = encoder.network, encoder.dims[-1]
    blocks = len(network.stages)
    features = {pooling: np.empty((len(texts), blocks, width), np.float32) for pooling in POOLINGS}
    order = np.argsort([len(text) for text in texts], kind="stable")  # little padding
    for start in range(0, len(texts), BATCH):
        rows = order[start : start + BATCH]
        x, mask = (torch.from_numpy(a) for a in collate(encoder.prepare([texts[row] for row in rows])))
        with torch.inference_mode():
            hidden = network.stages[0](x, mask)
            for block, stage in enumerate(network.stages):
                hidden = stage(hidden, mask) if block else hidden
                features["first"][rows, block] = hidden[:, 0].float().numpy()
                features["mean"][rows, block] = pool(hidden, mask).numpy()
    return features


def areas(features: np.ndarray, dims: tuple[int, ...], targets: np.ndarray, train: int, seeds: int) -> list[float]:
    """The area of each seed: labels are drawn from the first `train` items, and the others are predicted."""
    dataset, held = Dataset([""] * len(features), features, dims), np.arange(train, len(features))
    nothing = Labels(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
    task, result = LearningTask.of(dataset, nothing, int(targets.max()) + 1), []
    for seed in range(seeds):
        order, accuracies = np.random.default_rng(seed).permutation(train), []
        for n in LABELS:
            learned = heads.fit_heads(task.relabeled(Labels(order[:n], targets[order[:n]])))
            predicted = learned.predict_proba(dataset, held).argmax(axis=1)
            accuracies.append(float((predicted == targets[held]).mean()))
        result.append(area_under_curve(LABELS, accuracies))
    return result


def variants(features: dict[str, np.ndarray]) -> Iterator[tuple[tuple[str, str, float], np.ndarray, tuple[int, ...]]]:
    """Pooling, layers and penalty of each variant, its features and the width of each layer of them."""
    for pooling, (name, layers) in itertools.product(POOLINGS, LAYERS.items()):
        chosen = features[pooling][:, layers]
        dims = (chosen.shape[2],) * len(layers)
        for penalty in PENALTIES if name == "last" else (heads.C_TEXT,):
            yield (pooling, name, penalty), chosen.reshape(len(chosen), -1), dims


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with the data sets")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--train", type=int, default=3000)
    parser.add_argument("--test", type=int, default=1500)
    parser.add_argument("--cache", type=Path, help="a folder that keeps what the encoders read")
    options = parser.parse_args()
    print("| data | encoder | pooling | layers | C | area | over the catalogue's |")
    print("|---|---|---|---|---:|---:|---|")
    for data, name in DATA:
        if not on_this_machine(name):
            continue
        labeled = read_labeled(options.data / f"{data}.csv")
        pool_rows = [n for n, row in enumerate(labeled.rows.values()) if row.split != "test"]
        rows = np.random.default_rng(0).permutation(pool_rows)[: options.train + options.test]
        texts, labels = [str(row.text) for row in labeled.rows.values()], [names[0] for names in labeled.labels]
        targets = np.array([labeled.classes.index(labels[row]) for row in rows])
        kept = options.cache / f"layers_{data}_{name}_{len(rows)}.npz" if options.cache else None
        if kept and kept.exists():
            features = dict(np.load(kept))
        else:
            features = read(load_text_encoder(name), [texts[row] for row in rows])
            if kept:
                np.savez(kept, **features)  # type: ignore[arg-type]
        usual = (ENCODERS[name].pooling, "last", heads.C_TEXT)
        measured = {}
        for variant, columns, dims in variants(features):
            with mock.patch.object(heads, "C_TEXT", variant[2]):
                measured[variant] = areas(columns, dims, targets, options.train, options.seeds)
        for (pooling, layers, penalty), of_seeds in measured.items():
            is_usual = (pooling, layers, penalty) == usual
            last = "*as it is*" if is_usual else tables.gain(of_seeds, measured[usual], 4)
            print(
                f"| {data} | {name} | {pooling} | {layers} | {penalty:g} | {np.mean(of_seeds):.4f} | {last} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
