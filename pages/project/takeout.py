"""Take the labels out: a file of them, the best model's predictions for the rest, and the model itself."""

import tempfile
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, cast

import streamlit as st

from labeler.access.home import home
from labeler.access.serving import base_path
from labeler.access.tokens import issue_link
from labeler.access.users import User
from labeler.core.items import Counts
from labeler.core.jobs import Takeout, TakeoutJob, TakeoutRequest
from labeler.formats.base import FACTS, Fact, Name
from labeler.formats.base import Format as Tool
from labeler.formats.recognise import FORMATS, formats_for
from labeler.i18n.messages import _, mark, translate
from labeler.jobs.takeouts import model_file
from labeler.projects import predictions
from labeler.projects.export_columns import Format, Rows, columns_of
from labeler.projects.exporter import Export, export_labels
from labeler.projects.labeled_items import description
from labeler.projects.other_tools import export_for, file_name
from labeler.projects.project import Project, uid_in
from pages.shared.background import Watched, active, announced, step, watch
from pages.shared.tables import capital

IN_MEMORY = 50_000  # rows of a file that the app may hold until a browser has it
NAME = "takeout"  # of these jobs in the keys of widgets
ROWS: dict[Rows, str] = {
    "items": mark("One row an item: its label"),
    "answers": mark("One row an answer: who said what, and when"),
}
TABLES: dict[Format, str] = {
    "csv": mark("CSV"),
    "xlsx": mark("Excel"),
    "parquet": mark("Parquet"),
    "jsonl": mark("JSON Lines"),
}
KINDS = {
    "text": mark("text"),
    "label": mark("class"),
    "number": mark("number"),
    "whole": mark("whole number"),
    "yes/no": mark("yes or no"),
    "time": mark("time"),
}
SUBJECTS: dict[Takeout, str] = {"predictions": mark("Predictions"), "model": mark("The model")}


def take_out(project: Project, user: User, counts: Counts) -> None:
    """The choice of a file and its button, what the columns mean, and the model."""
    announced(NAME)
    with project.store() as store:
        jobs, latest = store.takeouts.all(), store.rounds.latest()
        kept = predictions.kept(project, store)
    left, right = st.columns(2)
    format_: Format | Name = right.radio(
        _("Format"),
        [*TABLES, *formats_for(description(project))],
        format_func=lambda name: _(TABLES[name]) if name in TABLES else FORMATS[name].title,
        horizontal=True,
    )
    is_tool = format_ not in TABLES
    rows: Rows = left.radio(_("Rows"), [*ROWS], format_func=lambda name: _(ROWS[name]), disabled=is_tool)
    if is_tool:
        _for_tool(project, user, FORMATS[cast("Name", format_)], counts)
    else:
        _table(
            project, user, counts, Export(rows, cast("Format", format_)), kept, jobs, latest.model if latest else None
        )
    if latest and latest.model:
        st.divider()
        _model(project, user, jobs)
    watch(Watched(NAME, lambda: _read(project), _progress, partial(_cancel, project), _title), jobs)
    _failure(jobs)


def _table(  # wide: what the page has read
    project: Project,
    user: User,
    counts: Counts,
    export: Export,
    kept: predictions.Predictions | None,
    jobs: list[TakeoutJob],
    model: str | None,
) -> None:
    """The button for a table, and what its columns mean."""
    if export.format == "xlsx":
        st.caption(_("Excel knows no time zones: times are in UTC, as the names of the columns say."))
    if export.format == "csv":
        st.caption(_("An apostrophe stands before text that a spreadsheet would take for a formula."))
    if export.rows == "items":
        export = replace(export, predictions=_predictions(project, user, kept, jobs, model))
    with project.store() as store:
        n = counts.pool + counts.holdout if export.rows == "items" else store.answers.at_most()
    _file(project, user, export, n)
    with st.popover(_("What each column means"), icon=":material/help:"):
        meanings = [
            {
                capital(_("column")): f"`{c.name}`",
                capital(_("holds")): _(KINDS[c.kind]),
                capital(_("meaning")): translate(c.meaning),
            }
            for c in columns_of(export.rows)
        ]
        st.table(meanings, hide_index=True)


def _file(project: Project, user: User, export: Export, n: int) -> None:
    """The button that takes a file of `n` rows at most out; a large one leaves as a stream and never lies in memory."""
    label, icon = _("Take the labels out"), ":material/download:"
    if n > IN_MEMORY:
        wanted = {"rows": export.rows, "format": export.format, "predictions": export.predictions is not None}
        st.link_button(label, _address(project, user, wanted), type="primary", icon=icon)
        return
    name = f"{project.slug}-{export.rows}-{date.today().isoformat()}.{export.format}"
    content = partial(_content, project, name, export)
    is_empty = export.rows == "items" and n == 0
    st.download_button(label, content, name, type="primary", icon=icon, disabled=is_empty, on_click="ignore")


