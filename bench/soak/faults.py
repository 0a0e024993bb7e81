"""The faults: each hurts a served home again and again until it is told to stop, and mends what it broke."""

import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from bench.soak.annotators import Annotator
from bench.soak.home import Home
from labeler.store.driver import connect

# Hurts the home until the event is set; how often.
Fault = Callable[[Home, Sequence[Annotator], random.Random, threading.Event], int]

WELL = 5.5  # seconds that a process runs before most kills: `serve` then starts the next at once


def nothing(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    stop.wait()
    return 0


def killed(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """SIGKILL of app, worker, explainer or a process of the desk, at random; some while it is still starting."""
    kills = 0
    while not stop.wait(rng.uniform(0.2, 0.8)):
        process = home.process(rng.choice(home.processes))
        if process is None:
            continue
        with suppress(psutil.Error):
            if time.time() - process.create_time() > WELL or rng.random() < 0.04:
                process.kill()
                kills += 1
    return kills


def serve_killed(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """SIGKILL of `serve` itself, which is started again on the same port at once."""
    kills, port = 0, home.ports[0]
    while not stop.wait(rng.uniform(6, 10)):
        home.servers[port].kill()
        home.servers[port].wait()
        kills += 1
        for _ in range(50):
            home.serve(port)
            with suppress(Exception):
                home.servers[port].wait(0.7)
            if home.servers[port].poll() is None:
                break
    return kills


def transport(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """Requests are dropped, doubled, delayed and reordered, and replies are lost."""
    before = sum(a.troubles for a in annotators)
    for annotator in annotators:
        annotator.troubled = 0.6
    stop.wait()
    for annotator in annotators:
        annotator.troubled = 0.0
    return sum(a.troubles for a in annotators) - before


def disk_full(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """The home's disk is filled to the last byte, and has room again some seconds later."""
    filler, times = home.folder / "filler", 0
    try:
        while not stop.wait(rng.uniform(1, 2)):
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16))
            times += 1
            stop.wait(rng.uniform(2, 4))
            filler.unlink(missing_ok=True)
    finally:
        filler.unlink(missing_ok=True)
    return times


def _now_and_then(home: Home, rng: random.Random, stop: threading.Event, begin: Callable[[], None]) -> int:
    """Let the library before the C library do something for some seconds, again and again; how often it did."""
    times = 0
    while not stop.wait(rng.uniform(1, 3)):
        begin()
        times += 1
        stop.wait(rng.uniform(1, 3))
        home.shim.set()
    home.shim.set()
    return times


def fsync_fails(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """fsync of every process fails with EIO for some seconds."""
    return _now_and_then(home, rng, stop, lambda: home.shim.set(fsync_fails=True))


def database_locked(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """Another program holds the write lock of the project's database for some seconds."""
    times = 0
    while not stop.wait(rng.uniform(0.5, 1.5)):
        connection = connect(home.project.database)
        try:
            connection.execute("BEGIN IMMEDIATE")
            times += 1
            stop.wait(rng.uniform(1, 4))
            connection.rollback()
        finally:
            connection.close()
    return times


def other_damaged(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """Another project of the home has a damaged database."""
    other = home.folder / "damaged"
    shutil.copytree(home.project.folder, other, ignore=shutil.ignore_patterns("labels.sqlite-*", "*.lock", ".*"))
    with (other / "labels.sqlite").open("r+b") as file:
        file.write(rng.randbytes(1 << 16))
    stop.wait()
    shutil.rmtree(other, ignore_errors=True)
    return 1


def caches_broken(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """Features, models and pictures are cut off or overwritten with noise."""
    times = 0
    while not stop.wait(rng.uniform(0.5, 1.5)):
        project = home.project
        files = [p for f in (project.embeddings, project.models) if f.is_dir() for p in f.rglob("*") if p.is_file()]
        if files:
            times += _broken(rng.choice(files), rng)
    return times


def _broken(path: Path, rng: random.Random) -> int:
    with suppress(OSError):
        size = path.stat().st_size
        with path.open("r+b") as file:
            if rng.random() < 0.5:
                file.truncate(size // 2)
            else:
                file.seek(size // 3)
                file.write(rng.randbytes(min(size // 3, 4096)))
        return 1
    return 0


def clock_moved(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """The clock of all processes goes forward by up to a day, or back by up to an hour, and is right again later."""
    seconds = [300, 3600, 86_400, -60, -600, -3600]
    return _now_and_then(home, rng, stop, lambda: home.shim.set(clock_offset=rng.choice(seconds)))


def two_serves(home: Home, annotators: Sequence[Annotator], rng: random.Random, stop: threading.Event) -> int:
    """A second `labeler serve` of the same home, which half of the annotators use once it is there."""
    usual, second = home.ports
    home.serve(second)
    stop.wait(8)
    for annotator in annotators[::2]:
        annotator.port = second
    stop.wait()
    for annotator in annotators:
        annotator.port = usual
    server = home.servers.pop(second)
    server.send_signal(signal.SIGINT)
    server.wait(60)
    return 1


FAULTS: dict[str, Fault] = {
    "nothing": nothing,
    "SIGKILL of app, worker, explainer, desk": killed,
    "SIGKILL of `serve`": serve_killed,
    "requests dropped, doubled, delayed, reordered; replies lost": transport,
    "full disk": disk_full,
    "failing fsync": fsync_fails,
    "locked database": database_locked,
    "damaged database of another project": other_damaged,
    "broken features and models": caches_broken,
    "clock forward and back": clock_moved,
    "two `serve` on one home": two_serves,
}
NEED_SHIM = ("failing fsync", "clock forward and back")
NEED_DISK = ("full disk",)
