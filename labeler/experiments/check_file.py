"""Checks of a file of strategies or learners against a contract.

The file is foreign code that may never end. So it runs in a process of its own, which is killed when a check exceeds
its time limit; a new process goes on with the next check.
"""

import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from labeler.core.errors import LabelerError

LIMIT = 30.0  # seconds for a check
LOADING = 120.0  # seconds for a process to start and load the file


class CheckedFileError(LabelerError):
    """The file cannot be read or run, or has nothing to check."""


class Check(Protocol):
    """A promise in words. hint: worth saying, but no reason to refuse somebody's file."""

    @property
    def promise(self) -> str: ...

    @property
    def hint(self) -> bool: ...


# Sends over the connection the names of what the file has, or the error as a string; then, from the given number on,
# the result of each check of each of them: one sentence on how the promise is broken, or None. It runs in a process.
Work = Callable[[Path, int, Connection], None]


@dataclass(frozen=True)
class Verdict:
    """The result of one check of what has this name. broken: one sentence on how it breaks the promise, if it does."""

    name: str
    check: Check
    broken: str | None


def verdicts(path: Path, checks: Sequence[Check], work: Work, limit: float, kind: str) -> Iterator[Verdict]:
    """Yield a verdict for each promise of each strategy or learner that the file has.

    Args:   limit: seconds that a check may take. kind: of the file, in error messages.
    Raises: CheckedFileError: it cannot be read or run, or has nothing to check.
    """
    done = 0
    while True:
        with running(path, done, work) as (process, messages):
            try:
                loaded = next_message(process, messages, LOADING)
            except NoAnswerError as error:
                loaded = f"{kind} {path.name}: {error}"
            if isinstance(loaded, str):
                raise CheckedFileError("{reason}", reason=loaded)
            tasks = list(product(loaded, checks))
            for name, check in tasks[done:]:
                done += 1
                try:
                    yield Verdict(name, check, next_message(process, messages, limit))
                except NoAnswerError as error:
                    yield Verdict(name, check, str(error))
                    break
            if done == len(tasks):
                return


@contextmanager
def running(path: Path, start: int, work: Work) -> Iterator[tuple[Any, Connection]]:
    """A process that loads the file and runs its checks, beginning with `start`; it ends with the block."""
    # spawned, so that it imports as little as the worker's; a daemon ends with this process
    context = multiprocessing.get_context("spawn")
    messages, its_end = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(path, start, its_end), daemon=True)
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")  # a spawned process runs the file of this module: the app's script
    try:
        process.start()
    finally:
        sys.modules["__main__"] = main
    its_end.close()  # only the child's end stays open, so that reading fails when the child ends
    try:
        yield process, messages
    finally:
        process.kill()
        process.join()
        messages.close()


class NoAnswerError(LabelerError):
    """No message came in time, or the process has ended."""


def next_message(process: Any, messages: Connection, seconds: float) -> Any:
    """What the process sends next.

    Raises: NoAnswerError: no message came in time, or the process has ended.
    """
    try:
        if messages.poll(seconds):
            return messages.recv()
    except EOFError:
        process.join()
        raise NoAnswerError(
            "Its process ended (exit code {code}): does it call exit, or need more memory than there is?",
            code=process.exitcode,
        ) from None
    raise NoAnswerError("It did not end within {seconds:g} seconds, and was stopped.", seconds=seconds)
