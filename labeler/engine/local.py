"""The engine that is this machine: this process, or processes that it starts."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any

from labeler.core.errors import LabelerError
from labeler.core.processes import end_with_parent
from labeler.engine.protocol import BEAT, Chunk, Function, Report, Result, ignore

# Imports of threadpoolctl are deferred: processes of this machine alone need it.


class LocalEngine:
    """This machine."""

    apart = False

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
        if processes:
            yield from in_processes(function, list(chunks), report, processes, None if gpu else 1)
        else:
            for chunk in chunks:
                yield function(chunk, report)

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """As `Engine.call`, in this process."""
        return function(*arguments)


def in_processes(
    function: Function[Chunk, Result], chunks: Sequence[Chunk], report: Report, processes: int, threads: int | None
) -> list[Result]:
    """The function's results for the chunks, computed by so many processes; the first failure is raised at once.

    Args: threads: that each process may use; None: as many as it likes.
    """
    # spawned, never forked: torch and ONNX Runtime hold threads
    context = multiprocessing.get_context("spawn")
    ticks: Queue[int] = context.Queue()
    executor = ProcessPoolExecutor(processes, context, _set_up, (function, ticks, threads))
    try:
        results = _results([executor.submit(_do, chunk) for chunk in chunks], ticks, report)
    except BaseException:  # on cancellation, too, so that no process is left behind
        _kill(executor)
        raise
    executor.shutdown()
    return results


def _results(waiting: "list[Future[Any]]", ticks: "Queue[int]", report: Report) -> list[Any]:
    reported = 0
    while not all(future.done() for future in waiting):
        failed = wait(waiting, timeout=BEAT, return_when=FIRST_EXCEPTION).done
        if any(future.exception() for future in failed):
            break
        parts = _count(ticks)
        reported += parts
        report(parts)
    try:
        for future in waiting:
            if future.done():
                future.result()  # raises the first failure before the others have ended
        results = [future.result() for future in waiting]
    except BrokenProcessPool:
        raise LabelerError(
            "A process that did a part of the work was ended from outside, mostly for want of memory: use fewer"
            " processes."
        ) from None
    report(sum(parts for _, parts in results) - reported)  # some of the last ticks may still be under way
    return [result for result, _ in results]


def _count(ticks: "Queue[int]") -> int:
    done = 0
    while True:
        try:
            done += ticks.get_nowait()
        except Empty:
            return done


def _kill(executor: ProcessPoolExecutor) -> None:
    # shutdown() waits for running calls, and no public method ends them
    children = list((executor._processes or {}).values())
    for child in children:
        child.kill()
    executor.shutdown(cancel_futures=True)
    for child in children:
        child.join()


# What this process does to each chunk, sent once when it starts, since it may hold large arrays.
_function: Function[Any, Any]
_ticks: "Queue[int]"


def _set_up(function: Function[Any, Any], ticks: "Queue[int]", threads: int | None) -> None:
    global _function, _ticks
    _function, _ticks = function, ticks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that started this one
    end_with_parent()
    if threads:  # each core has a process, so more threads would compete for the cores
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)


def _do(chunk: Any) -> tuple[Any, int]:
    """The result for a chunk, and how many parts of it were reported."""
    done = 0

    def report(parts: int) -> None:
        nonlocal done
        done += parts
        _ticks.put(parts)

    return _function(chunk, report), done
