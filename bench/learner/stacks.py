"""What a learner sees of a stack: its middle slice, against the mean of the features of all slices.

Each stack has nine slices. A handwritten digit is visible in some of them that lie side by side, at a random place; the
others are noise. The class is the digit. The fine-tuned model is the one that a round makes: a network beside the
frozen heads, with the share that labels held back give it.

    python -m bench.learner.stacks
    python -m bench.learner.stacks --finetune --drawn 1 4 9
"""

import argparse
import csv
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from labeler.backbones.encoder import Pretrained
from labeler.backbones.images import DEFAULT, load_image_encoder
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import LearnerConfig
from labeler.learner import finetune
from labeler.learner.task import LearningTask
from labeler.learner.train import fit
from labeler.measure.intervals import estimate
from labeler.projects.demo import write_digits

SLICES, VISIBLE, TRAINED = 9, (1, 3, 5, 9), 300
NOISE = 60  # pictures without a digit


def pictures(folder: Path, items: int) -> tuple[list[Path], list[Path], np.ndarray]:
    """Pictures of digits, pictures of noise, and the digits' classes."""
    rng = np.random.default_rng(0)
    with write_digits(folder).open(encoding="utf-8") as file:
        rows = [row for _number, row in zip(range(items), csv.DictReader(file), strict=False)]
    noise = [folder / f"noise-{n}.png" for n in range(NOISE)]
    for path in noise:
        Image.fromarray(rng.integers(0, 90, (8, 8), dtype=np.uint8)).save(path)
    return [folder / row["file"] for row in rows], noise, np.array([int(row["label"]) for row in rows])


def stacked(digits: list[Path], noise: list[Path], visible: int) -> dict[Path, list[Path]]:
    """The slices of each stack, which is named after its digit."""
    rng = np.random.default_rng(1)
    stacks = {}
    for digit in digits:
        first = int(rng.integers(0, SLICES - visible + 1))
        empty = [noise[n] for n in rng.integers(0, NOISE, SLICES)]
        stacks[digit] = [digit if first <= n < first + visible else empty[n] for n in range(SLICES)]
    return stacks


def accuracy(encoder: Pretrained, inputs: list[Path], targets: np.ndarray, learner: LearnerConfig) -> str:
    """The accuracy on the stacks that were not trained on, with its interval, and the network's share in it."""
    dataset = Dataset(inputs, encoder.encode(inputs), encoder.dims)
    task = LearningTask.of(dataset, Labels(np.arange(TRAINED), targets[:TRAINED]), 10, encoder)
    fitted = fit(task, learner, 0)
    proba = fitted.model.predict_proba(dataset, np.arange(TRAINED, len(inputs)))
    right = proba.argmax(axis=1) == targets[TRAINED:]
    figure = estimate(float(right.mean()), len(right))
    share = f", share {fitted.training.share:.2f}" if learner.kind == "finetune" else ""
    return f"{100 * figure.value:.0f}% ({100 * figure.low:.0f} – {100 * figure.high:.0f}){share}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--finetune", action="store_true", help="Fine-tune a network, too.")
    parser.add_argument("--drawn", type=int, nargs="+", default=[finetune.SLICES], help="Slices that a step reads.")
    parser.add_argument("--visible", type=int, nargs="+", default=VISIBLE)
    parser.add_argument("--seconds", type=float, default=300, help="For fine-tuning, as learner.round_seconds.")
    asked = parser.parse_args()
    frozen = LearnerConfig(kind="frozen")
    tuned = [("fine-tuned", drawn) for drawn in asked.drawn] if asked.finetune else []
    names = ["middle slice", "mean of the slices' features", *(f"fine-tuned, {drawn} drawn" for _, drawn in tuned)]
    print(f"| slices with the finding | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}")
    with tempfile.TemporaryDirectory() as scratch:
        digits, noise, targets = pictures(Path(scratch), asked.items)
        encoder = load_image_encoder(DEFAULT, 128)
        for visible in asked.visible:
            stacks = stacked(digits, noise, visible)
            whole = replace(encoder, views=stacks.__getitem__)
            middle = [slices[SLICES // 2] for slices in stacks.values()]
            cells = [accuracy(encoder, middle, targets, frozen), accuracy(whole, digits, targets, frozen)]
            for _name, finetune.SLICES in tuned:
                learner = LearnerConfig(kind="finetune", round_seconds=asked.seconds)
                cells.append(accuracy(whole, digits, targets, learner))
            print(f"| {visible} of {SLICES} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
