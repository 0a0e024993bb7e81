"""How imports grow with what is imported: seconds, memory, bytes, and what somebody who labels meanwhile waits for.

    python -m bench.scale.imports
    python -m bench.scale.imports --texts "" --images "" --workbooks 300000 --zips 40000
    python -m bench.scale.imports --texts 10000,100000,1000000,10000000 --images 1000,10000,100000 --words reviews.csv

Each line is one run of `labeler import` into a new project that holds 200 sentences; all the while, somebody answers 20
of them a second, and each answer waits until it is on the disk. Texts are 5 to 20 words drawn from the column `text` of
the table `--words`, else invented ones, and a number that makes each of them distinct. Images are 16 pixels wide, those
of a zip 64, of 12 kB each. Workbooks hold the same texts as tables do.

The peers do as little as can be: pandas reads the same table and writes it with the hash of each text into SQLite, with
an index of the hashes; `shutil` copies the same folder. Memory is the resident set of all processes together, looked at
20 times a second. *Growth* is the exponent of the seconds between a size and the one before it: 1 is linear.
"""

import argparse
import csv
import hashlib
import io
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from PIL import Image

from bench.tables import table
from labeler.core.items import Answer, Modality, NewItem
from labeler.core.settings import Config
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.driver import connect
from tests.support import workbooks

ANSWERED = 200  # sentences that are answered meanwhile
LOOK = 0.05  # seconds between two looks at the memory, and between two answers
A_FOLDER = 1000  # images
MOST_ROWS = 100_000_000


@dataclass
class Watched:
    """A process that has ended: its seconds, those of the processor, and the most memory that it held, in MB."""

    seconds: float
    processor: float
    memory: float
    waits: list[float] = field(default_factory=list)


# ---------------------------------------------------------------- what is imported


def vocabulary(words: Path | None) -> list[str]:
    """The words of the column `text` of a table, or 20,000 invented ones."""
    if words is not None:
        with words.open(encoding="utf-8-sig", newline="") as file:
            return [word for row in csv.DictReader(file) for word in row["text"].split()]
    rng = random.Random(0)
    return ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(20_000)]


def write_texts(path: Path, n: int, words: Sequence[str]) -> None:
    """A table of `n` distinct texts."""
    rng = random.Random(n)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        for number in range(n):
            writer.writerow([number, f"{' '.join(rng.choices(words, k=rng.randint(5, 20)))} {number}"])


def write_images(folder: Path, n: int) -> None:
    """A folder of `n` distinct images, a thousand in each folder below it."""
    rng = np.random.default_rng(n)
    for number in range(n):
        below = folder / f"{number // A_FOLDER:04}"
        below.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(below / f"{number % A_FOLDER:04}.png")


def write_workbook(path: Path, n: int, words: Sequence[str]) -> None:
    """A workbook of `n` distinct texts, which lie in its table of shared strings."""
    rng = random.Random(n)
    texts = (f"{' '.join(rng.choices(words, k=rng.randint(5, 20)))} {number}" for number in range(n))
    workbooks.write_workbook(path, chain([("id", "text")], ((str(number), text) for number, text in enumerate(texts))))


def write_zip(path: Path, n: int) -> None:
    """A zip of `n` distinct images that cannot be packed any further, a thousand in each folder."""
    rng = np.random.default_rng(n)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(n):
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(buffer, "PNG", compress_level=0)
            archive.writestr(f"{number // A_FOLDER:04}/{number % A_FOLDER:04}.png", buffer.getvalue())


def new_project(folder: Path, modality: Modality) -> Project:
    """A project whose sentences can be answered while something is imported."""
    config = Config(name="scale", classes=("a", "b"), modality="text")
    project = projects.create(folder, replace(config, limits=replace(config.limits, table_rows=MOST_ROWS)))
    with project.store() as store:
        store.items.add([NewItem(f"{n:032x}", "before", f"sentence {n}", split="pool") for n in range(ANSWERED)])
    if modality == "image":  # a person may answer texts of a project that gets images: to the database it is the same
        project = project.save(replace(project.config, modality="image"))
    return project


# ---------------------------------------------------------------- what is measured


def watched(command: Sequence[str]) -> Watched:
    """Run a command to its end.

    Raises: SystemExit: it failed.
    """
    start, most = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    ended = threading.Event()

    def look() -> None:
        nonlocal most
        while not ended.wait(LOOK):
            most = max(most, resident(process.pid))

    looking = threading.Thread(target=look)
    looking.start()
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    ended.set()
    looking.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {said[-2000:]}")
    return Watched(seconds, usage.ru_utime + usage.ru_stime, most / 1e6)


