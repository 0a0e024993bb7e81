"""Comparisons of strategies as background jobs: pages ask for one, a process beside the worker's rounds runs it.

One that was cut off begins anew.
"""

import logging
import secrets
import shutil
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from labeler.core.errors import LabelerError, SourceError
from labeler.core.file_copies import link_or_copy
from labeler.core.items import Progress
from labeler.core.jobs import Comparison, ComparisonRequest
from labeler.core.processes import cores
from labeler.files.limits import check_password, is_encrypted
from labeler.files.sources import SourceColumns
from labeler.files.tables import read_table
from labeler.i18n.messages import mark
from labeler.jobs.runner import Tell, run_next
from labeler.projects.project import Project
from labeler.store import Store

# Imports of labeler.experiments are deferred: the app asks for comparisons, and does without torch.

log = logging.getLogger(__name__)

_MAX_UNPACKED = 4 << 30  # bytes that an uploaded zip may unpack to


# ---------------------------------------------------------------- asking


def ask(project: Project, request: ComparisonRequest, by: str, upload: Path | None = None) -> int:
    """Ask for a comparison; its id.

    Args:   upload: where the file `request.source` lies, if it was uploaded; kept below the project's folder until the
            comparison has ended.
    Raises: LabelerError, UnknownStrategy: it cannot be run; says why.
    """
    from labeler.experiments.dataset import check_own_labels
    from labeler.experiments.simulate import check_names

    if not request.strategies:
        raise LabelerError("No strategy is chosen: choose one or more to be compared with random.")
    check_names(request.strategies, project.strategies)
    source = request.source
    if source is None:
        with project.store() as store:
            check_own_labels(store.items.counts(), len(store.items.chosen_by_hand()))
    elif upload is not None:
        request = replace(request, source=_store_upload(project, source, upload), uploaded=True)
    elif not Path(source).expanduser().exists():
        raise SourceError("{source} does not exist on the server: check the path.", source=source)
    with project.store() as store:
        return store.comparisons.request(request, by)


def _store_upload(project: Project, name: str, upload: Path) -> str:
    """Where the uploaded file now lies, below the project's folder; a zip is unpacked."""
    folder = project.comparisons / secrets.token_hex(8)
    project.comparisons.mkdir(exist_ok=True)
    folder.mkdir()
    path = folder / Path(name).name
    link_or_copy(upload, path)
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
            check_password(path.name, any(map(is_encrypted, archive.infolist())))
            if sum(info.file_size for info in archive.infolist()) > _MAX_UNPACKED:
                raise SourceError(
                    "{name} would unpack to more than {max_unpacked} GiB: make it smaller.",
                    name=path.name,
                    max_unpacked=_MAX_UNPACKED >> 30,
                )
            archive.extractall(target)  # takes names that lead out of the zip as names within
    except (zipfile.BadZipFile, NotImplementedError):
        raise SourceError("{name} is not a zip file, or is cut off: make or fetch it again.", name=path.name) from None
    path.unlink()
    tables = [p for kind in ("csv", "tsv", "jsonl", "parquet", "xlsx") for p in target.rglob(f"*.{kind}")]
    return tables[0] if len(tables) == 1 else target


# ---------------------------------------------------------------- running


def compare_once(project: Project) -> bool:
    """Run the project's next comparison if one is asked for and no other process is at it; True if one ended."""
    ended = run_next(
        project,
        lambda store: store.comparisons,
        lambda _, store, job, tell: compare_now(project, store, job.request, tell),
    )
    with project.store() as store:
        _remove_uploads(project, store)
    return ended


def _compare(project: Project, store: Store, job: Comparison, tell: Tell) -> dict[str, Any]:
    return compare_now(project, store, job.request, tell)


def compare_now(project: Project, store: Store, request: ComparisonRequest, tell: Tell) -> dict[str, Any]:
    """The report of a comparison, run in this process and others that it starts.

    Raises: LabelerError, StrategyError: it cannot be run; says why.
    """
    from labeler.cycle import snapshot  # torch and its company load when there is work
    from labeler.experiments.dataset import check_own_labels, load_task, own_task, read_labeled
    from labeler.experiments.simulate import Design, compare

    def reporter(message: str) -> Progress:
        def report(done: int, total: int) -> None:
            counted = mark("{message}, {done:,} of {total:,}", message=message, done=done, total=total)
            tell(counted if total else message, 0, 0)

        return report

    query = replace(project.config.query, batch=request.batch, seed_size=request.seed_size)
    # dozens of rounds a strategy: with fine-tuning hours, so only where the settings ask for nothing else
    kind: Literal["frozen", "finetune"] = "finetune" if project.config.learner.kind == "finetune" else "frozen"
    learner = replace(project.config.learner, kind=kind)
    config = replace(project.config, query=query, learner=learner)
    if request.source is None:
        check_own_labels(store.items.counts(), len(store.items.chosen_by_hand()))
        task = own_task(snapshot.take(project, store, reporter), config, project.embeddings)
    else:
        source = project.folder / request.source if request.uploaded else Path(request.source).expanduser()
        table = source.is_file()
        columns = SourceColumns(
            text=request.content_column if table and config.modality == "text" else None,
            image=request.content_column if table and config.modality == "image" else None,
            label=request.label_column,
            split=request.split_column if table else None,
            group=request.group_column,
        )
        labeled = read_labeled(source, columns, config.modality, config.answers)
        cache = source.parent / "embeddings" if request.uploaded else None
        task = load_task(labeled, query, learner, cache, reporter(mark("embedding items")))
        task = replace(task, folder=project.folder)
        for problem in labeled.problems[:20]:
            log.warning("%s: %s", project.slug, problem)
    began = time.monotonic()
    processes = 1 if kind == "finetune" else max(1, cores() - 1)  # one core is left to the rounds
    return compare(
        task,
        Design(request.strategies, request.seeds, request.rounds),
        processes,
        lambda done, total: tell(_time_left(time.monotonic() - began, done, total), done, total),
        project.strategies,
    )


def _time_left(seconds: float, done: int, total: int) -> str:
    """In words, how long the rounds that are left take if they take as long as those that are done."""
    if done < max(3, total / 50):
        return mark("comparing")
    left = seconds / done * (total - done)
    if left < 60:
        return mark("less than a minute left")
    if left < 5400:
        return mark("about {n:.0f} min left", n=left / 60)
    return mark("about {n:.1f} h left", n=left / 3600)


def _remove_uploads(project: Project, store: Store) -> None:
    """Remove what was uploaded for comparisons that have ended."""
    for comparison in store.comparisons.all():
        if comparison.finished_at and comparison.request.uploaded and comparison.request.source:
            token = Path(comparison.request.source).parts[1]
            shutil.rmtree(project.comparisons / token, ignore_errors=True)


def cancel(project: Project, number: int) -> bool:
    """Cancel a comparison; False if it has ended already. What runs it stops within seconds."""
    with project.store() as store:
        cancelled = store.comparisons.cancel(number)
        _remove_uploads(project, store)
    return cancelled
