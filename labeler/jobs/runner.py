"""What runs beside the rounds: comparisons and searches, one at a time, in a process of its own.

It has a lower priority, so that no round waits for it. Whatever ends that process, the operating system frees its
lock, and the next one takes up what was left: without end where something outside ended it, and three times where it
crashed by itself.
"""

import logging
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import Timeout

import strategies
from labeler.core.actor import SYSTEM, Actor, act_as
from labeler.core.errors import UNEXPECTED, DatabaseError, EngineError, LabelerError
from labeler.core.jobs import BackgroundJob, Ending, Request
from labeler.core.logs import logged_about, set_up
from labeler.core.memory import batches_halved, is_short
from labeler.core.processes import end_with_parent, yield_to_others
from labeler.engine.engines import engine_of, working_on
from labeler.i18n.messages import Message, mark
from labeler.jobs.endings import ending_of, memory_kills
from labeler.learner.own_heads import heads_limited, limits_of
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import Store
from labeler.store.background import Background

log = logging.getLogger(__name__)

# How the process ended that had this process's jobs before; a process is started for one job at a time.
_ended: ContextVar[Ending] = ContextVar("ended", default="outside")

LOCK = "background.lock"
NICENESS = 5  # below that of the rounds
EVERY = 0.5  # seconds between two reports of how far a job is
FOR_DISK = 5.0  # seconds before a process is started again that could not read or write its project
FOR_ENGINE = 30.0  # seconds before a job is tried again whose engine could not be reached

# Says how far a job is: (message, done, total). Raises `Cancelled` once somebody has cancelled it.
Tell = Callable[[str, int, int], None]
# Does a job and gives back its report.
Work = Callable[[Project, Store, BackgroundJob[Request], Tell], dict[str, Any]]
# Runs a project's next job of one kind, if there is one; True if one ended.
RunNext = Callable[[Project], bool]


class Cancelled(Exception):  # noqa: N818 (nothing is wrong)
    """Somebody cancelled the job."""


class PutBack(Exception):  # noqa: N818 (nothing is wrong)
    """Something else comes first; the job goes on later from what it has kept."""


def run_next(
    project: Project,
    jobs_of: Callable[[Store], Background[Request]],
    work: Work[Request],
    also_tell: Tell = lambda message, done, total: None,
    lock: str = LOCK,
) -> bool:
    """Run the project's next job of a kind if one is asked for and no other process is at one; True if one ended.

    Args: also_tell: told how far the job is as well, e.g. to show it on a terminal.
          lock: the name of the lock that keeps jobs of these kinds apart.
    """
    with project.store() as store:
        jobs = jobs_of(store)
        if not jobs.waiting():
            return False
        try:
            with project.lock(lock):
                job = jobs.claim(_ended.get())
                if job is not None:
                    with logged_about(project=project.slug, job=f"{jobs.noun} {job.id}"):
                        _run(project, store, jobs, job, work, also_tell)
                return job is not None
        except Timeout:
            return False


def _run(
    project: Project,
    store: Store,
    jobs: Background[Request],
    job: BackgroundJob[Request],
    work: Work[Request],
    also_tell: Tell,
) -> None:
    name = f"{project.slug}: {jobs.noun} {job.id}"
    last_report = 0.0

    def tell(message: str, done: int, total: int) -> None:
        nonlocal last_report
        if time.monotonic() - last_report >= EVERY:
            last_report = time.monotonic()
            also_tell(message, done, total)
            if not jobs.report(job.id, message, done, total):
                raise Cancelled

    log.info("%s begins", name)
    try:
        limits = limits_of(project.config.limits)
        with batches_halved(job.halvings), heads_limited(limits), working_on(engine_of(project.config.engine)):
            report = work(project, store, job, tell)
        jobs.finish(job.id, report)
    except EngineError as error:
        log.warning("%s waits: %s", name, error)
        message = Message.of(error)
        _wait(lambda: jobs.report(job.id, message))
        jobs.put_back(job.id)
    except Cancelled:
        log.info("%s is cancelled", name)
    except PutBack:
        log.info("%s waits", name)
        jobs.put_back(job.id)
    except (LabelerError, strategies.StrategyError) as error:
        log.error("%s failed: %s", name, error)
        jobs.fail(job.id, error)
    except Exception as error:
        if is_short(error):
            log.warning("%s: memory is short, it is tried again with smaller batches: %s", name, error)
            jobs.leave_for_memory(job)
            return
        log.exception("%s failed", name)
        jobs.fail(job.id, mark(UNEXPECTED, kind=type(error).__name__, error=error))
    else:
        log.info("%s is done", name)


