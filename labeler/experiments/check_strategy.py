"""Checks of a file of strategies against the contract, for `python -m labeler check-strategy`.

The file is foreign code that may never end. So it runs in a process of its own, which is killed when a check exceeds
its time limit; a new process goes on with the next check.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import strategies
from labeler.core.errors import LabelerError
from strategies import base
from strategies.contract import CHECKS, IN_TIME, Check
from strategies.plugins import strategies_of

LIMIT = 30.0  # seconds for a check
LOADING = 120.0  # seconds for a process to start and load the file

ALL = [*CHECKS, IN_TIME]


class StrategyFileError(LabelerError):
    """The file cannot be read or run, or registers no strategy."""


@dataclass(frozen=True)
class Verdict:
    """The result of one check of a strategy. broken: one sentence on how it breaks the promise, if it does."""

    strategy: str
    check: Check
    broken: str | None


def check_file(path: Path, limit: float = LIMIT) -> Iterator[Verdict]:
    """Yield a verdict for each promise of each strategy that the file registers.

    Args:   limit: seconds that a check may take.
    Raises: StrategyFileError: it cannot be read or run, or registers no strategy.
    """
    done = 0
    while True:
        with _process(path, done) as (process, messages):
            try:
                loaded = _next(process, messages, LOADING)
            except _NoAnswerError as error:
                loaded = f"Strategy file {path.name}: {error}"
            if isinstance(loaded, str):
                raise StrategyFileError("{reason}", reason=loaded)
            tasks = list(product(loaded, ALL))
            for name, check in tasks[done:]:
                done += 1
                try:
                    yield Verdict(name, check, _next(process, messages, limit))
                except _NoAnswerError as error:
                    yield Verdict(name, check, str(error))
                    break
            if done == len(tasks):
                return


@contextmanager
def _process(path: Path, start: int) -> Iterator[tuple[Any, Connection]]:
    """A process that loads the file and runs its checks, beginning with `start`; it ends with the block."""
    # spawned, so that it imports as little as the worker's; a daemon ends with this process
    context = multiprocessing.get_context("spawn")
    messages, its_end = context.Pipe(duplex=False)
    process = context.Process(target=_check, args=(path, start, its_end), daemon=True)
    process.start()
    its_end.close()  # only the child's end stays open, so that reading fails when the child ends
    try:
        yield process, messages
    finally:
        process.kill()
        process.join()
        messages.close()


class _NoAnswerError(Exception):
    """No message came in time, or the process has ended."""


def _next(process: Any, messages: Connection, seconds: float) -> Any:
    try:
        if messages.poll(seconds):
            return messages.recv()
    except EOFError:
        process.join()
        raise _NoAnswerError(
            f"Its process ended (exit code {process.exitcode}): does it call exit, or need more memory than there is?"
        ) from None
    raise _NoAnswerError(f"It did not end within {seconds:g} seconds, and was stopped.")


# ---------------------------------------------------------------- in the process


def _check(path: Path, start: int, messages: Connection) -> None:
    """Send the names of the file's strategies, or the error; then the result of each check."""
    others = {name: s for name, s in strategies.registered().items() if not _is_of(path, s)}
    with base.registry(others), strategies_of(path) as broken:
        own = [s for name, s in base.current().items() if name not in others]
        if broken:
            messages.send(str(broken[0]))
        elif not own:
            messages.send(f"Strategy file {path.name}: it registers nothing: put @scores or @selects above a function.")
        else:
            messages.send([s.name for s in own])
            for strategy, check in list(product(own, ALL))[start:]:
                messages.send(check.broken(strategy))


def _is_of(path: Path, strategy: base.Strategy) -> bool:
    """Whether the strategy was registered from this very file, as part of the package or of an installed plug-in."""
    code = getattr(strategy.function, "__code__", None)
    return code is not None and Path(code.co_filename).resolve() == path.resolve()
