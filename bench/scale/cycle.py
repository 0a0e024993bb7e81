"""One project from its import to its second round, by the number of its items: seconds, memory and bytes of each step.

    python -m bench.scale.cycle
    python -m bench.scale.cycle --texts 10000,100000,1000000 --words reviews.csv --out cycle.json
    python -m bench.scale.cycle --texts "" --images 1000,10000,100000 --folder DISK --go-on --out images.json
    python -m bench.scale.cycle --texts 10000000 --folder DISK --go-on --out ten-million.json

Texts and images are made up as in `bench.scale.imports`. Texts are embedded by their characters' n-grams, the encoder
that any machine has, and images by EfficientNet-Lite0, both unless `--backbone` names another. *First ranking*: from
the end of the import until people are asked by a ranking. *The rest embedded*: until every item has features, and a
ranking chooses among all of them. *A later round*: with what was answered meanwhile. Each step runs in a process of its
own, whose memory is the most that it held; the time to start it counts for the import alone. Seconds of the processor
are those of all its threads, so they compare where other programs share the machine. *Embedding* are those within which
items were embedded, with the start of the network; the rest of them are the rounds'. Meanwhile somebody reserves, and
behind the import answers, as the desk does, 20 times a second, so that a round is always due: rounds and embedding take
turns here, in one process, where a worker runs them beside each other. The exponent of growth is that between the
smallest and the largest size: 1 is linear. *Labels* are those of the pool when the step has ended: the longer the steps
before took, the more there are, and a round takes longer with more of them, too. *Log* is the most that SQLite's
write-ahead log took within the step, and *with rows* the most that database, log and the rows of an import took
together.

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
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bench.scale.imports import (
    MOST_ROWS,
    Kind,
    Watched,
    meanwhile,
    size_of,
    sizes_of,
    vocabulary,
    watched,
    write_images,
    write_texts,
)
from bench.tables import table
from labeler.backbones.catalogue import CHARACTERS
from labeler.core.items import Answer, Progress
from labeler.core.settings import Config, LearnerConfig, LimitsConfig, QueryConfig
from labeler.core.whole_files import write_whole
from labeler.cycle.embedding import Missing
from labeler.jobs.embedding import embed_once
from labeler.jobs.rounds import work_once
from labeler.projects import importer
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store

AHEAD = 20  # items that a tab holds
LOOK_AT_DISK = 0.1  # seconds between two looks at the sizes of files
GROWN = ("seconds", "of the processor", "embedding", "memory MB", "project MB")
SEED, BATCH = 20, 40
BACKBONES = {"text": CHARACTERS, "image": "tf_efficientnet_lite0"}


@dataclass
class Worked(Watched):
    """A step of the project's own. embedding: the processor's seconds within which items were embedded."""

    embedding: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=sizes_of, default=[10_000, 100_000], help="numbers of texts")
    parser.add_argument("--images", type=sizes_of, default=[], help="numbers of images")
    parser.add_argument("--backbone", help="the encoder of all items, in place of those that are named above")
    parser.add_argument("--words", type=Path, help="CSV file with a column `text`, whose words are shuffled")
    parser.add_argument("--folder", type=Path, help="where the projects are made; a temporary one by default")
    parser.add_argument("--out", type=Path, help="JSON, which `bench.scale.model` reads")
    parser.add_argument("--go-on", action="store_true", help="keep the projects, and leave out steps that were done")
    options = parser.parse_args()
    if options.go_on and not (options.folder and options.out):
        parser.error("--go-on needs --folder and --out")
    rows = json.loads(options.out.read_text()) if options.go_on and options.out.exists() else []
    words = vocabulary(options.words)
    texts = Kind("texts", "text", "texts.csv", lambda path, n: write_texts(path, n, words))
    images = Kind("images", "image", "images", write_images)
    for kind in (texts, images):
        backbone = options.backbone or BACKBONES[kind.modality]
        for n in getattr(options, kind.name):
            done = {row["step"] for row in rows if row.get(kind.name) == n}
            with folder_of(kind, n, options) as folder:
                for row in steps(folder, kind, n, backbone, done):
                    rows.append(row)
                    print(json.dumps(row), flush=True)
                    if options.out:
                        write_whole(options.out, json.dumps(rows, indent=1))
        if own := [row for row in rows if kind.name in row]:
            print(f"\n{table(own)}\n\n{table(exponents(own, kind))}\n")


@contextmanager
def folder_of(kind: Kind, n: int, options: argparse.Namespace) -> Iterator[Path]:
    """The folder of a project with so many items, which is removed behind the block unless it is to go on."""
    if options.go_on:
        folder = options.folder / (f"cycle-{n}" if kind.name == "texts" else f"cycle-{kind.name}-{n}")
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="labeler-cycle-", dir=options.folder) as name:
        yield Path(name)


def steps(folder: Path, kind: Kind, n: int, backbone: str, done: set[str]) -> Iterator[dict[str, Any]]:
    """What each step of one project took, but for those that were done before."""
    source, begun = folder / kind.file, folder / "begun"
    if not source.exists():
        part = source.with_name(f"part-{kind.file}")
        kind.write(part, n)
        part.rename(source)
    project = project_in(folder / "project", kind, backbone)
    command = [sys.executable, "-m", "labeler", "import", str(project.folder), str(source)]
    works: dict[str, Callable[[], Watched]] = {
        "import": lambda: watched(command),
        "first ranking": lambda: apart(one_round, project.folder),
        "the rest embedded": lambda: apart(embed_rest, project.folder),
        "a later round": lambda: apart(one_round, project.folder),
    }
    for step, work in works.items():
        if step in done:
            continue
        again = begun.exists() and begun.read_text() == step
        begun.write_text(step)
        rounds = rounds_of(project)
        act = reserve if step == "import" else reserve_and_answer
        with meanwhile(project, act) as waits, most_on_disk(project.folder) as most:
            measured = work()
        line = {"step": step, kind.name: n} | figures(measured, project, waits) | most
        line["rounds"] = rounds_of(project) - rounds
        yield line | ({"cut off before": True} if again else {})


def project_in(folder: Path, kind: Kind, backbone: str) -> Project:
    """The project in a folder, which is made if it is not there."""
    if projects.is_project(folder):
        return projects.open_project(folder)
    query = QueryConfig(seed_size=SEED, batch=BATCH)
    learner = LearnerConfig(kind="frozen", backbone=backbone)
    limits = LimitsConfig(table_rows=MOST_ROWS)
    config = Config("scale", ("a", "b"), kind.modality, budget=10**6, query=query, learner=learner, limits=limits)
    return projects.create(folder, config)


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


def rounds_of(project: Project) -> int:
    """How many rounds a project has."""
    with project.store() as store:
        return store.rounds.next_number() - 1


@contextmanager
def most_on_disk(folder: Path) -> Iterator[dict[str, float]]:
    """The most MB that the write-ahead log of a project took until the end of the block, and that the database, its log
    and the rows of an import took together.
    """
    most, ended = {"log MB": 0.0, "with rows MB": 0.0}, threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_AT_DISK):
            sizes = dict(_sizes([*folder.glob("labels.sqlite*"), *(folder / importer.FOLDER).glob("*")]))
            now = sizes.get("labels.sqlite-wal", 0.0), sum(sizes.values())
            most.update({name: round(max(most[name], size), 1) for name, size in zip(most, now, strict=True)})

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        ended.set()
        looking.join()


def _sizes(files: Iterable[Path]) -> Iterator[tuple[str, float]]:
    """The names and the MB of files that are still there."""
    for file in files:
        with suppress(FileNotFoundError):
            yield file.name, file.stat().st_size / 1e6


def apart(step: Callable[[Path], None], folder: Path) -> Worked:
    """A step in a process of its own, from when this has been started."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(run, step, folder).result()