def _address(project: Project, user: User, wanted: dict[str, Any]) -> str:
    """Where the server sends a file, see `labeler.api.downloads`."""
    uid = uid_in(home(), project)
    return f"{base_path()}/api/{uid}/labels/{issue_link(user, uid, wanted)}"


def _for_tool(project: Project, user: User, format_: Tool, counts: Counts) -> None:
    """The button for the files of another tool, and what these cannot hold; many items, and images, leave from the
    server's disk and never lie in memory.
    """
    never: set[Fact] = {"images" if project.config.modality == "text" else "texts"}  # nothing is lost of these
    if not project.config.several:
        never.add("several")
    missing = [translate(FACTS[fact]) for fact in FACTS if fact not in {*format_.keeps, *never}]
    if missing:
        st.caption(_("{title} does not hold: {facts}.", title=format_.title, facts=", ".join(missing)))
    label, icon = _("Take the labels out"), ":material/download:"
    name, n = file_name(project, format_), counts.pool + counts.holdout
    if n > IN_MEMORY or (n and project.config.modality == "image"):
        wanted = {"tool": format_.name, "suffix": Path(name).suffix}
        st.link_button(label, _address(project, user, wanted), type="primary", icon=icon)
        return
    content = partial(_content_for, project, name, format_.name)
    st.download_button(label, content, name, type="primary", icon=icon, disabled=n == 0, on_click="ignore")


def _content_for(project: Project, name: str, tool: Name) -> bytes:
    """The file, made when its button is clicked."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / name
        export_for(project, path, tool)
        return path.read_bytes()


def _content(project: Project, name: str, export: Export) -> bytes:
    """The file, made when its button is clicked."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / name
        export_labels(project, path, export)
        return path.read_bytes()


def _predictions(
    project: Project,
    user: User,
    kept: predictions.Predictions | None,
    jobs: list[TakeoutJob],
    model: str | None,
) -> predictions.Predictions | None:
    """The predictions that go into the file: those that were made before, if they are wanted."""
    if model is None:
        st.caption(_("There are no predictions yet: no round has trained a model."))
        return None
    wanted = st.checkbox(
        _("With the best model's predictions for items without a label"), kept is not None, disabled=kept is None
    )
    if kept is not None:
        st.caption(_("{n:,} predictions by {model}.", n=len(kept.items), model=Path(kept.model).stem))
    label = _("Predict again") if kept is not None else _("Predict the items without a label")
    if not _at_work(jobs, "predictions") and st.button(label, icon=":material/online_prediction:"):
        _request(project, user, "predictions")
    return kept if wanted else None


def _model(project: Project, user: User, jobs: list[TakeoutJob]) -> None:
    """The best model as a zip, once it is made ready."""
    st.markdown(_("**The model.** It works without the labeler; the README beside it has the lines that load it."))
    ready = next((job for job in jobs if job.request.what == "model" and job.state == "done"), None)
    file = model_file(project)
    with st.container(horizontal=True):
        if ready is not None and file.exists():
            st.download_button(
                _("Take the model out"),
                file.read_bytes,
                f"{project.slug}-model.zip",
                icon=":material/download:",
                on_click="ignore",
            )
        label = _("Make the model ready again") if ready is not None else _("Make the model ready")
        if not _at_work(jobs, "model") and st.button(label, icon=":material/deployed_code:"):
            _request(project, user, "model")


# ---------------------------------------------------------------- jobs


def _request(project: Project, user: User, what: Takeout) -> None:
    with project.store() as store:
        store.takeouts.request(TakeoutRequest(what), user.name)
    st.rerun()


def _at_work(jobs: list[TakeoutJob], what: Takeout) -> bool:
    return any(job.request.what == what for job in active(jobs))


def _read(project: Project) -> list[TakeoutJob]:
    with project.store() as store:
        return store.takeouts.all()


def _cancel(project: Project, job: TakeoutJob) -> str:
    with project.store() as store:
        store.takeouts.cancel(job.id)
    return _("It is cancelled.")


def _title(job: TakeoutJob) -> str:
    return _(SUBJECTS[job.request.what])


def _progress(job: TakeoutJob) -> str:
    if not job.total:
        return step(job)
    return _("{message}, {done:,} of {total:,}", message=step(job), done=job.done, total=job.total)


def _failure(jobs: list[TakeoutJob]) -> None:
    """Why the latest file could not be made."""
    if jobs and jobs[0].error:
        st.error(translate(jobs[0].error))
