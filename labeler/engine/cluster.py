"""The engine that is a Ray cluster: chunks go to its GPUs, or to its cores where it has none.

A process of its own speaks to Ray (`labeler.engine.courier`): Ray ends a process whose cluster is lost, and this one
has other work. Functions, chunks and results travel as bytes that only this process and the nodes read.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from labeler.core.errors import EngineError, LabelerError
from labeler.core.extras import require
from labeler.core.memory import halvings
from labeler.core.processes import cores
from labeler.core.version import __version__
from labeler.engine import courier
from labeler.engine.node import About
from labeler.engine.protocol import BEAT, Chunk, Function, Report, Result, ignore

# Imports of ray are deferred: it is an extra, and slow to load.


class RayEngine:
    """A Ray cluster.

    address: `host:port` of its head.

    Raises: LabelerError: Ray is not installed.
    """

    apart = True

    def __init__(self, address: str) -> None:
        require("cluster")
        self.address = address

    def map(
        self,
        function: Function[Chunk, Result],
        chunks: Iterable[Chunk],
        report: Report = ignore,
        *,
        processes: int = 0,
        gpu: bool = False,
    ) -> Iterator[Result]:
        """As `Engine.map`."""
        return self._results(function, chunks, report, courier.Job(gpu, About(__version__, 1, halvings())))

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """As `Engine.call`; on cores with as many threads as this machine has, so that the result has the same bits."""
        job = courier.Job(True, About(__version__, cores(), halvings()))
        (result,) = self._results(_apply, [(function, arguments)], ignore, job)
        return result

    def _results(
        self, function: Function[Chunk, Result], chunks: Iterable[Chunk], report: Report, job: courier.Job
    ) -> Iterator[Result]:
        from ray import cloudpickle

        line = _idle_line(self.address)
        try:
            line.send(job, cloudpickle.dumps(function))
            source, waiting, room = iter(chunks), 0, line.receive(ignore)
            while True:
                wanted = [*islice(source, room)]
                line.send(*map(cloudpickle.dumps, wanted))
                if room and len(wanted) < room:
                    line.send(courier.END)
                    room = 0
                waiting += len(wanted)
                if not waiting:
                    break
                succeeded, value, parts = cloudpickle.loads(line.receive(report))
                if not succeeded:
                    raise value
                waiting, room = waiting - 1, min(room, 1)
                report(parts)
                yield value
        except BaseException:  # cancelled, too: what the cluster still does for that process ends with it
            line.close()
            raise
        _idle.setdefault(self.address, []).append(line)


def _apply(packed: tuple[Callable[..., Result], tuple[Any, ...]], report: Report) -> Result:
    function, arguments = packed
    return function(*arguments)


class _Line:
    """The process that speaks to one cluster, and the connection to it."""

    def __init__(self, address: str) -> None:
        self.address = address
        context = multiprocessing.get_context("spawn")
        self._end, theirs = context.Pipe()
        self.process = context.Process(target=courier.serve, args=(address, theirs))
        self.process.start()
        theirs.close()

    def send(self, *values: Any) -> None:
        """Send values, one after the other.

        Raises: EngineError: the process has ended.
        """
        try:
            for value in values:
                self._end.send(value)
        except OSError as error:
            raise self._lost(error) from error

    def receive(self, report: Report) -> Any:
        """What comes next; meanwhile `report` is called with 0.

        Raises: EngineError: the cluster is lost. LabelerError: it could not do the work.
        """
        try:
            while not self._end.poll(BEAT):
                report(0)
            value = self._end.recv()
        except (EOFError, OSError) as error:
            raise self._lost(error) from error
        if isinstance(value, courier.Lost):
            raise self._lost(value.reason)
        if isinstance(value, courier.Ended):
            raise LabelerError(
                "A process of the cluster was ended each of {tries} times that it did a part of the work, mostly for"
                " want of memory: {error}",
                tries=courier.TRIES + 1,
                error=value.reason,
            )
        return value

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self._end.close()

    def _lost(self, reason: object) -> EngineError:
        return EngineError(
            "The Ray cluster at {address} cannot be reached ({error}). The work waits for it: start it, or set"
            ' engine.kind to "local".',
            address=self.address,
            error=str(reason) or "its process ended",
        )


_idle: dict[str, list[_Line]] = {}  # by address


def _idle_line(address: str) -> _Line:
    while _idle.get(address):
        line = _idle[address].pop()
        if line.process.is_alive():
            return line
        line.close()
    return _Line(address)


def disconnect() -> None:
    """End the processes that speak to clusters; the next work starts them again."""
    for line in (line for lines in _idle.values() for line in lines):
        line.close()
    _idle.clear()
