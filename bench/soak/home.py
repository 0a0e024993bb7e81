"""A home with a project of sentences, served; it can be hurt from outside."""

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.desk.server import free_port
from bench.soak.shim import Shim
from labeler.core.items import NewItem
from labeler.core.settings import Config, LabelingConfig, LearnerConfig, QueryConfig
from labeler.projects import project as projects
from labeler.projects.project import Project

WORDS = {"good": ("warm", "funny", "moving", "clever", "lovely"), "bad": ("dull", "cold", "tedious", "ugly", "bland")}
PROCESSES = ("app", "worker", "explainer")
DESK = "desk-"  # how the names of the processes begin that `--processes` adds
NEVER_ENDS = 3600  # seconds of a reservation: nobody leaves, so that an item with two annotators was given out twice


@dataclass
class Home:
    """A home that is served, and its project. servers: `labeler serve` by port; the first is the usual one.

    desks: processes that answer the desk's requests; 1: the app does.
    """

    folder: Path
    project: Project
    shim: Shim
    ports: list[int]
    servers: dict[int, subprocess.Popen[bytes]]
    log: Path
    desks: int = 1

    @property
    def processes(self) -> list[str]:
        """The names of the processes that a server keeps running."""
        return [*PROCESSES, *(f"{DESK}{n}" for n in range(1, self.desks + 1) if self.desks > 1)]

    def serve(self, port: int) -> None:
        """Start `labeler serve` on a port."""
        command = [sys.executable, "-m", "labeler", "serve", str(self.folder), "--port", str(port)]
        command += ["--processes", str(self.desks)] if self.desks > 1 else []
        with self.log.open("ab") as log:
            variables = os.environ | self.shim.environment()
            self.servers[port] = subprocess.Popen(command, env=variables, stdout=log, stderr=log)

    def wait(self, seconds: float = 120) -> None:
        """Wait until the first server answers."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}/healthz", timeout=5):
                return
            time.sleep(0.1)
        raise SystemExit(f"labeler serve did not answer within {seconds:.0f} s:\n{self.log.read_text()[-2000:]}")

    def process(self, name: str, port: int | None = None) -> psutil.Process | None:
        """The process of this name that `serve` keeps running; None while there is none."""
        try:
            children = psutil.Process(self.servers[port or self.ports[0]].pid).children()
            return next((child for child in children if name == name_of(child)), None)
        except psutil.Error:
            return None

    def end(self) -> None:
        """End all servers in order."""
        for server in self.servers.values():
            server.send_signal(signal.SIGINT)
        for server in self.servers.values():
            server.wait(60)


def name_of(process: psutil.Process) -> str:
    """Which of the processes of `labeler serve` this is; "" for none."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    names = (word for word in words if word in PROCESSES or word.startswith(DESK))
    return next(names, "app" if "streamlit" in words else "")


def sentence(number: int) -> tuple[str, str]:
    """A sentence and the class that its words give away."""
    label = ("good", "bad")[number % 2]
    words = WORDS[label]
    return f"a {words[number % 5]} and {words[number // 5 % 5]} film, number {number}", label


def make(folder: Path, items: int, batch: int) -> Project:
    """A project whose rounds are quick, and fall due after each `batch` labels."""
    config = Config(
        "soak",
        tuple(WORDS),
        modality="text",
        budget=10_000_000,
        query=QueryConfig(strategy="margin", seed_size=batch, batch=batch),
        labeling=LabelingConfig(reservation_seconds=NEVER_ENDS),
        learner=LearnerConfig(backbone="char_tfidf", backbone_search="off"),
    )
    project = projects.create(folder, config)
    with project.store() as store:
        split = {True: "holdout", False: "pool"}
        store.items.add(
            [
                NewItem(f"{n:09d}", f"row {n}", text=sentence(n)[0], split=split[n % 20 == 0])  # type: ignore[arg-type]
                for n in range(items)
            ]
        )
    return project


@contextmanager
def home(folder: Path, scratch: Path, items: int, batch: int, desks: int = 1) -> Iterator[Home]:
    """A home in an empty folder, served until the block ends.

    Args: scratch: a folder on another disk, for what must not fail with the home's. desks: see `Home`.
    """
    project = make(folder / "soak", items, batch)
    os.environ["LABELER_HOME"] = str(folder)  # whose secret signs the tokens
    ports = [free_port(), free_port()]
    here = Home(folder, project, Shim(scratch), ports, {}, scratch / "serve.log", desks)
    here.serve(ports[0])
    try:
        yield here
    finally:
        here.shim.set()
        here.end()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[bool]:
    """Whether a small disk lies at the folder until the block ends: only root can mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", f"soak-{secrets.token_hex(4)}", str(folder)]
    mounted = os.name == "posix" and not subprocess.run(["mount", *options], capture_output=True).returncode
    try:
        yield mounted
    finally:
        if mounted:
            for _ in range(50):  # processes that ended a moment ago
                if not subprocess.run(["umount", str(folder)], capture_output=True).returncode:
                    break
                time.sleep(0.2)