def resident(pid: int) -> int:
    """The bytes that a process and those that it started hold."""
    total = 0
    try:
        for process in (parent := psutil.Process(pid), *parent.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.Error:  # one has just ended
        pass
    return total


@contextmanager
def meanwhile(project: Project, act: Callable[[Store, int], object]) -> Iterator[list[float]]:
    """How many ms each of somebody's acts took, which go on until the end of the block.

    Args: act: gets the project's store and how many acts there were.
    """
    waits: list[float] = []
    ended = threading.Event()

    def go_on() -> None:
        with project.store() as store:
            while not ended.wait(LOOK):
                start = time.perf_counter()
                act(store, len(waits))
                waits.append(1000 * (time.perf_counter() - start))

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield waits
    finally:
        ended.set()
        thread.join()


def answer(store: Store, number: int) -> None:
    """Answer one of the sentences that were there before."""
    store.answers.add("kim", [Answer(f"request {number}", number % ANSWERED + 1, "label", "ab"[number % 2])])


def imported(project: Project, source: Path, n: int) -> Watched:
    """An import of `n` items with the command, while somebody answers."""
    with meanwhile(project, answer) as waits:
        result = watched([sys.executable, "-m", "labeler", "import", str(project.folder), str(source)])
    with project.store() as store:
        counts = store.items.counts()
    if counts.pool + counts.holdout != n + ANSWERED:
        raise SystemExit(f"{n} items were written, but {counts} are there")
    return replace(result, waits=waits)


def size_of(path: Path) -> float:
    """The MB of a file or of all files in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def plain(source: Path, target: Path) -> None:
    """The peer: the table in SQLite by pandas, each text once."""
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    frame["hash"] = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in frame["text"]]
    frame = frame.drop_duplicates("hash")
    connection = connect(target)
    connection.execute("CREATE TABLE items (id TEXT, text TEXT, hash TEXT)")
    with connection:
        connection.executemany("INSERT INTO items VALUES (?, ?, ?)", frame.itertuples(index=False, name=None))
        connection.execute("CREATE UNIQUE INDEX items_hash ON items (hash)")
    connection.close()


# ---------------------------------------------------------------- tables

Write = Callable[[Path, int], None]


@dataclass(frozen=True)
class Kind:
    """A kind of source. peer: what does as little as can be with it; "": nothing does."""

    name: str
    modality: Modality
    file: str
    write: Write
    peer: str = ""


def measure(kind: Kind, sizes: Sequence[int], folder: Path) -> list[dict[str, object]]:
    """The lines of a kind of source: each size, and its peer."""
    lines: list[dict[str, object]] = []
    seconds_before: dict[str, tuple[int, float]] = {}
    for n in sizes:
        source, target = folder / kind.file, folder / "peer"
        kind.write(source, n)
        project = new_project(folder / "project", kind.modality)
        runs = [(f"labeler, {kind.name}", imported(project, source, n), size_of(project.folder))]
        if kind.peer:
            command = [sys.executable, "-m", "bench.scale.imports", "--peer", str(source), str(target)]
            runs.append((kind.peer, watched(command), size_of(target)))
        for name, run, size in runs:
            lines.append(line(name, n, run, size, seconds_before.get(name)))
            seconds_before[name] = n, run.seconds
            print(table(lines[-1:]).splitlines()[-1], flush=True)
        remove(source, project.folder, *([target] if kind.peer else []))
    return lines


def line(name: str, n: int, run: Watched, size: float, before: tuple[int, float] | None) -> dict[str, object]:
    """A line of the table."""
    waits = np.array(run.waits)
    return {
        "what": name,
        "n": n,
        "seconds": f"{run.seconds:,.1f}",
        "of the processor": f"{run.processor:,.1f}",
        "memory MB": round(run.memory),
        "on disk MB": f"{size:,.1f}",
        "answer p50 / p99 / longest ms": " / ".join(f"{v:,.0f}" for v in np.quantile(waits, [0.5, 0.99, 1]))
        if len(waits)
        else None,
        "growth": f"{math.log(run.seconds / before[1]) / math.log(n / before[0]):.2f}" if before else None,
    }


def remove(*paths: Path) -> None:
    """Remove files and folders."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def sizes_of(text: str) -> list[int]:
    return [int(size) for size in text.split(",") if size]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=sizes_of, default=[10_000, 100_000, 1_000_000], help="sizes of tables")
    parser.add_argument("--images", type=sizes_of, default=[1000, 10_000], help="sizes of folders")
    parser.add_argument("--workbooks", type=sizes_of, default=[], help="rows of Excel workbooks")
    parser.add_argument("--zips", type=sizes_of, default=[], help="images of zips")
    parser.add_argument("--words", type=Path, help="CSV file with a column `text`, whose words are shuffled")
    parser.add_argument("--peer", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        source, target = arguments.peer
        (plain if source.is_file() else shutil.copytree)(source, target)
        return
    words = vocabulary(arguments.words)
    kinds = {
        "texts": Kind("texts", "text", "source.csv", lambda path, n: write_texts(path, n, words), "pandas and SQLite"),
        "images": Kind("images", "image", "source", write_images, "copy of the folder"),
        "workbooks": Kind("a workbook", "text", "source.xlsx", lambda path, n: write_workbook(path, n, words)),
        "zips": Kind("a zip", "image", "source.zip", write_zip),
    }
    with tempfile.TemporaryDirectory() as name:
        lines = [line for key, kind in kinds.items() for line in measure(kind, getattr(arguments, key), Path(name))]
    print(f"\n{table(lines)}")


if __name__ == "__main__":
    main()
