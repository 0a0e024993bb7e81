"""Memory and seconds of a round by the number of texts, with features that are made up, so that no encoder runs.

    python -m bench.scale.features --items 100000 1000000
    python -m bench.scale.features --items 100000 1000000 --beside OTHER_CHECKOUT

A project of short texts is made for each size: 500 labels in the pool, 300 in the holdout, 384 columns a text. Measured
are the snapshot that computes the features, then, in a process of its own, the snapshot of a later round and the round.
Seconds are of the processor, so that what else the machine does matters little. Memory is the peak of what a process
holds itself (`RssAnon`, with about 340 MB of libraries), without pages of files that the system keeps for it. The last
column is the exponent of growth from the first to the last size. Of another checkout, the same is measured.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, CLASSES = 384, ("good", "bad")
LABELED, HOLDOUT = 500, 300
AT_ONCE = 20_000  # items that one transaction adds
WORDS = [f"word{number}" for number in range(2000)]


class MadeUp:
    """An encoder of texts that returns random numbers: the same ones for the same chunk of texts."""

    name, key, dims = "made up", "made-up", (WIDTH,)

    def encode(self, inputs: Sequence[Path | str], on_progress: object = None) -> np.ndarray:
        rng = np.random.default_rng(zlib.crc32(str(inputs[0]).encode()))
        return rng.standard_normal((len(inputs), WIDTH), dtype=np.float32)


class Memory:
    """The most bytes of its own that this process holds within the block."""

    def __enter__(self) -> "Memory":
        self.peak, self._ended = 0, threading.Event()
        self._watching = threading.Thread(target=self._watch)
        self._watching.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._watching.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.02):
            lines = Path("/proc/self/status").read_text().splitlines()
            now = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
            self.peak = max(self.peak, now * 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000], help="numbers of texts")
    parser.add_argument("--beside", type=Path, help="another checkout, measured in the same run")
    parser.add_argument("--step", nargs=2, metavar=("STEP", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, folder = options.step
        steps: dict[str, Callable[[Path], dict[str, float]]] = {"first": first, "later": later}
        print(json.dumps(make(Path(folder), options.items[0]) if name == "make" else steps[name](Path(folder))))
        return
    from bench import tables

    root = Path(__file__).resolve().parents[2]
    checkouts = {"this": root} | ({"the other": options.beside.resolve()} if options.beside else {})
    measured = {name: [measure(code, n) for n in options.items] for name, code in checkouts.items()}
    print(tables.table(list(rows(measured, options.items))))


def measure(code: Path, n: int) -> dict[str, float]:
    """What each step takes for `n` texts with the code of a checkout."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, figures = Path(scratch) / "project", dict[str, float]()
        for name in ("make", "first", "later"):
            command = [sys.executable, __file__, "--items", str(n), "--step", name, str(folder)]
            ran = subprocess.run(
                command, env=os.environ | {"PYTHONPATH": str(code)}, stdout=subprocess.PIPE, text=True, check=True
            )
            figures |= json.loads(ran.stdout)
        kept = [path for path in (folder / "embeddings").rglob("*") if path.is_file()]
        return figures | {"features on disk (MB)": sum(path.stat().st_size for path in kept) / 1e6}


def rows(measured: dict[str, list[dict[str, float]]], sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """A row for each figure: its values at all sizes, and how it grows, for each checkout."""
    for figure in measured["this"][0]:
        row: dict[str, Any] = {"": figure}
        for code, of_code in measured.items():
            which = f" ({code})" if len(measured) > 1 else ""
            row |= {f"{n:,} texts{which}": f"{at[figure]:,.1f}" for n, at in zip(sizes, of_code, strict=True)}
            if len(sizes) > 1:
                growth = math.log(of_code[-1][figure] / of_code[0][figure]) / math.log(sizes[-1] / sizes[0])
                row[f"exponent{which}"] = f"{growth:.2f}"
        yield row


# ---------------------------------------------------------------- steps, each in a process of its own


def make(folder: Path, n: int) -> dict[str, float]:
    """A project of `n` texts."""
    from labeler.core.items import NewItem
    from labeler.core.settings import Config, LearnerConfig
    from labeler.projects import project as projects
    from labeler.projects.new_items import content_hash

    learner = LearnerConfig(kind="frozen", backbone="char_tfidf")
    project = projects.create(folder, Config("made up", CLASSES, "text", learner=learner))
    rng = np.random.default_rng(0)
    with project.store() as store:
        for start in range(0, n, AT_ONCE):
            words = rng.integers(len(WORDS), size=(min(AT_ONCE, n - start), 20))
            texts = [f"{start + row} {' '.join(WORDS[word] for word in line)}" for row, line in enumerate(words)]
            store.items.add(
                [
                    NewItem(
                        content_hash(text.encode()),
                        f"row {start + row}",
                        text,
                        label=CLASSES[(start + row) % 2] if start + row < LABELED + HOLDOUT else None,
                        split="holdout" if start + row < HOLDOUT else "pool",
                    )
                    for row, text in enumerate(texts)
                ]
            )
    return {}


def first(folder: Path) -> dict[str, float]:
    """The snapshot that computes all features."""
    with Memory() as memory:
        began = time.process_time()
        take(folder)
        seconds = time.process_time() - began
    return {"first snapshot (s)": seconds, "first snapshot (MB of memory)": memory.peak / 1e6}


def later(folder: Path) -> dict[str, float]:
    """The snapshot of a later round, and the round."""
    import sklearn.cluster
    import sklearn.linear_model  # noqa: F401 (what loads them takes seconds that no size changes)

    from labeler.cycle.round import run_round
    from labeler.cycle.state import State

    with Memory() as memory:
        began = time.process_time()
        snapshot, config = take(folder)
        taken = time.process_time()
        state = State(
            snapshot.task(len(CLASSES)),
            snapshot.unlabeled,
            snapshot.holdout,
            watched=np.concatenate([snapshot.all_holdout, snapshot.compared]),
        )
        normalised = time.process_time()
        run_round(state, config, seed=1, depth=5 * config.query.batch)
        ended = time.process_time()
    return {
        "later snapshot (s)": taken - began,
        "normalising (s)": normalised - taken,
        "round (s)": ended - normalised,
        "snapshot and round (MB of memory)": memory.peak / 1e6,
    }


def take(folder: Path) -> tuple[Any, Any]:
    """The snapshot of a project whose encoder is made up, and the project's settings."""
    from labeler.cycle import snapshot
    from labeler.projects import project as projects

    vars(snapshot)["load_encoder"] = lambda *args: MadeUp()
    vars(snapshot)["EMBEDDING_SECONDS"] = math.inf  # all of them, however long it takes
    project = projects.open_project(folder)
    with project.store() as store:
        return snapshot.take(project, store, lambda message: lambda done, total: None), project.config


if __name__ == "__main__":
    main()
