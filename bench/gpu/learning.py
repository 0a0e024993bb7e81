"""Fine-tuning beside a plain loop, a round beside the same one on the CPU, and one training in two processes."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.gpu.inputs import Size, image_files
from bench.gpu.tables import Row
from bench.speed.training import gpu_use, ours, plain
from labeler.backbones import devices
from labeler.backbones.cache import embed
from labeler.backbones.choose import load_encoder
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import LearnerConfig
from labeler.learner import saved_models
from labeler.learner.model import FineTuned
from labeler.learner.predict import class_proba
from labeler.learner.task import LearningTask
from labeler.learner.train import fit

CLASSES, PIXELS = 10, 128


def training(size: Size, folder: Path) -> Iterator[Row]:
    """Images/s of fine-tuning the default network, beside a plain loop with timm (bench.speed.training)."""
    files, targets = image_files(folder / "training", size.trained, CLASSES)
    for which in ("the first time", "again"):
        rates, busy = [], []
        for run in (plain, ours):
            devices.wait()
            with gpu_use() as used:
                began = time.perf_counter()
                run(files, targets, PIXELS, size.epochs)
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
        seconds = _round(files, targets, size.labels, folder / "project")
        what = f"{which}, {size.labels:,} labels, {len(files):,} images"
        yield Row(what, sum(seconds.values()), "s")
        yield from (Row(f"… {step}", took, "s") for step, took in seconds.items())
    here, cpu = (
        _elsewhere("round", folder, size.cpu_pool, min(size.labels, size.cpu_pool // 2), cpu=cpu)
        for cpu in (False, True)
    )
    what = f"first round, {min(size.labels, size.cpu_pool // 2):,} labels, {size.cpu_pool:,} images, beside the CPU"
    yield Row(what, float(here["seconds"]), "s", float(cpu["seconds"]), more_is_better=False)
    yield Row("… features of GPU and CPU: mean cosine", _cosine(here["features"], cpu["features"]), "")
    agreed = np.mean(np.load(here["proba"]).argmax(1) == np.load(cpu["proba"]).argmax(1))
    yield Row("… both train; their predictions of the pool agree on", float(100 * agreed), "%")
    same = _elsewhere("predict", folder, size.cpu_pool, 0, cpu=True)
    read = np.load(same["proba"])
    yield Row(
        "… the GPU's model, read on the CPU: predictions agree on",
        float(100 * np.mean(np.load(here["proba"]).argmax(1) == read.argmax(1))),
        "%",
    )
    yield Row("… largest difference of its probabilities", float(np.abs(np.load(here["proba"]) - read).max()), "")


def twice(size: Size, folder: Path) -> Iterator[Row]:
    """Two trainings in two processes, bit for bit."""
    runs = [_elsewhere("train", folder, size.labels, size.labels, cpu=False) for _ in range(2)]
    same = runs[0]["weights"] == runs[1]["weights"]
    yield Row("two trainings in two processes", "the same bits" if same else "differ", "")
    yield Row("… operations that the card has no repeatable way for", runs[0]["inexact"] or "none", "")


def _round(files: list[Path], targets: np.ndarray, labels: int, folder: Path) -> dict[str, float]:
    """The seconds of each step of a round on the files, the first of which are labeled."""
    learner = LearnerConfig(kind="finetune", input_size=PIXELS, round_seconds=600)
    began = [time.perf_counter()]

    def step() -> float:
        began.append(time.perf_counter())
        return began[-1] - began[-2]

    encoder = load_encoder(learner, "image", None, folder)
    hashes = [hashlib.sha256(str(path).encode()).hexdigest() for path in files]
    inputs: list[Path | str] = list(files)
    dataset = Dataset(inputs, embed(inputs, hashes, encoder, folder), encoder.dims)
    seconds = {"embedding": step()}
    task = LearningTask.of(dataset, Labels(np.arange(labels), targets[:labels]), CLASSES, encoder)
    model = fit(task, learner, 0).model
    seconds["training"] = step()
    proba = class_proba(model, dataset, np.arange(labels, len(files)))
    seconds["scoring the pool"] = step()
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "features.npy", np.asarray(dataset.embeddings[:1000]))
    np.save(folder / "proba.npy", proba)
    saved_models.save(model, folder / "model.safetensors")
    return seconds


def _elsewhere(what: str, folder: Path, pool: int, labels: int, cpu: bool) -> dict[str, Any]:
    """What `_task` returns in a process of its own, which sees the GPU or not."""
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if cpu else {})
    command = [sys.executable, "-m", "bench.gpu.learning", what, str(folder), str(pool), str(labels), str(int(cpu))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _task(what: str, folder: Path, pool: int, labels: int, name: str) -> dict[str, Any]:
    files, targets = image_files(folder / f"{what}-{name}-{pool}", pool, CLASSES)
    learner = LearnerConfig(kind="finetune", input_size=PIXELS, round_seconds=600)
    home = folder / f"project-{name}"
    if what == "round":
        seconds = sum(_round(files, targets, labels, home).values())
        return {"seconds": seconds, "features": str(home / "features.npy"), "proba": str(home / "proba.npy")}
    encoder, inputs = load_encoder(learner, "image", None, home), [*map(Path, files)]
    if what == "predict":
        trained = saved_models.load(folder / "project-cuda" / "model.safetensors", encoder)
        labels = pool // 2 if labels == 0 else labels
        data = Dataset(list(inputs), encoder.encode(inputs), encoder.dims)
        proba = class_proba(trained, data, np.arange(min(labels, pool), len(files)))
        np.save(home / "read.npy", proba)
        return {"proba": str(home / "read.npy")}
    data = Dataset(list(inputs), encoder.encode(inputs), encoder.dims)
    short = replace(learner, finetune=replace(learner.finetune, epochs=2, refit=False))
    fitted = fit(LearningTask.of(data, Labels(np.arange(labels), targets[:labels]), CLASSES, encoder), short, 0)
    assert isinstance(fitted.model, FineTuned)
    weights = hashlib.sha256(b"".join(value.tobytes() for value in fitted.model.tuned.values())).hexdigest()
    return {"weights": weights, "inexact": ", ".join(fitted.training.inexact)}


def _cosine(first: str, second: str) -> float:
    a, b = np.load(first).astype(float), np.load(second).astype(float)
    return float(np.mean((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)))


if __name__ == "__main__":
    task, place, n_pool, n_labels, on_cpu = sys.argv[1:]
    print(json.dumps(_task(task, Path(place), int(n_pool), int(n_labels), "cpu" if int(on_cpu) else "cuda")))
