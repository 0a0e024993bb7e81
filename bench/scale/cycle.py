"""One project from its import to its second round, by the number of its texts: seconds, memory and bytes of each step.

    python -m bench.scale.cycle
    python -m bench.scale.cycle --texts 10000,100000,1000000 --words reviews.csv --out cycle.json
    python -m bench.scale.cycle --texts 10000000 --folder DISK --go-on --out ten-million.json

Texts are made up as in `bench.scale.imports`, and embedded by their characters' n-grams, the encoder that any machine
has. *First ranking*: from the end of the import until people are asked by a ranking. *The rest embedded*: until every
text has features, and a ranking chooses among all of them. *A later round*: with what was answered meanwhile. Each step
runs in a process of its own, whose memory is the most that it held; the time to start it counts for the import alone.
Meanwhile somebody reserves and answers as the desk does, 20 times a second. The exponent of growth is that between the
smallest and the largest size: 1 is linear.

With `--go-on` the projects stay in `--folder`, and steps that `--out` has are not done again: a run of many hours that
was cut off goes on with the same command. Of the step that was cut off, the seconds are those of what was left of it,
and its row says so.
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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.scale.imports import MOST_ROWS, Watched, meanwhile, size_of, sizes_of, vocabulary, watched, write_texts
from bench.tables import table
from labeler.backbones.catalogue import CHARACTERS
from labeler.core.items import Answer
from labeler.core.settings import Config, LearnerConfig, LimitsConfig, QueryConfig
from labeler.core.whole_files import whole_file, write_whole
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
    parser.add_argument("--go-on", action="store_true", help="keep the projects, and leave out steps that were done")
    options = parser.parse_args()
    if options.go_on and not (options.folder and options.out):
        parser.error("--go-on needs --folder and --out")
    rows = json.loads(options.out.read_text()) if options.go_on and options.out.exists() else []
    words = vocabulary(options.words)
    for texts in options.texts:
        done = {row["step"] for row in rows if row["texts"] == texts}
        with folder_of(texts, options) as folder:
            for row in steps(folder, texts, words, done):
                rows.append(row)
                print(json.dumps(row), flush=True)
                if options.out:
                    write_whole(options.out, json.dumps(rows, indent=1))
    print(f"\n{table(rows)}\n\n{table(exponents(rows))}")


@contextmanager
def folder_of(texts: int, options: argparse.Namespace) -> Iterator[Path]:
    """The folder of a project with so many texts, which is removed behind the block unless it is to go on."""
    if options.go_on:
        folder = options.folder / f"cycle-{texts}"
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="labeler-cycle-", dir=options.folder) as name:
        yield Path(name)


def steps(folder: Path, texts: int, words: list[str], done: set[str]) -> Iterator[dict[str, Any]]:
    """What each step of one project took, but for those that were done before."""
    source, begun = folder / "texts.csv", folder / "begun"
    if not source.exists():
        with whole_file(source) as part:
            write_texts(part, texts, words)
    project = project_in(folder / "project")
    command = [sys.executable, "-m", "labeler", "import", str(project.folder), str(source)]
    works: dict[str, Callable[[], tuple[float, float]]] = {
        "import": lambda: seconds_and_memory(watched(command)),
        "first ranking": lambda: apart(one_round, project.folder),
        "the rest embedded": lambda: apart(embed_rest, project.folder),
        "a later round": lambda: apart(one_round, project.folder),
    }
    for step, work in works.items():
        if step in done:
            continue
        again = begun.exists() and begun.read_text() == step
        begun.write_text(step)
        waits: list[float] = []
        if step == "import":
            measured = work()
        else:
            with meanwhile(project, reserve_and_answer) as waits:
                measured = work()
        yield row(texts, step, *measured, project, waits) | ({"cut off before": True} if again else {})


def project_in(folder: Path) -> Project:
    """The project in a folder, which is made if it is not there."""
    if projects.is_project(folder):
        return projects.open_project(folder)
    query = QueryConfig(seed_size=SEED, batch=BATCH)
    learner = LearnerConfig(kind="frozen", backbone=CHARACTERS)
    limits = LimitsConfig(table_rows=MOST_ROWS)
    config = Config("scale", ("a", "b"), modality="text", budget=10**6, query=query, learner=learner, limits=limits)
    return projects.create(folder, config)


def seconds_and_memory(run: Watched) -> tuple[float, float]:
    return run.seconds, run.memory


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
