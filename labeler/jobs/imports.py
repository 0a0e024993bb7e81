"""Imports that may take long or be hostile: read in a process of their own, with progress, until somebody cancels.

Whoever asks for one starts it at once in a thread, which keeps a batch of rows in memory; the process that reads has
the limits of the settings. What is cut off, such as by a restart of the app, the worker takes up.
"""

import shutil
import threading
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from labeler.core.actor import Actor
from labeler.core.file_copies import link_or_copy
from labeler.core.foreign import AddedPredictions
from labeler.core.groups import GroupCounts
from labeler.core.items import DicomReport, ImportReport, Problem
from labeler.core.jobs import ImportJob, ImportRequest
from labeler.files.addresses import Source, source_of
from labeler.files.sources import SourceColumns
from labeler.i18n.messages import Message, mark
from labeler.jobs.runner import Cancelled, Tell, run_next
from labeler.projects import project as projects
from labeler.projects.drafts import check_any, show_columns
from labeler.projects.foreign_columns import PredictionColumns
from labeler.projects.foreign_tables import import_predictions
from labeler.projects.importer import finish_left, import_source, is_left, undo_import
from labeler.projects.project import Project
from labeler.store import Store

IMPORTS = "imports.lock"
UPLOADS = "uploads"  # in the project's folder: copies of what was uploaded, until it is imported


def ask(
    project: Project,
    source: Source,
    columns: SourceColumns,
    *,
    keep_labels: Literal["all", "holdout"] = "all",
    shown: tuple[str, ...] = (),
    first: bool = False,
    predictions: PredictionColumns | None = None,
) -> int:
    """The id of a job that imports a source.

    Args: shown, first: see `ImportRequest`. predictions: the columns with a model's predictions.
    """
    # wide: each argument is a part of the request
    place = str(source.absolute() if isinstance(source, Path) else source)
    foreign = predictions.as_dict() if predictions else {}
    request = ImportRequest(place, source.name, columns.given(), keep_labels, shown, first, foreign)
    with project.store() as store:
        return store.import_jobs.request(request, project.actor.name)


def kept(project: Project, source: Path, top: Path) -> Path:
    """The path of a source in the project, where the files of the uploaded folder `top` stay until the import ends."""
    folder = upload_folder(project)
    shutil.copytree(top, folder, copy_function=link_or_copy, dirs_exist_ok=True)
    return folder / source.relative_to(top)


def upload_folder(project: Project) -> Path:
    """A new folder for what was uploaded, which goes when the import of what lies in it ends."""
    folder = project.folder / UPLOADS / uuid.uuid4().hex
    folder.mkdir(parents=True)
    return folder


def start(project: Project) -> threading.Thread:
    """The thread that runs the imports that are asked for."""
    # each thread has a connection of its own, so the project of a request is opened anew
    thread = threading.Thread(target=_run_all, args=(project.folder,), daemon=True, name=f"import-{project.slug}")
    thread.start()
    return thread


def start_undo(project: Project, number: int, by: str) -> threading.Thread:
    """The thread that takes out the items of an import, which is undone from now on. If it is cut off, the worker goes
    on.

    Raises: LabelerError: the import was undone before.
    """
    with project.store() as store:
        store.imports.begin_undo(number, by)
    opened = projects.open_project(project.folder, project.actor)
    thread = threading.Thread(target=undo_import, args=(opened, number, by), daemon=True, name=f"undo-{project.slug}")
    thread.start()
    return thread


def _run_all(folder: Path) -> None:
    while import_once(projects.open_project(folder)):
        pass


def is_import_waiting(store: Store) -> bool:
    """Whether an import is queued, or one or its undoing was cut off."""
    return store.import_jobs.waiting() or is_left(store)


def import_once(project: Project) -> bool:
    """Run the project's next import if one is asked for and no other process is at it; True if one ended. What a crash
    has left of an import, or of its undoing, is completed or removed.
    """
    with project.store() as store:
        is_something_left = is_left(store)
    if is_something_left:
        finish_left(project)
    is_ended = run_next(project, lambda store: store.import_jobs, _import, lock=IMPORTS)
    if is_ended:
        _remove_uploads(project)
    return is_ended


def _import(project: Project, store: Store, job: ImportJob, tell: Tell) -> dict[str, Any]:
    """The report of a job, see `report_of`."""
    request = job.request
    project = projects.open_project(project.folder, Actor(job.requested_by, "job"))
    foreign = PredictionColumns(**request.predictions) if request.predictions else None
    report, refused, added = nothing_imported(store), tuple[Message, ...](), list[AddedPredictions]()
    tell(mark("reading"), 0, 0)
    if foreign is None or not foreign.only:
        report, refused = _items(project, store, job, tell)
    if foreign is not None:
        added = import_predictions(
            projects.open_project(project.folder, project.actor),
            source_of(request.source),
            foreign,
            lambda done, total: tell(mark("reading predictions"), done, total),
            apart=True,
        )
    return asdict(report) | {"refused": list(refused), "predictions": [asdict(model) for model in added]}


def _items(project: Project, store: Store, job: ImportJob, tell: Tell) -> tuple[ImportReport, tuple[Message, ...]]:
    """What the items of a source brought, and why columns are not shown beside them."""
    request = job.request
    report = import_source(
        project,
        source_of(request.source),
        SourceColumns(**request.columns),
        keep_labels=request.keep_labels,
        on_progress=lambda done, total: tell(mark("reading"), done, total),
        apart=True,
    )
    if store.import_jobs.get(job.id).state == "cancelled":  # while the rows were stored
        _take_back(project, store, report)
        raise Cancelled
    if request.first:
        check_any(report, request.name)
    _, refused = show_columns(projects.open_project(project.folder, project.actor), request.shown)
    return report, refused


def nothing_imported(store: Store) -> ImportReport:
    """The report on an import of no items, such as of predictions for those that are there."""
    counts = store.items.counts()
    return ImportReport(0, 0, 0, counts.pool, counts.holdout, ())


def _take_back(project: Project, store: Store, report: ImportReport) -> None:
    if report.added:
        undo_import(project, store.imports.all()[0].id, project.actor.name)


def _remove_uploads(project: Project) -> None:
    """Remove what was uploaded for jobs that have ended; one that is tried again, as for want of memory, needs it."""
    with project.store() as store:
        ended = [job.request.source for job in store.import_jobs.all() if job.state not in ("queued", "running")]
    for source in ended:
        _remove_upload(project, Path(source))


def _remove_upload(project: Project, source: Path) -> None:
    uploads = project.folder.absolute() / UPLOADS
    if source.is_relative_to(uploads):
        shutil.rmtree(uploads / source.relative_to(uploads).parts[0], ignore_errors=True)


def report_of(stored: Mapping[str, Any]) -> ImportReport:
    """The report on an import, from that of its job."""
    values = {name: value for name, value in stored.items() if name not in ("refused", "predictions")}
    values["problems"] = tuple(Problem(**problem) for problem in values["problems"])
    values["groups"] = values["groups"] and GroupCounts(**values["groups"])
    if dicom := values["dicom"]:
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in dicom.items()}
        values["dicom"] = DicomReport(**fields)
    for pairs in ("left_out", "predictions"):
        values[pairs] = tuple(tuple(pair) for pair in values.get(pairs, ()))
    return ImportReport(**values | {"columns": tuple(values["columns"])})


def predictions_of(stored: Mapping[str, Any]) -> list[AddedPredictions]:
    """What came of the predictions of an import, from the report of its job."""
    return [AddedPredictions.from_dict(model) for model in stored.get("predictions", ())]
