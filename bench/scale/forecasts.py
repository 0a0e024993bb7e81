"""What rounds leave behind: bytes on the disk, and milliseconds and bytes to read for what is drawn of them.

A project is made whose rounds have forecasts and metrics but no models: what each round says of the holdout drifts
from round to round as a learner's does. "KB read" are those that SQLite reads from the file on a connection of its own,
with nothing remembered; ms are of the processor, which others on the machine do not change.

    python -m bench.scale.forecasts
    python -m bench.scale.forecasts --rounds 10 100 1000 --holdout 300 3000 --classes 3
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from bench.tables import table
from labeler.core.items import NewItem
from labeler.core.rounds import Forecast
from labeler.core.settings import Config
from labeler.measure.forecasts import gain_between, on_labels, remeasured, sampling_of
from labeler.measure.metrics import metrics
from labeler.progress.history import course, latest_step
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.rounds import measures

COMPARED = 500  # items of the pool that successive rounds are compared on
TIMES = 3
IO = Path("/proc/self/io")


def make(folder: Path, rounds: int, holdout: int, classes: int) -> Project:
    """A project in a new folder with so many rounds, measured on a holdout that is labeled whole."""
    names = tuple(f"class {c}" for c in range(classes))
    project = projects.create(folder, Config(name="rounds", classes=names))
    rng = np.random.default_rng([rounds, holdout, classes])
    targets = rng.integers(classes, size=holdout)
    with project.store() as store:
        held = [
            NewItem(f"{i:032x}", f"row {i}", text=f"text {i}", split="holdout", label=names[target])
            for i, target in enumerate(targets.tolist())
        ]
        pool = [
            NewItem(f"{i:032x}", f"row {i}", text=f"text {i}", split="pool") for i in range(holdout, holdout + COMPARED)
        ]
        store.items.add(held + pool)
        with store.write():
            for number, proba in enumerate(drifting(targets, classes, rounds, rng), 1):
                _add_round(store, number, proba, targets)
    return project


def drifting(targets: np.ndarray, classes: int, rounds: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """(n, C) float32 of each round: models that get better, and that differ a little from one round to the next."""
    ease, noise = rng.gamma(2.0, 1.5, size=(len(targets), 1)), rng.normal(size=(len(targets), classes))
    truth = np.eye(classes)[targets]
    for number in range(1, rounds + 1):
        noise = 0.98 * noise + 0.2 * rng.normal(size=noise.shape)
        yield softmax(truth * ease * min(1.0, 0.3 + 0.1 * np.log(number)) + noise, axis=1).astype(np.float32)


def _add_round(store: Store, number: int, proba: np.ndarray, targets: np.ndarray) -> None:
    """A round as `Rounds.finish` stores it, but for its ranking."""
    at = f"2026-01-01T00:00:{number / 1000:06.3f}+00:00"
    job = {"id": number, "reason": "new labels", "state": "done", "labels": 20 * number, "requested_at": at}
    store.db.insert("jobs", job | {"claimed_at": at, "finished_at": at})
    round_ = {
        "number": number,
        "job_id": number,
        "labels": 20 * number,
        "strategy": "margin",
        "seed": number,
        "config": json.dumps(store.config.as_dict(), ensure_ascii=False),
        "model": f"models/round-{number:04d}.safetensors",  # there is no such file
        **measures(metrics(proba.astype(float), targets)),
        "train_seconds": 2.0,
        "query_seconds": 1.0,
        "finished_at": at,
    }
    store.db.insert("rounds", round_)
    compared = proba[np.arange(COMPARED) % len(proba)]
    holdout = Forecast(np.arange(1, len(proba) + 1), proba)
    store.forecasts.add(number, {"holdout": holdout, "stop": Forecast(np.arange(COMPARED) + len(proba) + 1, compared)})


# ---------------------------------------------------------------- what is read


def holdout_part(store: Store) -> object:
    """What the Holdout part of the Progress page reads: the rounds that can be chosen, the latest, the one before."""
    numbers, labels, sampling = store.forecasts.rounds(), store.items.holdout_labels(), sampling_of(store)
    now, before = (store.forecasts.get(number, "holdout") for number in (numbers[-1], numbers[-2]))
    assert now is not None
    assert before is not None
    return on_labels(now, labels, store.config, sampling), gain_between(now, before, labels, store.config, sampling)


READS: dict[str, Callable[[Store], object]] = {
    "curve": lambda store: (course(store), latest_step(store)),
    "holdout part": holdout_part,
    "version": lambda store: store.version(),  # each page, every two seconds
    "all rounds measured anew": remeasured,
}


@contextmanager
def counted() -> Iterator[list[int]]:
    """A list that has the bytes which the process read in the block, once it has ended."""
    read: list[int] = []
    before = _read_so_far()
    yield read
    read.append(_read_so_far() - before)


def _read_so_far() -> int:
    return int(next(line for line in IO.read_text().splitlines() if line.startswith("rchar")).split()[1])


def measure(project: Project, read: Callable[[Store], object]) -> dict[str, Any]:
    """Milliseconds of the processor and kilobytes (medians) of a reading, each on a connection of its own."""
    took, sizes = [], []
    for _ in range(TIMES):
        with project.store() as store:
            with counted() as size:
                began = time.process_time()
                read(store)
                took.append(1000 * (time.process_time() - began))
            sizes += size
    return {"ms": round(statistics.median(took), 1), "KB read": round(statistics.median(sizes) / 1000)}


def figures(rounds: int, holdout: int, classes: int) -> dict[str, Any]:
    """A row of the table: of one project."""
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder) / "rounds", rounds, holdout, classes)
        row: dict[str, Any] = {"rounds": rounds, "holdout": holdout, "classes": classes}
        for name, read in READS.items():
            row |= {f"{name}, {unit}": value for unit, value in measure(project, read).items()}
        with project.store() as store:
            kept = bytes_of_forecasts(store)
        return row | {"forecasts, KB": round(kept / 1000), "a round, B": round(kept / rounds)}


def bytes_of_forecasts(store: Store) -> int:
    """The bytes that become free once all forecasts are deleted."""

    def free() -> int:
        return int(store.db.value("PRAGMA freelist_count"))

    before, page = free(), int(store.db.value("PRAGMA page_size"))
    store.db.execute("DELETE FROM forecasts")
    if store.db.value("SELECT 1 FROM sqlite_schema WHERE name = 'forecast_axes'"):
        store.db.execute("DELETE FROM forecast_axes")
    return (free() - before) * page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--holdout", type=int, nargs="+", default=[300, 3000])
    parser.add_argument("--classes", type=int, nargs="+", default=[3])
    values = parser.parse_args()
    print(
        table(
            [
                figures(rounds, holdout, classes)
                for classes in values.classes
                for holdout in values.holdout
                for rounds in values.rounds
            ]
        )
    )


if __name__ == "__main__":
    main()
