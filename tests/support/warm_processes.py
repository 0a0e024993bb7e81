"""Processes that begin with torch and its company loaded: forked from a bare one, which has loaded them once.

What simulates can also do without a process of its own.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from threading import Event
from typing import Any
from unittest import mock

import psutil
import pytest

# What simulations, rounds and explanations load when there is work.
LOADED = [
    "labeler.experiments.simulate",
    "labeler.jobs.rounds",
    "labeler.jobs.explanations",
    "labeler.cycle.round",
    "labeler.explain.attribution",
    "sklearn.feature_extraction.text",
]


def warm() -> ForkServerContext:
    """The context of such processes. Nothing of this process is in them, so that they are like spawned ones."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    return context


def simulate_in_warm_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons of this process run in such processes."""
    context = warm()
    monkeypatch.setattr("labeler.engine.local.multiprocessing.get_context", lambda _: context)


def forked() -> list[psutil.Process]:
    """The living processes that were forked from the bare one."""
    family = psutil.Process().children(recursive=True)
    bare = {process.pid for process in family if "multiprocessing.forkserver" in " ".join(process.cmdline())}
    return [process for process in family if process.ppid() in bare and process.status() != psutil.STATUS_ZOMBIE]


def simulate_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons of this process simulate in it, one run after the other."""
    from labeler.experiments import simulate  # it loads torch

    def here(function: Any, chunks: Iterable[Any], report: Callable[[int], None], *_: object) -> list[Any]:
        with ExitStack() as plugins:
            monkeypatch.setattr(simulate, "_plugins", plugins)
            simulate._use_plugins.cache_clear()
            results = [function(chunk, report) for chunk in chunks]
        simulate._use_plugins.cache_clear()
        return results

    monkeypatch.setattr("labeler.engine.local.in_processes", here)


def _work_until(work: Callable[[Path], None], home: Path, step: str, here: Connection) -> None:
    def stuck(*_: object, **__: object) -> None:
        here.send("here")
        Event().wait()

    with mock.patch(step, stuck):
        work(home)


@contextmanager
def stuck_at(step: str, work: Callable[[Path], None], home: Path) -> Iterator[None]:
    """A process works in `home`, and waits where it calls the function `step`; at the end of the block SIGKILL ends it.

    Args: step: such as "labeler.cycle.round.fit". work: what runs in the process; a function of a module.
    """
    context = warm()
    messages, here = context.Pipe(duplex=False)
    process = context.Process(target=_work_until, args=(work, home, step, here))
    process.start()
    here.close()
    try:
        assert messages.recv() == "here"
        yield
    finally:
        process.kill()
        process.join()
        messages.close()