def _wait(is_wanted: Callable[[], bool]) -> None:
    """Wait for a cluster to come back; no longer than the job is wanted."""
    until = time.monotonic() + FOR_ENGINE
    while is_wanted() and time.monotonic() < until:
        time.sleep(EVERY)


class JobProcess:
    """The process that runs such jobs, one at a time; it ends with the block, and with the process that holds it."""

    def __init__(self, kinds: Sequence[RunNext], asked: Callable[[Store], int], lock: str | None = LOCK) -> None:
        """
        Args: kinds: in the order in which they have their turn; functions of a module, since a process is spawned.
              asked: whether one of these is asked for, or how many are. lock: see `run_next`; None: they hold none in
              common.
        """
        self.kinds, self.asked, self.lock = tuple(kinds), asked, lock
        self._process: BaseProcess | None = None
        self._folder = Path()  # of the project that it runs a job of
        self._memory_kills = 0  # before it began
        self._endings: dict[Path, Ending] = {}  # of the last process of each project, as the next one is told

    @property
    def folder(self) -> Path | None:
        """Of the project that it runs a job of; None: it runs none."""
        return self._folder if self._process is not None and self._process.is_alive() else None

    def start_if_asked(self, project: Project, others: int = 0) -> None:
        """Start the project's next job, unless one is running or a round waits: rounds come first.

        Args: others: processes that are at jobs of these kinds already.
        """
        if self.folder is not None:
            return
        self._note_ending()
        with project.store() as store:
            if store.rounds.waiting() or self.asked(store) <= others:
                return
        if self.lock is not None:
            try:
                with project.lock(self.lock):
                    pass
            except Timeout:  # another worker is at it
                return
        context = multiprocessing.get_context("spawn")
        self._folder, self._memory_kills = project.folder, memory_kills()
        ended = self._endings.pop(project.folder, "outside")
        self._process = context.Process(target=_run_waiting_jobs, args=(project.folder, self.kinds, ended))
        self._process.start()

    def _note_ending(self) -> None:
        if self._process is not None and self._process.exitcode is not None:
            kills = memory_kills() - self._memory_kills
            self._endings[self._folder] = ending_of(self._process.exitcode, kills)
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self._process.terminate()
        self._process.join(5)
        if self._process.is_alive():  # deep in somebody else's code; its own children end with it
            self._process.kill()
            self._process.join()


class JobProcesses:
    """Several such processes for jobs of one kind, which hold no lock in common; they end with the block."""

    def __init__(self, run: RunNext, asked: Callable[[Store], int], most: int) -> None:
        """
        Args: run: a function of a module. asked: how many jobs of a project wait or run. most: processes at once.
        """
        self._processes = [JobProcess((run,), asked, lock=None) for _ in range(most)]

    def start_if_asked(self, project: Project) -> None:
        """Start one of the project's jobs if it has more of them than processes are at them."""
        others = sum(process.folder == project.folder for process in self._processes)
        for process in self._processes:
            if process.folder is None:
                process.start_if_asked(project, others)
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.__exit__(kind, error, trace)


def _run_waiting_jobs(folder: Path, kinds: Sequence[RunNext], ended: Ending) -> None:
    _ended.set(ended)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the worker, which then ends this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the simulating processes are ended in order
    end_with_parent()
    yield_to_others(NICENESS)
    set_up("jobs", folder.parent)
    act_as(Actor(SYSTEM, "job"))
    try:
        project = projects.open_project(folder)
        any(run(project) for run in kinds)
    except (DatabaseError, OSError) as error:  # a full disk, a damaged database: no fault of the job
        log.warning("%s: jobs wait: %s", folder.name, error)
        time.sleep(FOR_DISK)
