"""Seconds and memory of exports of many answers, beside pandas that reads the same answers and writes a CSV file.

Each line is a process of its own, which has loaded the labeler and pandas; its memory is the most that it ever held.

python -m bench.exports.streaming
python -m bench.exports.streaming --answers 100000 1000000
"""

import argparse
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from bench.tables import table
from labeler.core.items import Answer, NewItem
from labeler.core.settings import Config
from labeler.projects import project as projects
from labeler.projects.export_columns import Format
from labeler.projects.export_stream import stream_labels
from labeler.projects.exporter import Export, export_labels
from labeler.projects.project import Project
from labeler.store.driver import connect

CLASSES = ("pos", "neg", "mixed")
OF_PEOPLE = 10  # one in so many answers is a person's; the others came with the data
AT_ONCE = 5_000  # that are stored in one transaction
# What pandas reads: the answers and their items, without undone answers, without rounds, decisions and metadata.
JOINED = """
    SELECT a.*, i.source, i.split, i.text, i.media, i.content_hash, i.metadata, i.added_at, i.label AS item_label
    FROM annotations a JOIN items i ON i.id = a.item_id WHERE a.action <> 'undo' ORDER BY a.id
"""


def fill(project: Project, n: int) -> None:
    """Add texts of about 130 characters with two columns of metadata, which have `n` answers in all."""
    n_of_people = n // OF_PEOPLE
    with project.store() as store:
        for start in range(0, n - n_of_people, AT_ONCE):
            store.items.add([_item(i) for i in range(start, min(start + AT_ONCE, n - n_of_people))])
        for start in range(0, n_of_people, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, n_of_people))
            store.answers.add("kim", [Answer(f"{i}", i + 1, "label", CLASSES[i % 3], 2.5) for i in numbers])


def _item(i: int) -> NewItem:
    metadata = {"site": f"site {i % 7}", "visit": f"2026-01-{i % 28 + 1:02d}"}
    text = f'"Sentence {i}", and what follows. ' * 4
    return NewItem(f"{i:032x}", f"reviews.csv row {i + 2}", text, label=CLASSES[i % 3], split="pool", metadata=metadata)


def to_file(kind: Format) -> Callable[[Project, Path], None]:
    def export(project: Project, folder: Path) -> None:
        export_labels(project, folder / f"out.{kind}")

    return export


def as_stream(project: Project, folder: Path) -> None:
    """As the API sends it: the bytes are taken as they come, and counted."""
    if not sum(map(len, stream_labels(project, "out.csv", "csv", Export()))):
        raise SystemExit("nothing came")


def with_pandas(project: Project, folder: Path) -> None:
    warnings.filterwarnings("ignore", message="pandas only supports")  # it reads from this driver, too
    pd.read_sql(JOINED, connect(project.database)).to_csv(folder / "out.csv", index=False)


WAYS: dict[str, Callable[[Project, Path], None]] = {
    "CSV": to_file("csv"),
    "CSV, as a stream": as_stream,
    "JSON Lines": to_file("jsonl"),
    "Parquet": to_file("parquet"),
    "pandas: `read_sql` and `to_csv`": with_pandas,
}


def measure(way: str, folder: Path) -> tuple[float, float, int]:
    """Seconds, seconds of the processor, and MB of memory at most of one export, in this process."""
    project = projects.open_project(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent) as out:
        began, used = time.perf_counter(), time.process_time()
        WAYS[way](project, Path(out))
        seconds, processor = time.perf_counter() - began, time.process_time() - used
    return seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, nargs="+", default=[10_000, 100_000])
    rows: list[dict[str, Any]] = []
    for n in parser.parse_args().answers:
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home) / "reviews"
            fill(projects.create(folder, Config(name="reviews", classes=CLASSES)), n)
            for way in WAYS:
                with ProcessPoolExecutor(1, get_context("spawn")) as process:
                    seconds, processor, megabytes = process.submit(measure, way, folder).result()
                figures = {"s": round(seconds, 1), "processor s": round(processor, 1), "MB at most": megabytes}
                rows.append({"export": way, "answers": n, **figures})
                print(rows[-1], flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
