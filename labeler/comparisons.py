"""Comparisons of strategies as background jobs: pages ask for one, a process beside the worker's rounds runs it.

It is a process of its own, at a lower priority, so that no round waits for it. Whatever ends that process, the
operating system frees its lock, and the next one begins the comparison anew.
"""

import logging
import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import time
import zipfile
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

import strategies
from labeler import project as projects
from labeler.embed import cores
from labeler.errors import LabelerError, SourceError
from labeler.project import Project
from labeler.store import Store
from labeler.tables import read_table
from labeler.types import Comparison, ComparisonRequest, Progress

log = logging.getLogger(__name__)

NICENESS = 10
_MAX_UNPACKED = 4 << 30  # bytes that an uploaded zip may unpack to


class Cancelled(Exception):  # noqa: N818 (nothing is wrong)
    """Somebody cancelled the comparison."""


# ---------------------------------------------------------------- asking


def ask(project: Project, request: ComparisonRequest, by: str, upload: bytes | None = None) -> int:
    """Ask for a comparison; its id.

    Args:   upload: what is in the file `request.source`, if it was uploaded; kept below the project's folder until
            the comparison has ended.
    Raises: LabelerError, UnknownStrategy: it cannot be run; says why.
    """
    from labeler.simulate import check_names
    from labeler.task import check_own_labels

    if not request.strategies:
        raise LabelerError("No strategy is chosen: choose one or more to be compared with random.")
    check_names(request.strategies, project.strategies)
    source = request.source
    if source is None:
        with project.store() as store:
            check_own_labels(store.counts())
    elif upload is not None:
        request = replace(request, source=_keep(project, source, upload), uploaded=True)
    elif not Path(source).expanduser().exists():
        raise SourceError(f"{source} does not exist on the server: check the path.")
    with project.store() as store:
        return store.request_comparison(request, by)


def _keep(project: Project, name: str, content: bytes) -> str:
    """Where the uploaded file now lies, below the project's folder; a zip is unpacked."""
    folder = project.comparisons / secrets.token_hex(8)
    folder.mkdir(parents=True)
    path = folder / Path(name).name
    path.write_bytes(content)
    try:
        if path.suffix.lower() == ".zip":
            path = _unpack(path)
        else:
            read_table(path)  # a file of another kind is refused now, not by a job that fails later
    except BaseException:
        shutil.rmtree(folder)
        raise
    return str(path.relative_to(project.folder))


def _unpack(path: Path) -> Path:
    """The unpacked folder, or the table beside the images if there is just one."""
    target = path.with_suffix("")
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MAX_UNPACKED:
                raise SourceError(f"{path.name} would unpack to more than {_MAX_UNPACKED >> 30} GiB: make it smaller.")
            archive.extractall(target)  # takes names that lead out of the zip as names within
    except (zipfile.BadZipFile, NotImplementedError):
        raise SourceError(f"{path.name} is not a zip file, or is cut off: make or fetch it again.") from None
    path.unlink()
    tables = [p for kind in ("csv", "tsv", "jsonl", "parquet", "xlsx") for p in target.rglob(f"*.{kind}")]
    return tables[0] if len(tables) == 1 else target


# ---------------------------------------------------------------- running


def compare_once(project: Project) -> bool:
    """Run the project's next comparison if one is asked for and no other process is at it; True if one ended."""
    with project.store() as store:
        if not store.has_comparison():
            return False
        try:
            with _lock(project):
                job = store.claim_comparison()
                if job is not None:
                    _run(project, store, job)
                _tidy(project, store)
                return job is not None
        except Timeout:
            return False


def _lock(project: Project) -> FileLock:
    return FileLock(project.folder / "comparison.lock", timeout=0)


