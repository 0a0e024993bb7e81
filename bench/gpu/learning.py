"""Fine-tuning beside a plain loop, a round beside the same one on the CPU, and one training in two processes."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.gpu.inputs import SMALL, Size, image_files, learner
from bench.gpu.tables import Row
from bench.speed.training import gpu_use, ours, plain
from labeler.backbones import devices
from labeler.backbones.cache import embed
from labeler.backbones.choose import load_encoder
from labeler.core.rounds import Dataset, Labels
from labeler.learner import device_heads, heads, saved_models
from labeler.learner.model import FineTuned
from labeler.learner.predict import class_proba
from labeler.learner.task import LearningTask
from labeler.learner.train import fit

CLASSES = 10


def training(size: Size, folder: Path) -> Iterator[Row]:
    """Images/s of fine-tuning the default network, beside a plain loop with timm (bench.speed.training)."""
    files, targets = image_files(folder / "training", size.trained, CLASSES)
    for which in ("the first time", "again"):
        rates, busy = [], []
        for run in (plain, ours):
            devices.wait()
            with gpu_use() as used:
                began = time.perf_counter()
                run(files, targets, size.pixels, size.epochs)
                devices.wait()
                rates.append(len(files) * size.epochs / (time.perf_counter() - began))
            busy.append(f"{np.mean(used):.0%}" if used else "–")
        what = f"fine-tuning on {len(files):,} images, {size.epochs} epochs, {which}, beside plain timm"
        yield Row(what, rates[1], "images/s", rates[0])
        yield Row(f"… share of the time in which the GPU works: labeler, plain {busy[0]}", busy[1], "")


def rounds(size: Size, folder: Path) -> Iterator[Row]:
    """A round end to end: embed, train, score the pool; then the next, whose pixels are decoded already."""
    files, targets = image_files(folder / "pool", size.pool, CLASSES)
    for which in ("first round", "next round"):
        seconds = _round(files, targets, size.labels, size, folder / "project")
        what = f"{which}, {size.labels:,} labels, {len(files):,} images"
        yield Row(what, sum(seconds.values()), "s")
        yield from (Row(f"… {step}", took, "s") for step, took in seconds.items())
    yield from _beside_the_cpu(size, folder)


def large_heads(size: Size) -> Iterator[Row]:
    """A logistic regression and a discriminant of many classes, on the device beside scikit-learn's on the CPU."""
    n, width, n_classes = (400, 64, 20) if size is SMALL else (5_000, 1_280, 200)
    rng = np.random.default_rng(0)
    targets = np.arange(n) % n_classes
    features = rng.normal(size=(n, width)) + 2 * rng.normal(size=(n_classes, width))[targets]
    least = device_heads.LARGE
    for name, fit_head in (("regression", partial(heads.logistic, strength=3.0)), ("discriminant", heads.discriminant)):
        seconds = []
        for device_heads.LARGE in (0, sys.maxsize):
            fit_head(features, targets)  # the first fit of a process loads libraries
            began = time.perf_counter()
            fit_head(features, targets)
            seconds.append(time.perf_counter() - began)
        what = f"{name} of {n:,} labels × {width:,} features, {n_classes} classes, beside the CPU"
        yield Row(what, seconds[0], "s", seconds[1], more_is_better=False)
    device_heads.LARGE = least


def _beside_the_cpu(size: Size, folder: Path) -> Iterator[Row]:
    here, cpu = (_elsewhere("round", folder, size, on_cpu) for on_cpu in (False, True))
    what = f"first round, {min(size.labels, size.cpu_pool // 2):,} labels, {size.cpu_pool:,} images, beside the CPU"
    yield Row(what, float(here["seconds"]), "s", float(cpu["seconds"]), more_is_better=False)
    yield Row("… features of GPU and CPU: mean cosine", _cosine(here["features"], cpu["features"]), "")
    of_gpu, of_cpu = np.load(here["proba"]), np.load(cpu["proba"])
    yield Row("… both train; their predictions of the pool agree on", _agreement(of_gpu, of_cpu), "%")
    read = np.load(_elsewhere("predict", folder, size, True)["proba"])
    yield Row("… the GPU's model, read on the CPU: predictions agree on", _agreement(of_gpu, read), "%")
    yield Row("… the largest difference of its probabilities", float(np.abs(of_gpu - read).max()), "")


