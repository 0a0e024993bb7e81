"""An import that takes a while, on the page: asked for, watched with a button that cancels it, and what came of it."""

import time
from pathlib import Path

import streamlit as st

from labeler.core.foreign import AddedPredictions
from labeler.core.items import ImportReport
from labeler.core.jobs import ImportJob
from labeler.files.limits import is_light
from labeler.files.pixels import are_light
from labeler.i18n.messages import Message, _, n_, translate
from labeler.jobs.imports import ask, kept, predictions_of, report_of, start
from labeler.projects.foreign_columns import PredictionColumns
from labeler.projects.project import Project
from pages.project.source import Chosen, uploaded_folder
from pages.shared.background import AnyJob, Watched, announced, watch
from pages.shared.next_step import IMPORTED

NAME = "import-jobs"
ASKED = "import-asked"  # the key of the import that this session has asked for: the project and the job
WAIT_SECONDS = 3.0  # that a page waits for an import, so that a short one seems immediate
Outcome = tuple[ImportReport, tuple[Message, ...], list[AddedPredictions]]


def is_quick(chosen: Chosen) -> bool:
    """Whether a source can be imported while the page is drawn."""
    return is_light(chosen.path) if chosen.modality == "text" else are_light(chosen.path)


def begin(
    project: Project,
    chosen: Chosen,
    shown: tuple[str, ...] = (),
    first: bool = False,
    predictions: PredictionColumns | None = None,
) -> None:
    """Ask for an import and start it; wait a little, since it may be a short one.

    Args: shown, first: see `ImportRequest`. predictions: the columns with a model's predictions.
    """
    st.session_state.pop(IMPORTED, None)  # what came of an earlier one
    top = uploaded_folder(chosen.path)
    source = kept(project, chosen.path, top) if top and isinstance(chosen.path, Path) else chosen.path
    kept_labels = chosen.keep_labels
    number = ask(
        project, source, chosen.columns, keep_labels=kept_labels, shown=shown, first=first, predictions=predictions
    )
    st.session_state[ASKED] = project.slug, number
    thread = start(project)
    bar, until = st.progress(0.0, text=_("Reading …")), time.monotonic() + WAIT_SECONDS
    while thread.is_alive() and time.monotonic() < until:
        thread.join(0.1)
        with project.store() as store:
            job = store.import_jobs.get(number)
        bar.progress(_share(job), text=f"{_progress(job)} …")
    bar.empty()


def outcome(project: Project) -> Outcome | None:
    """What the import that this session has asked for has brought, once; None while it is at work, or there is none."""
    slug, number = st.session_state.get(ASKED, (None, 0))
    if slug != project.slug:
        return None
    with project.store() as store:
        job = store.import_jobs.get(number)
        report = store.import_jobs.report_of(number)
    if job.finished_at is None:
        return None
    del st.session_state[ASKED]
    return None if report is None else (report_of(report), tuple(report["refused"]), predictions_of(report))


def failure(project: Project) -> str | None:
    """Why the last import failed; None: it did not, or another one has worked since."""
    with project.store() as store:
        jobs, imports = store.import_jobs.all(), store.imports.all()
    if not jobs or jobs[0].state != "failed" or (imports and imports[0].at > str(jobs[0].finished_at)):
        return None
    return jobs[0].error


def imports_at_work(project: Project) -> None:
    """The imports that wait or run, with their progress and a button that cancels each; and why the last one failed."""

    def read() -> list[AnyJob]:
        with project.store() as store:
            return list(store.import_jobs.all())

    def cancel(job: AnyJob) -> str:
        with project.store() as store:
            is_cancelled = store.import_jobs.cancel(job.id)
        return _("The import was cancelled: nothing of it is left.") if is_cancelled else _("The import was done.")

    announced(NAME)
    watch(Watched(NAME, read, _progress, cancel, lambda job: _("Import of {name}", name=job.request.name)), read())
    latest = st.session_state.get(IMPORTED)
    has_worked_since = latest is not None and latest.slug == project.slug
    if (error := failure(project)) and not has_worked_since:
        st.error(translate(error))


def _share(job: ImportJob) -> float:
    return min(job.done / job.total, 1.0) if job.total else 0.0


def _progress(job: AnyJob) -> str:
    return n_("{n:,} row read", "{n:,} rows read", job.done) if job.done else _("Reading")