def _run(project: Project, store: Store, job: Comparison) -> None:
    log.info("%s: comparison %d begins", project.slug, job.id)
    try:
        store.finish_comparison(job.id, _compare(project, store, job))
    except Cancelled:
        log.info("%s: comparison %d is cancelled", project.slug, job.id)
    except (LabelerError, strategies.StrategyError) as error:
        log.error("%s: comparison %d failed: %s", project.slug, job.id, error)
        store.fail_comparison(job.id, str(error))
    except Exception as error:
        log.exception("%s: comparison %d failed", project.slug, job.id)
        message = f"Unexpected {type(error).__name__}: {error}. The worker's log has the details."
        store.fail_comparison(job.id, message)
    else:
        log.info("%s: comparison %d is done", project.slug, job.id)


def _compare(project: Project, store: Store, job: Comparison) -> dict[str, Any]:
    from labeler import snapshot  # torch and its company load when there is work
    from labeler.simulate import compare
    from labeler.task import check_own_labels, load_task, own_task

    request = job.request
    last_report = 0.0

    def tell(message: str, done: int = 0, total: int = 0) -> None:
        nonlocal last_report
        if time.monotonic() - last_report > 0.5:
            last_report = time.monotonic()
            if not store.report_comparison(job.id, message, done, total):
                raise Cancelled

    def reporter(message: str) -> Progress:
        return lambda done, total: tell(f"{message}, {done:,} of {total:,}" if total else message)

    query = replace(project.config.query, batch=request.batch, seed_size=request.seed_size)
    config = replace(project.config, query=query)
    if request.source is None:
        check_own_labels(store.counts())
        task = own_task(snapshot.take(project, store, reporter), config, project.embeddings)
    else:
        source = project.folder / request.source if request.uploaded else Path(request.source).expanduser()
        table = source.is_file()
        task, problems = load_task(
            source,
            modality=config.modality,
            text_column=request.content_column if table and config.modality == "text" else None,
            image_column=request.content_column if table and config.modality == "image" else None,
            label_column=request.label_column,
            split_column=request.split_column if table else None,
            query=query,
            learner=config.learner,
            cache=source.parent / "embeddings" if request.uploaded else None,
            on_progress=reporter("embedding items"),
        )
        for problem in problems[:20]:
            log.warning("%s: %s", project.slug, problem)
    began = time.monotonic()
    processes = 1 if config.learner.kind == "finetune" else max(1, cores() - 1)  # one core is left to the rounds
    return compare(
        task,
        request.strategies,
        request.seeds,
        request.rounds,
        processes,
        lambda done, total: tell(_time_left(time.monotonic() - began, done, total), done, total),
        project.strategies,
    )


def _time_left(seconds: float, done: int, total: int) -> str:
    """In words, how long the rounds that are left take if they take as long as those that are done."""
    if done < max(3, total / 50):
        return "comparing"
    left = seconds / done * (total - done)
    if left < 60:
        return "less than a minute left"
    return f"about {left / 60:.0f} min left" if left < 5400 else f"about {left / 3600:.1f} h left"


def _tidy(project: Project, store: Store) -> None:
    """Remove what was uploaded for comparisons that have ended."""
    for comparison in store.comparisons():
        if comparison.finished_at and comparison.request.uploaded and comparison.request.source:
            token = Path(comparison.request.source).parts[1]
            shutil.rmtree(project.comparisons / token, ignore_errors=True)


def cancel(project: Project, number: int) -> bool:
    """Cancel a comparison; False if it has ended already. What runs it stops within seconds."""
    with project.store() as store:
        cancelled = store.cancel_comparison(number)
        _tidy(project, store)
    return cancelled


# ---------------------------------------------------------------- beside the rounds


class Beside:
    """The process that runs comparisons, one at a time; it ends with the block, and with the process that holds it."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None

    def start_if_asked(self, project: Project) -> None:
        """Start the project's next comparison, unless one is running or a round waits: rounds come first."""
        if self._process is not None and self._process.is_alive():
            return
        with project.store() as store:
            if store.has_work() or not store.has_comparison():
                return
        try:
            with _lock(project):
                pass
        except Timeout:  # another worker is at it
            return
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_process_beside, args=(project.folder,))
        self._process.start()

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


def _process_beside(folder: Path) -> None:
    from labeler.simulate import end_with_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the worker, which then ends this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the simulating processes are ended in order
    end_with_parent()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    compare_once(projects.open_project(folder))
