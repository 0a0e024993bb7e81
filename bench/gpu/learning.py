"""Fine-tuning beside a plain loop, one training in two processes, rounds, and the same on the CPU."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.gpu.inputs import CLASSES, SMALL, Pictures, Size, learner, text_encoder, texts
from bench.gpu.tables import Row
from bench.speed.training import gpu_use, ours, plain
from labeler.backbones import devices
from labeler.backbones.cache import embed
from labeler.backbones.choose import load_encoder
from labeler.backbones.encoder import collate
from labeler.core.rounds import Dataset, Labels
from labeler.learner import heads, saved_models
from labeler.learner.model import FineTuned
from labeler.learner.predict import class_proba
from labeler.learner.task import LearningTask
from labeler.learner.train import fit


def training(size: Size, pictures: Pictures) -> Iterator[Row]:
    """Images/s of fine-tuning the default network, beside a plain loop with timm (bench.speed.training)."""
    files, targets = pictures.first(size.trained)
    for which in ("the first time", "again"):
        rates, busy = [], []
        for run in (plain, ours):
            with gpu_use() as used:
                rates.append(_rate(run, files, targets, size))
            busy.append(f"{np.mean(used):.0%}" if used else "–")
        what = f"fine-tuning on {len(files):,} images, {size.epochs} epochs, {which}, beside plain timm"
        yield Row(what, rates[1], "images/s", rates[0])
        yield Row(f"… share of the time in which the GPU works: labeler, plain {busy[0]}", busy[1], "")


def layout(size: Size, pictures: Pictures) -> Iterator[Row]:
    """The same training with each colour's plane by itself, beside `channels_last`, which cuDNN plans for longer."""
    files, targets = pictures.first(size.trained)
    usual, rates = devices.LAYOUT, dict[str, float]()
    try:
        for name, form in (("channels last", torch.channels_last), ("plane by plane", torch.contiguous_format)):
            devices.LAYOUT = form
            for which in ("the first time", "again"):
                rates[f"{name}, {which}"] = _rate(ours, files, targets, size)
    finally:
        devices.LAYOUT = usual
    for which in ("the first time", "again"):
        plane, last = (rates[f"{name}, {which}"] for name in ("plane by plane", "channels last"))
        yield Row(f"fine-tuning with images plane by plane, {which}, beside channels last", plane, "images/s", last)


def _rate(run: Callable[..., None], files: list[Path], targets: np.ndarray, size: Size) -> float:
    """Images/s of a training."""
    devices.wait()
    began = time.perf_counter()
    run(files, targets, size.pixels, size.epochs)
    devices.wait()
    return len(files) * size.epochs / (time.perf_counter() - began)


def large_heads(size: Size) -> Iterator[Row]:
    """A logistic regression and a discriminant of many classes, on the device beside scikit-learn's on the CPU."""
    n, width, n_classes = (400, 64, 20) if size == SMALL else (2_000, 1_280, 100)
    rng = np.random.default_rng(0)
    targets = np.arange(n) % n_classes
    features = rng.normal(size=(n, width)) + 2 * rng.normal(size=(n_classes, width))[targets]
    least, few = heads.LARGE, slice(2 * n_classes)
    try:
        for name, fit_head in (
            ("regression", partial(heads.logistic, strength=3.0)),
            ("discriminant", heads.discriminant),
        ):
            seconds = []
            for heads.LARGE in (0, sys.maxsize):
                fit_head(features[few], targets[few])  # the first fit of a process loads libraries
                began = time.perf_counter()
                fit_head(features, targets)
                seconds.append(time.perf_counter() - began)
            what = f"{name} of {n:,} labels × {width:,} features, {n_classes} classes, beside the CPU"
            yield Row(what, seconds[0], "s", seconds[1], more_is_better=False)
    finally:
        heads.LARGE = least


# ---------------------------------------------------------------- rounds


def rounds(size: Size, folder: Path, pictures: Pictures) -> Iterator[Row]:
    """A round end to end: embed, train, score the pool; then the next, whose pixels are decoded already."""
    files, targets = pictures.first(size.pool)
    for which in ("first round", "next round"):
        seconds = _round(files, targets, size.labels, size, folder / "project")
        what = f"{which}, {size.labels:,} labels, {len(files):,} images"
        yield Row(what, sum(seconds.values()), "s")
        yield from (Row(f"… {step}", took, "s") for step, took in seconds.items())


def beside_the_cpu(size: Size, folder: Path, pictures: Pictures) -> Iterator[Row]:
    """A round, and then the same one on all cores of the CPU."""
    labels, pool = size.beside
    pictures.first(pool)
    seconds = []
    for on_cpu in (False, True):
        (result,) = _elsewhere(folder, size, Task("round", *size.beside, on_cpu))
        seconds.append(float(result["seconds"]))
    what = f"first round, {labels:,} labels, {pool:,} images, beside the CPU"
    yield Row(what, seconds[0], "s", seconds[1], more_is_better=False)


