"""How fast a fine-tuning round trains, beside the loop that one writes first with timm, on the same images.

    python -m bench.speed.training --images 500 --epochs 6

Both train the last two blocks of EfficientNet-Lite0 and a head, with batches of 32, and read the images from files.
The plain loop decodes each image in every epoch in two loader processes and runs the whole network; ours computes what
the frozen part makes of each image once (on a CPU), or keeps the decoded pixels and copies them while it computes (on
a GPU, in bfloat16). The seconds of everything are counted, the first reading included. "GPU in use" is the share of
the time in which a kernel ran, as the driver samples it.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from labeler.backbones import devices
from labeler.backbones.images import DEFAULT, load_image_encoder, read_image
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import FinetuneConfig
from labeler.learner import levers as levers_of
from labeler.learner.finetune import Finetuner
from labeler.learner.heads import fit_heads
from labeler.learner.task import LearningTask

BATCH, CLASSES, UNFROZEN = 32, 10, 2


class Files(TorchDataset):
    """Images by file, decoded when they are asked for."""

    def __init__(self, paths: list[Path], targets: np.ndarray, size: int) -> None:
        self.paths, self.targets, self.size = paths, targets, size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        pixels = torch.from_numpy(read_image(self.paths[index], self.size)).float()
        return (pixels - 127.5) / 127.5, int(self.targets[index])


def plain(paths: list[Path], targets: np.ndarray, size: int, epochs: int) -> None:
    """timm, torch's loader, AdamW: nothing cached, nothing in half precision."""
    device = devices.device()
    model: Any = timm.create_model(DEFAULT, num_classes=CLASSES).to(device)  # its parts have names of their own
    model.requires_grad_(False)
    for part in (*model.blocks[-UNFROZEN:], model.conv_head, model.bn2, model.classifier):
        part.requires_grad_(True)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-3)
    loader = DataLoader(Files(paths, targets, size), BATCH, shuffle=True, num_workers=2)
    for _ in range(epochs):
        for x, y in loader:
            loss = torch.nn.functional.cross_entropy(model(x.to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def ours(paths: list[Path], targets: np.ndarray, size: int, epochs: int) -> None:
    encoder = load_image_encoder(DEFAULT, size)
    inputs: list[Path | str] = list(paths)
    features = np.random.default_rng(0).normal(size=(len(paths), sum(encoder.dims))).astype(np.float32)
    data = Dataset(inputs, features, encoder.dims)  # the head starts from anything
    everything = np.arange(len(paths))
    heads = fit_heads(LearningTask.of(data, Labels(everything, targets), CLASSES))
    levers = levers_of.resolve(FinetuneConfig(epochs=epochs, unfrozen=UNFROZEN, batch=BATCH), False)
    Finetuner(encoder, inputs, targets, levers, 0).train(everything, everything[:0], heads)


@contextmanager
def gpu_use() -> Iterator[list[float]]:
    """Samples of how busy the GPU was; none without one."""
    samples: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            try:
                samples.append(torch.cuda.utilization() / 100)
            except Exception:  # no driver library to ask
                return

    thread = threading.Thread(target=watch, daemon=True)
    if torch.cuda.is_available():
        thread.start()
    yield samples
    done.set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--size", type=int, default=128)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    targets = np.arange(options.images) % CLASSES
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} CPU threads"
    print(f"{options.images} images of {options.size} pixels, {options.epochs} epochs, {device}")
    print("| loop | seconds | images/s | GPU in use | ratio to plain |")
    print("|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.jpg" for i in range(options.images)]
        for path in paths:
            small = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(small).resize((256, 256)).save(path)
        ours(paths[:BATCH], targets[:BATCH], options.size, 1)  # the export is kept from one round to the next
        first = 0.0
        for name, run in (("plain timm", plain), ("labeler", ours)):
            with gpu_use() as used:
                began = time.perf_counter()
                run(paths, targets, options.size, options.epochs)
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                seconds = time.perf_counter() - began
            first = first or seconds
            busy = f"{np.mean(used):.0%}" if used else "–"
            rate = options.images * options.epochs / seconds
            print(f"| {name} | {seconds:.1f} | {rate:.0f} | {busy} | {first / seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