def run(step: Callable[[Path], None], folder: Path) -> Worked:
    began, processor = time.perf_counter(), time.process_time()
    with embedding_counted() as embedding:
        step(folder)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    processor += children.ru_utime + children.ru_stime
    return Worked(seconds, processor, own.ru_maxrss / 1e3, embedding=sum(embedding))


@contextmanager
def embedding_counted() -> Iterator[list[float]]:
    """The processor's seconds of each part that is embedded until the end of the block."""
    seconds, embed_part = list[float](), Missing.embed_part

    def counted(missing: Missing, on_progress: Progress | None = None) -> None:
        began = time.process_time()
        try:
            embed_part(missing, on_progress)
        finally:
            seconds.append(time.process_time() - began)

    with patch.object(Missing, "embed_part", counted):
        yield seconds


def reserve(store: Store, _number: int) -> None:
    """What the desk does before the first answer: there may be no items yet."""
    store.desk.reserve("kim", "tab", AHEAD)


def reserve_and_answer(store: Store, _number: int) -> None:
    """What the desk does for each answer."""
    held = store.desk.reserve("kim", "tab", AHEAD)
    if held:
        item = held[0].item.id
        store.answers.add("kim", [Answer(f"{item}", item, "label", "ab"[item % 2], 1.0, "tab")])


def figures(run: Watched, project: Project, waits: list[float]) -> dict[str, Any]:
    """What a line of the table says of a step."""
    quantiles = [round(float(value), 1) for value in np.quantile(waits, (0.5, 0.99, 1))] if waits else None
    with project.store() as store:
        labels = store.items.count_labeled()
    return {
        "labels": labels,
        "seconds": round(run.seconds, 1),
        "of the processor": round(run.processor, 1),
        "embedding": round(run.embedding, 1) if isinstance(run, Worked) else None,
        "memory MB": round(run.memory),
        "project MB": round(size_of(project.folder), 1),
        "reserve and answer p50 / p99 / longest ms": quantiles,
    }


def exponents(rows: list[dict[str, Any]], kind: Kind) -> list[dict[str, Any]]:
    """By step, the exponents with which what it takes grows between the smallest and the largest size."""
    lines = []
    for step in dict.fromkeys(row["step"] for row in rows):
        own = sorted((row for row in rows if row["step"] == step), key=lambda row: row[kind.name])
        small, large = own[0], own[-1]
        if small is not large:
            ratio = math.log(large[kind.name] / small[kind.name])
            lines.append({"growth of": step} | {name: _exponent(small, large, name, ratio) for name in GROWN})
    return lines or [{"growth of": "–"}]


def _exponent(small: dict[str, Any], large: dict[str, Any], name: str, ratio: float) -> str | None:
    """None: a step does nothing of it, or was measured without it. Args: ratio: the sizes' logarithms' difference."""
    if not small.get(name) or not large.get(name):
        return None
    return f"{math.log(large[name] / small[name]) / ratio:.2f}"


if __name__ == "__main__":
    main()