def agreement(size: Size, folder: Path, pictures: Pictures) -> Iterator[Row]:
    """Features and predictions of the GPU beside those of the CPU."""
    pictures.first(size.agreement[1])
    encoder, documents = text_encoder(folder), texts(32, 16)
    with torch.inference_mode():
        exact = encoder.network(*map(torch.from_numpy, collate(encoder.prepare(documents)))).numpy()
    yield Row("features of texts of GPU and CPU: mean cosine", _cosine(encoder.encode(documents), exact), "")
    both = _elsewhere(folder, size, *(Task("round", *size.agreement, on_cpu) for on_cpu in (False, True)))
    features, proba = ([np.load(result[what]) for result in both] for what in ("features", "proba"))
    yield Row("features of images of GPU and CPU: mean cosine", _cosine(*features), "")
    yield Row("GPU and CPU both train: their predictions of the pool agree on", _agreement(*proba), "%")
    (result,) = _elsewhere(folder, size, Task("predict", *size.agreement, True))
    read = np.load(result["proba"])
    yield Row("the GPU's model, read on the CPU: predictions agree on", _agreement(proba[0], read), "%")
    yield Row("… the largest difference of its probabilities", float(np.abs(proba[0] - read).max()), "")


def twice(size: Size, folder: Path, pictures: Pictures) -> Iterator[Row]:
    """Two trainings in two processes, bit for bit."""
    pictures.first(size.agreement[0])
    runs = _elsewhere(folder, size, *[Task("train", *size.agreement, on_cpu=False)] * 2)
    same = runs[0]["weights"] == runs[1]["weights"]
    yield Row("two trainings in two processes", "the same bits" if same else "differ", "")
    yield Row("… operations that the card has no repeatable way for", runs[0]["inexact"] or "none", "")


def _agreement(first: np.ndarray, second: np.ndarray) -> float:
    return float(100 * np.mean(first.argmax(axis=1) == second.argmax(axis=1)))


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    a, b = first.astype(float), second.astype(float)
    return float(np.mean((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)))


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


# ---------------------------------------------------------------- in processes of their own


@dataclass(frozen=True)
class Task:
    """What a process of its own does: a round, a training, or what the GPU's model of that round predicts."""

    what: str
    labels: int
    pool: int
    on_cpu: bool

    @property
    def home(self) -> str:
        """The name of the folder of the round's project."""
        return f"project-{self.labels}-{'cpu' if self.on_cpu else 'gpu'}"


def _elsewhere(folder: Path, size: Size, *tasks: Task) -> list[dict[str, Any]]:
    """What each of the tasks results in, all at once, each in a process of its own, which sees the GPU or not."""
    processes = []
    for task in tasks:
        environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if task.on_cpu else {})
        about = [task.what, str(task.labels), str(task.pool), "cpu" if task.on_cpu else "gpu"]
        command = [sys.executable, "-m", "bench.gpu.learning", str(folder), *about]
        command += ["--small"] if size == SMALL else []
        processes.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    try:
        return [_result(process) for process in processes]
    finally:
        for process in processes:
            process.kill()


def _result(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors[-3000:])
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


def _done(task: Task, folder: Path, size: Size) -> dict[str, Any]:
    files, targets = Pictures(folder / "pictures").first(task.labels if task.what == "train" else task.pool)
    home = folder / task.home
    if task.what == "round":
        seconds = sum(_round(files, targets, task.labels, size, home).values())
        return {"seconds": seconds, "features": str(home / "features.npy"), "proba": str(home / "proba.npy")}
    encoder, inputs = load_encoder(learner(size), "image", None, home), list[Path | str](files)
    data = Dataset(inputs, encoder.encode(inputs), encoder.dims)
    if task.what == "predict":
        trained = saved_models.load(folder / replace(task, on_cpu=False).home / "model.safetensors", encoder)
        np.save(home / "read.npy", class_proba(trained, data, np.arange(task.labels, task.pool)))
        return {"proba": str(home / "read.npy")}
    short = replace(learner(size), finetune=replace(size.finetune, epochs=2, refit=False))
    fitted = fit(LearningTask.of(data, Labels(np.arange(len(files)), targets), CLASSES, encoder), short, 0)
    assert isinstance(fitted.model, FineTuned)
    weights = hashlib.sha256(
        b"".join(value.tobytes() for value in fitted.model.networks[0].parameters.values())
    ).hexdigest()
    return {"weights": weights, "inexact": ", ".join(fitted.training.inexact)}


def main() -> None:
    parser = argparse.ArgumentParser(description="One task of `python -m bench.gpu`, in a process of its own.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("task", choices=("round", "train", "predict"))
    parser.add_argument("labels", type=int)
    parser.add_argument("pool", type=int)
    parser.add_argument("device", choices=("cpu", "gpu"))
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    task = Task(options.task, options.labels, options.pool, options.device == "cpu")
    print(json.dumps(_done(task, options.folder, SMALL if options.small else Size())))


if __name__ == "__main__":
    main()
