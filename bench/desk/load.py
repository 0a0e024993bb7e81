"""What a hundred annotators wait for on a busy server: rounds train all the while, and two large imports run.

    python -m bench.desk.load --seconds 600 --out load.json
    python -m bench.desk.load --seconds 30 --annotators 20 --images 2000 --texts 20000
    python -m bench.desk.load --rival RIVAL.py --rival-venv FOLDER --rival-annotators 25

Annotators are HTTP clients that ask and answer as the desk does, `--pace` seconds between two answers of each. They
label sentences in a project in which a round is asked for as soon as the last one has ended. Two other projects of the
same home import a folder of images and a table of texts, each by `labeler import`. With `--rival`, Label Studio serves
its annotators in the same run once ours have ended, without a model and without imports.

*Acknowledged*: from the request until the reply is read. An error is a request that is not answered with 200, or an
answer that is refused; its annotator goes on with the next item. Memory is the resident set of each of our processes
with those that it started. After the run the database must hold every answer that was acknowledged.
"""

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from PIL import Image

from bench.desk.clients import DeskClient
from bench.desk.rival import rival
from bench.desk.server import Served, free_port
from bench.soak.home import PROCESSES, make, name_of, sentence
from bench.tables import table
from labeler.core.settings import Config, LearnerConfig
from labeler.projects import project as projects

FIRST_TASKS = 100  # of the rival, beyond those that its annotators can answer in the time
EVERY = 2.0  # seconds between two looks at memory and jobs
QUANTILES = (50, 95, 99)
ALWAYS = 40  # labels after which a round is due: less than annotators give while one runs


class LoadClient(DeskClient):
    """An annotator of sentences, who counts errors and goes on."""

    def __init__(self, served: Served, number: int) -> None:
        super().__init__(served, number)
        self.errors: list[str] = []

    def answer(self) -> bool:
        with_error = len(self.errors)
        try:
            super().answer()
        except (SystemExit, OSError, HTTPException) as error:
            self.errors.append(str(error)[:200])
            self.connection.close()
        if not self.queue and len(self.errors) == with_error:
            self.prepare()
        return True

    def prepare(self) -> None:
        with suppress(SystemExit, OSError, HTTPException):
            super().prepare()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotators", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--pace", type=float, default=1.5, help="seconds between two answers of a person")
    parser.add_argument("--items", type=int, default=60_000, help="sentences in the project that is labeled")
    parser.add_argument("--images", type=int, default=100_000, help="that are imported meanwhile; 0: none")
    parser.add_argument("--texts", type=int, default=1_000_000, help="that are imported meanwhile; 0: none")
    parser.add_argument("--no-rounds", action="store_true", help="train nothing meanwhile")
    parser.add_argument("--rival", type=Path, help="script that runs Label Studio, see bench/desk/rival.py")
    parser.add_argument("--rival-venv", type=Path, default=Path(".rival-venv"), help="where it is or gets installed")
    parser.add_argument("--rival-seconds", type=float, help="as --seconds if not given")
    parser.add_argument("--rival-annotators", type=int, default=10, help="as many as it bears")
    parser.add_argument("--out", type=Path, help="JSON, with every measured value")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="labeler-load-") as folder:
        rival_seconds = options.rival_seconds or options.seconds
        tasks = FIRST_TASKS + math.ceil(options.rival_annotators * rival_seconds / options.pace) if options.rival else 0
        images, texts = sources(Path(folder), max(options.images, tasks), options.texts)
        lines = [ours(Path(folder) / "home", options, images, texts)]
        print(json.dumps(summary(lines[0])), *lines[0]["errors_all"][:5], sep="\n", flush=True)
        if options.rival:
            few = Path(folder) / "few"
            few.mkdir()
            for path in sorted(images.iterdir())[:tasks]:
                (few / path.name).hardlink_to(path)
            how = {"seconds": rival_seconds, "pace": options.pace}
            place = (options.rival, options.rival_venv)
            numbers = [options.rival_annotators]
            for who, n, seen in rival(*place, few, ("good", "bad"), 20, numbers, **how):
                if who == "http":
                    lines.append({"who": "Label Studio", "annotators": n, **figures(seen.acknowledged), **seen.usage})
                    print(json.dumps(summary(lines[-1])), flush=True)
    if options.out:
        options.out.write_text(json.dumps({"cores": os.cpu_count(), "lines": lines}, indent=1))
    print(f"\n{os.cpu_count()} cores\n\n{markdown(lines)}")


def sources(folder: Path, images: int, texts: int) -> tuple[Path, Path]:
    """A folder of small images and a table of texts, all different."""
    pictures, table, rng = folder / "images", folder / "texts.csv", np.random.default_rng(0)
    pictures.mkdir()
    for n in range(images):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(pictures / f"{n:06d}.png")
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([sentence(n)[0]] for n in range(texts))
    return pictures, table


