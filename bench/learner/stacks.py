"""What a learner sees of a stack: its middle slice, against the mean of the features of all slices.

Each stack has nine slices. A handwritten digit is visible in some of them that lie side by side, at a random place; the
others are noise. The class is the digit. The heads are frozen.

    python -m bench.learner.stacks
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from labeler.backbones.images import DEFAULT, load_image_encoder
from labeler.core.rounds import Dataset, Labels
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask
from labeler.measure.intervals import estimate
from labeler.projects.demo import write_digits

SLICES, VISIBLE, TRAINED = 9, (1, 3, 5, 9), 300
NOISE = 60  # pictures without a digit


def features(items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, ...]]:
    """Features of the digits, of pictures of noise, the digits' classes, and the layers' columns."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with write_digits(folder).open(encoding="utf-8") as file:
            rows = [row for _number, row in zip(range(items), csv.DictReader(file), strict=False)]
        noise = [folder / f"noise-{n}.png" for n in range(NOISE)]
        for path in noise:
            Image.fromarray(rng.integers(0, 90, (8, 8), dtype=np.uint8)).save(path)
        encoder = load_image_encoder(DEFAULT, 128)
        digits, others = encoder.encode([folder / row["file"] for row in rows]), encoder.encode(noise)
    return digits, others, np.array([int(row["label"]) for row in rows]), encoder.dims


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=1000)
    digits, others, targets, dims = features(parser.parse_args().items)
    print("| slices with the finding | middle slice | mean of the slices' features |\n|---|---|---|")
    for visible in VISIBLE:
        rng, n = np.random.default_rng(1), len(digits)
        first = rng.integers(0, SLICES - visible + 1, n)
        middle = np.empty_like(digits)
        mean = visible / SLICES * digits
        for item in range(n):
            empty = others[rng.integers(0, NOISE, SLICES)]
            seen = first[item] <= SLICES // 2 < first[item] + visible
            middle[item] = digits[item] if seen else empty[0]
            mean[item] += empty[: SLICES - visible].sum(axis=0) / SLICES
        cells = []
        for embeddings in (middle, mean):
            dataset = Dataset([""] * n, embeddings, dims)
            heads = fit_heads(LearningTask.of(dataset, Labels(np.arange(TRAINED), targets[:TRAINED]), 10))
            right = heads.predict_proba(dataset, np.arange(TRAINED, n)).argmax(axis=1) == targets[TRAINED:]
            figure = estimate(float(right.mean()), len(right))
            cells.append(f"{100 * figure.value:.0f}% ({100 * figure.low:.0f} – {100 * figure.high:.0f})")
        print(f"| {visible} of {SLICES} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()
