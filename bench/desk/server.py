"""A project of photographs under `labeler serve`, started and watched for `bench.desk.latency`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from labeler.core.rounds import FinishedRound, Ranked, RoundResult
from labeler.core.settings import Config, QueryConfig
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from labeler.projects.project import Project

# No round falls due while this is measured: the worker would take one of the cores.
QUERY = QueryConfig(seed_size=100_000, batch=100_000)


@dataclass
class Served:
    """A running `labeler serve` and its one project."""

    project: Project
    port: int
    process: subprocess.Popen[bytes]
    started: float  # time.perf_counter() when the process was started

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self, seconds: float = 120) -> float:
        """Seconds from the start of the process until its port takes connections."""
        while time.perf_counter() - self.started < seconds:
            if self.process.poll() is not None:
                raise SystemExit("labeler serve ended at once; run it by hand to see why.")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return time.perf_counter() - self.started
            except OSError:
                time.sleep(0.01)
        raise SystemExit(f"labeler serve did not answer within {seconds:.0f} s.")

    def app(self) -> psutil.Process:
        """The process that serves pages and API."""
        return next(c for c in psutil.Process(self.process.pid).children() if "streamlit" in c.cmdline())

    def stored(self) -> set[tuple[str, int]]:
        """Annotator and item of each answer that is on disk."""
        with self.project.store() as store:
            return {(row["annotator"], row["item_id"]) for row in store.answers.export()}


@dataclass
class Usage:
    """What was used between two calls: by the app, and by everything on the machine."""

    app: psutil.Process

    def begin(self) -> None:
        self._cpu, self._at = cpu_seconds(self.app), time.perf_counter()
        psutil.cpu_percent()

    def end(self, labels: int) -> dict[str, float]:
        used = cpu_seconds(self.app) - self._cpu
        return {
            "seconds": round(time.perf_counter() - self._at, 2),
            "labels": labels,
            "labels_per_minute": round(60 * labels / (time.perf_counter() - self._at), 1),
            "server_cpu_ms_per_label": round(1000 * used / max(labels, 1), 2),
            "server_rss_mb": round(self.app.memory_info().rss / 2**20, 1),
            "machine_busy": round(psutil.cpu_percent() / 100, 3),  # share of all cores, others' work included
            "load": round(os.getloadavg()[0], 2),
        }


def cpu_seconds(process: psutil.Process) -> float:
    """Of a process and those that it started."""
    times = [p.cpu_times() for p in (process, *process.children(recursive=True))]
    return sum(t.user + t.system for t in times)


@contextmanager
def serving(images: Path, classes: tuple[str, ...]) -> Iterator[Served]:
    """A fresh project of the images in a folder, served until the block ends; it may not answer yet."""
    with TemporaryDirectory(prefix="labeler-bench-") as folder:
        config = Config("bench", classes, budget=10_000_000, query=QUERY)
        home = Path(folder)
        project = projects.create(home / "bench", config)
        report = import_source(project, images)
        if report.problems:
            raise SystemExit(f"Some images could not be imported, the first one: {report.problems[0]}")
        _rank(project)
        os.environ["LABELER_HOME"] = folder  # whose secret signs the HTTP clients' tokens
        command = [sys.executable, "-m", "labeler", "serve", folder, "--port", str(port := free_port())]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield Served(project, port, process, time.perf_counter())
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _rank(project: Project) -> None:
    """The round that the import asked for, without a model: all items are asked, in the order of the import."""
    with project.store() as store:
        ids = [item.id for item in store.items.all()]
        job = store.rounds.claim()
        if job is None:
            raise SystemExit("The import asked for no round: what is measured here has changed.")
        ranking = tuple(Ranked(i, "random", None) for i in ids)
        result = RoundResult(0, "random", 0, None, ranking, 0.0, 0.0)
        store.rounds.finish(job, FinishedRound(store.rounds.next_number(), result, ids))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