def ours(home: Path, options: argparse.Namespace, images: Path, table: Path) -> dict[str, Any]:
    """A line of the table for our server."""
    home.mkdir()
    project = make(home / "labeled", options.items, ALWAYS if not options.no_rounds else 100_000)
    os.environ["LABELER_HOME"] = str(home)
    command = [sys.executable, "-m", "labeler", "serve", str(home), "--port", str(port := free_port())]
    with (home.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    served = Served(project, port, process, time.perf_counter())
    try:
        served.wait()
        clients = [LoadClient(served, n) for n in range(options.annotators)]
        with ThreadPoolExecutor(len(clients)) as pool:
            list(pool.map(lambda client: client.prepare(), clients))
            for client in clients:
                for times in client.times.values():
                    times.clear()
            with importing(home, options, images, table) as imports, watching(served) as seen:
                end = time.perf_counter() + options.seconds
                list(pool.map(lambda client: client.work(end, options.pace), clients))
                done = {name: state_of(home / name, process) for name, process in imports.items()}
        acknowledged = {(client.name, item) for client in clients for item in client.answered}
        lost = len(acknowledged - served.stored())
        with project.store() as store:
            rounds = store.rounds.next_number() - 1
    finally:
        process.terminate()
        process.wait(60)
    errors = [error for client in clients for error in client.errors]
    times = [value for client in clients for value in client.times["acknowledged"]]
    line = {"who": "labeler", "annotators": len(clients), "seconds": options.seconds, **figures(times), "lost": lost}
    line |= {"labels_per_minute": round(60 * len(acknowledged) / options.seconds, 1), "rounds": rounds}
    line |= {"errors": len(errors), "errors_all": errors, "imported": done, **memory(seen)}
    return line


@contextmanager
def importing(
    home: Path, options: argparse.Namespace, images: Path, table: Path
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The imports that run until the block ends, by the names of their projects."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    for name, n, source in (("image", options.images, images), ("text", options.texts, table)):
        if n:
            learner = LearnerConfig(backbone="char_tfidf") if name == "text" else LearnerConfig()
            projects.create(home / name, Config(name, ("good", "bad"), modality=name, learner=learner))  # type: ignore[arg-type]
            command = [sys.executable, "-m", "labeler", "import", str(home / name), str(source)]
            processes[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield processes
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(60)


def state_of(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Whether an import still runs, has ended with so many items, or failed: it is whole or leaves nothing."""
    if process.poll() is None:
        return "runs"
    with projects.open_project(folder).store() as store:
        counts = store.items.counts()
    return f"{counts.pool + counts.holdout:,} items" if process.returncode == 0 else "failed"


@contextmanager
def watching(served: Served) -> Iterator[list[dict[str, float]]]:
    """Looks at our processes, every two seconds until the block ends: megabytes of each, whether a round runs."""
    seen: list[dict[str, float]] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(EVERY):
            look: dict[str, float] = {}
            for child in psutil.Process(served.process.pid).children():
                if name_of(child) in PROCESSES:
                    look[name_of(child)] = megabytes(child)
            with served.project.store() as store:
                look["round runs"] = float(store.rounds.waiting())
            seen.append(look)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def megabytes(process: psutil.Process) -> float:
    """The resident memory of a process and those that it started."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            total += each.memory_info().rss
    return total / 2**20


def memory(seen: list[dict[str, float]]) -> dict[str, Any]:
    """Megabytes of each process at first, at most and at last, and the share of the time in which a round ran."""
    values: dict[str, Any] = {"memory_all": seen}
    for name in PROCESSES:
        own = [look[name] for look in seen if name in look]
        if own:
            values[f"{name}_mb"] = [round(own[0]), round(max(own)), round(own[-1])]
    runs = [look["round runs"] for look in seen]
    return values | {"training_share": round(sum(runs) / len(runs), 2) if runs else 0.0}


def figures(milliseconds: list[float]) -> dict[str, Any]:
    """Quantiles of acknowledgements, and the values themselves."""
    if not milliseconds:
        return {"acknowledged_ms": None, "answers": 0}
    quantiles = [round(float(q), 1) for q in np.percentile(milliseconds, QUANTILES)]
    return {"answers": len(milliseconds), "acknowledged_ms": quantiles, "acknowledged_ms_all": milliseconds}


def summary(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if not key.endswith("_all")}


def markdown(lines: list[dict[str, Any]]) -> str:
    heads = {
        "who": "who",
        "annotators": "annotators",
        "answers": "answers",
        "acknowledged p50 / p95 / p99 ms": "acknowledged_ms",
        "errors": "errors",
        "lost": "lost",
        "rounds": "rounds",
        "share of time training": "training_share",
        "app MB first / most / last": "app_mb",
        "worker MB": "worker_mb",
        "imports at the end": "imported",
    }
    return table([{head: line.get(key) for head, key in heads.items()} for line in lines])


if __name__ == "__main__":
    main()
