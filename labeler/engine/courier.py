"""The process that speaks to a Ray cluster for the one that started it.

It passes bytes on and reads none of them. A node that is killed costs the chunks that it had: they are sent again.
"""

import logging
import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from labeler.core.processes import end_with_parent
from labeler.engine import node
from labeler.engine.node import About

# Imports of ray are deferred: it is an extra, and slow to load.

AHEAD = 2  # chunks that wait for each GPU or core while it works on another
TRIES = 5  # times that a chunk is sent again after the process or the machine that had it was ended
CONNECT = 3.0  # seconds for the first word of a cluster
ALONE = 60.0  # seconds without any GPU or core after which the work is given back
END = None  # comes after the last chunk


@dataclass(frozen=True)
class Job:
    """What is asked for. gpu: whether a chunk uses a GPU, where there is one."""

    gpu: bool
    about: About


@dataclass(frozen=True)
class Lost:
    """Nobody is there to do the work."""

    reason: str


@dataclass(frozen=True)
class Ended:
    """A process of a node was ended again and again during the same chunk."""

    reason: str


def serve(address: str, line: Connection) -> None:
    """Do one job after the other, until this process is ended.

    Each comes as a `Job`, the bytes of the function and those of the chunks, and `END`. What goes back is the number of
    chunks that are wanted at a time, and the bytes of the results in order; or `Lost`, or `Ended`.
    """
    end_with_parent()
    _be_silent()
    received = SimpleQueue[Any]()
    threading.Thread(target=_receive, args=(line, received), daemon=True).start()
    try:
        _connect(address)
        while True:
            _do(received.get(), received, line)
    except Exception as error:  # whatever Ray raises: it has dozens of errors
        import ray

        reason = str(error).strip().split("\n")[0] or type(error).__name__
        again_and_again = (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError)
        line.send(Ended(reason) if isinstance(error, again_and_again) else Lost(reason))


def _receive(line: Connection, received: "SimpleQueue[Any]") -> None:
    """Take in what comes as it comes: were it left in the pipe, both ends might wait for each other."""
    try:
        while True:
            received.put(line.recv())
    except (EOFError, OSError):
        os._exit(0)


def _be_silent() -> None:
    """Leave the terminal to the process that people see: Ray prints pages when a node ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(nowhere, stream.fileno())


def _connect(address: str) -> None:
    host, _, port = address.rpartition(":")
    if host in ("127.0.0.1", "localhost"):  # else Ray replaces it by an address of the network
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    socket.create_connection((host.strip("[]"), int(port)), CONNECT).close()  # Ray itself tries for minutes
    import ray

    ray.init(address, log_to_driver=False, logging_level=logging.ERROR)


def _do(job: Job, received: "SimpleQueue[Any]", line: Connection) -> None:
    import ray

    slots, resources = _share(job.gpu)
    most = slots * (1 + AHEAD)
    # max_calls: a process that has a GPU would end after each chunk, and load the network again
    work = ray.remote(max_calls=0)(node.work).options(max_retries=TRIES, **resources)
    boxed = [ray.put(received.get())]
    line.send(most)
    chunks, pending = _chunks(received), deque[Any]()
    while True:
        pending.extend(work.remote(boxed, chunk, job.about) for chunk in islice(chunks, most - len(pending)))
        if not pending:
            return
        _wait(pending[0])
        line.send(ray.get(pending.popleft()))


def _chunks(received: "SimpleQueue[Any]") -> Iterator[bytes]:
    while (chunk := received.get()) is not END:
        yield chunk


def _share(gpu: bool) -> tuple[int, dict[str, int]]:
    """How many chunks the cluster works on at a time, and what each of them takes.

    Raises: RuntimeError: it has no machine that works.
    """
    import ray

    there = ray.cluster_resources()
    if gpu and there.get("GPU", 0) >= 1:
        return int(there["GPU"]), {"num_gpus": 1, "num_cpus": 0}
    if there.get("CPU", 0) >= 1:
        return int(there["CPU"]), {"num_cpus": 1}
    raise RuntimeError("it has no machine that works")


def _wait(reference: Any) -> None:
    """Wait for a result.

    Raises: RuntimeError: for a minute no machine has been there to compute it.
    """
    import ray

    last = time.monotonic()
    while not ray.wait([reference], timeout=1.0)[0]:
        there = ray.cluster_resources()
        if there.get("CPU", 0) + there.get("GPU", 0) >= 1:
            last = time.monotonic()
        elif time.monotonic() - last > ALONE:
            raise RuntimeError("it has no machine that works")