def _agreement(first: np.ndarray, second: np.ndarray) -> float:
    return float(100 * np.mean(first.argmax(axis=1) == second.argmax(axis=1)))


def twice(size: Size, folder: Path) -> Iterator[Row]:
    """Two trainings in two processes, bit for bit."""
    runs = [_elsewhere("train", folder, size, False) for _ in range(2)]
    same = runs[0]["weights"] == runs[1]["weights"]
    yield Row("two trainings in two processes", "the same bits" if same else "differ", "")
    yield Row("… operations that the card has no repeatable way for", runs[0]["inexact"] or "none", "")


def _round(files: list[Path], targets: np.ndarray, labels: int, size: Size, folder: Path) -> dict[str, float]:
    """The seconds of each step of a round on the files, the first of which are labeled."""
    settings, began = learner(size), [time.perf_counter()]

    def step() -> float:
        began.append(time.perf_counter())
        return began[-1] - began[-2]

    encoder = load_encoder(settings, "image", None, folder)
    hashes = [hashlib.sha256(str(path).encode()).hexdigest() for path in files]
    inputs: list[Path | str] = list(files)
    dataset = Dataset(inputs, embed(inputs, hashes, encoder, folder), encoder.dims)
    seconds = {"embedding": step()}
    task = LearningTask.of(dataset, Labels(np.arange(labels), targets[:labels]), CLASSES, encoder)
    model = fit(task, settings, 0).model
    seconds["training"] = step()
    proba = class_proba(model, dataset, np.arange(labels, len(files)))
    seconds["scoring the pool"] = step()
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "features.npy", np.asarray(dataset.embeddings[:1000]))
    np.save(folder / "proba.npy", proba)
    saved_models.save(model, folder / "model.safetensors")
    return seconds


def _elsewhere(what: str, folder: Path, size: Size, on_cpu: bool) -> dict[str, Any]:
    """What `_task` returns in a process of its own, which sees the GPU or not."""
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if on_cpu else {})
    small = "small" if size == SMALL else "large"
    command = [sys.executable, "-m", "bench.gpu.learning", what, str(folder), small, "cpu" if on_cpu else "gpu"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _task(what: str, folder: Path, size: Size, name: str) -> dict[str, Any]:
    """A round, a training, or the predictions of the model that the GPU's round left behind."""
    n, home = size.labels if what == "train" else size.cpu_pool, folder / f"project-{name}"
    files, targets = image_files(folder / f"{what}-{name}", n, CLASSES)
    labels = min(size.labels, size.cpu_pool // 2)
    if what == "round":
        seconds = sum(_round(files, targets, labels, size, home).values())
        return {"seconds": seconds, "features": str(home / "features.npy"), "proba": str(home / "proba.npy")}
    encoder, inputs = load_encoder(learner(size), "image", None, home), list[Path | str](files)
    data = Dataset(inputs, encoder.encode(inputs), encoder.dims)
    if what == "predict":
        trained = saved_models.load(folder / "project-gpu" / "model.safetensors", encoder)
        np.save(home / "read.npy", class_proba(trained, data, np.arange(labels, n)))
        return {"proba": str(home / "read.npy")}
    short = replace(learner(size), finetune=replace(size.finetune, epochs=2, refit=False))
    fitted = fit(LearningTask.of(data, Labels(np.arange(n), targets), CLASSES, encoder), short, 0)
    assert isinstance(fitted.model, FineTuned)
    weights = hashlib.sha256(b"".join(value.tobytes() for value in fitted.model.tuned.values())).hexdigest()
    return {"weights": weights, "inexact": ", ".join(fitted.training.inexact)}


def _cosine(first: str, second: str) -> float:
    a, b = np.load(first).astype(float), np.load(second).astype(float)
    return float(np.mean((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)))


def main() -> None:
    parser = argparse.ArgumentParser(description="One task of `python -m bench.gpu`, in a process of its own.")
    parser.add_argument("task", choices=("round", "train", "predict"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("size", choices=("small", "large"))
    parser.add_argument("name", help="of the device, in the folder's names")
    options = parser.parse_args()
    size = SMALL if options.size == "small" else Size()
    print(json.dumps(_task(options.task, options.folder, size, options.name)))


if __name__ == "__main__":
    main()
