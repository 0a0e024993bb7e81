"""One project from its import to its second round, by the number of its texts: seconds, memory and bytes of each step.

    python -m bench.scale.cycle
    python -m bench.scale.cycle --texts 10000,100000,1000000 --words reviews.csv --out cycle.json

Texts are made up as in `bench.scale.imports`, and embedded by their characters' n-grams, the encoder that any machine
has. *First ranking*: from the end of the import until people are asked by a ranking. *The rest embedded*: until every
text has features, and a ranking chooses among all of them. *A later round*: with what was answered meanwhile. Each step
runs in a process of its own, whose memory is the most that it held; the time to start it counts for the import alone.
Meanwhile somebody reserves and answers as the desk does, 20 times a second. The exponent of growth is that between the
smallest and the largest size: 1 is linear.
"""

import argparse
import json
import math
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from bench.scale.imports import MOST_ROWS, meanwhile, size_of, sizes_of, vocabulary, watched, write_texts
from bench.tables import table
from labeler.backbones.catalogue import CHARACTERS
from labeler.core.items import Answer
from labeler.core.settings import Config, LearnerConfig, LimitsConfig, QueryConfig
from labeler.jobs.embedding import embed_once
from labeler.jobs.rounds import work_once
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store

AHEAD = 20  # items that a tab holds
SEED, BATCH = 20, 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=sizes_of, default=[10_000, 100_000], help="numbers of texts")
    parser.add_argument("--words", type=Path, help="CSV file with a column `text`, whose words are shuffled")
    parser.add_argument("--folder", type=Path, help="where the projects are made; a temporary one by default")
    parser.add_argument("--out", type=Path, help="JSON, which `bench.scale.model` reads")
    options = parser.parse_args()
    words, rows = vocabulary(options.words), list[dict[str, Any]]()
    for texts in options.texts:
        with tempfile.TemporaryDirectory(prefix="labeler-cycle-", dir=options.folder) as folder:
            for row in steps(Path(folder), texts, words):
                rows.append(row)
                print(json.dumps(row), flush=True)
                if options.out:
                    options.out.write_text(json.dumps(rows, indent=1))
    print(f"\n{table(rows)}\n\n{table(exponents(rows))}")


def steps(folder: Path, texts: int, words: list[str]) -> Iterator[dict[str, Any]]:
    """What each step of one project took."""
    source = folder / "texts.csv"
    write_texts(source, texts, words)
    query = QueryConfig(seed_size=SEED, batch=BATCH)
    learner = LearnerConfig(kind="frozen", backbone=CHARACTERS)
    limits = LimitsConfig(table_rows=MOST_ROWS)
    config = Config("scale", ("a", "b"), modality="text", budget=10**6, query=query, learner=learner, limits=limits)
    project = projects.create(folder / "project", config)
    run = watched([sys.executable, "-m", "labeler", "import", str(project.folder), str(source)])
    yield row(texts, "import", run.seconds, run.memory, project)
    with meanwhile(project, reserve_and_answer) as waits:
        yield row(texts, "first ranking", *apart(one_round, project.folder), project, waits)
    with meanwhile(project, reserve_and_answer) as waits:
        yield row(texts, "the rest embedded", *apart(embed_rest, project.folder), project, waits)
    with meanwhile(project, reserve_and_answer) as waits:
        yield row(texts, "a later round", *apart(one_round, project.folder), project, waits)


def one_round(folder: Path) -> None:
    project = projects.open_project(folder)
    with project.store() as store:
        store.rounds.request("bench")
    while not work_once(project):
        time.sleep(0.01)


def embed_rest(folder: Path) -> None:
    project = projects.open_project(folder)
    while embed_once(project):
        while not work_once(project):
            time.sleep(0.01)


def apart(step: Callable[[Path], None], folder: Path) -> tuple[float, float]:
    """Seconds of a step in a process of its own that has been started, and the most MB that this held."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run, step, folder).result()


def run(step: Callable[[Path], None], folder: Path) -> tuple[float, float]:
    began = time.perf_counter()
    step(folder)
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def reserve_and_answer(store: Store, _number: int) -> None:
    """What the desk does for each answer."""
    held = store.desk.reserve("kim", "tab", AHEAD)
    if held:
        item = held[0].item.id
        store.answers.add("kim", [Answer(f"{item}", item, "label", "ab"[item % 2], 1.0, "tab")])


def row(
    texts: int, step: str, seconds: float, memory: float, project: Project, waits: list[float] | None = None
) -> dict[str, Any]:
    """A line of the table."""
    quantiles = [round(float(value), 1) for value in np.quantile(waits, (0.5, 0.99, 1))] if waits else None
    return {
        "step": step,
        "texts": texts,
        "seconds": round(seconds, 1),
        "memory MB": round(memory),
        "project MB": round(size_of(project.folder), 1),
        "reserve and answer p50 / p99 / longest ms": quantiles,
    }


def exponents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By step, the exponents with which seconds, memory and bytes grow between the smallest and the largest size."""
    lines = []
    for step in dict.fromkeys(row["step"] for row in rows):
        own = sorted((row for row in rows if row["step"] == step), key=lambda row: row["texts"])
        small, large = own[0], own[-1]
        if small is not large:
            ratio = math.log(large["texts"] / small["texts"])
            figures = ("seconds", "memory MB", "project MB")
            lines.append(
                {"growth of": step}
                | {name: f"{math.log(large[name] / max(small[name], 0.1)) / ratio:.2f}" for name in figures}
            )
    return lines or [{"growth of": "–"}]


if __name__ == "__main__":
    main()
