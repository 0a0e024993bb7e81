"""Processes that begin with torch and its company loaded: forked from a bare one, which has loaded them once."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from threading import Event
from unittest import mock

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
    monkeypatch.setattr("labeler.experiments.simulate.multiprocessing.get_context", lambda _: context)


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
