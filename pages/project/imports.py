"""The form that imports items, and what an import brought."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from labeler.access.users import User, is_lead
from labeler.core.errors import LabelerError
from labeler.core.items import ImportReport
from labeler.files.sources import SourceColumns, origin
from labeler.i18n.messages import _, mark, n_, translate
from labeler.projects.importer import import_source, undo_import
from labeler.projects.project import Project
from labeler.store.imports import Import

IMPORTED = "imported"  # the key of the latest import's report in the session
SOURCES = {"upload": mark("Upload"), "path": mark("Path on the server")}


def import_items(project: Project, user: User) -> None:
    """The form, which imports and shows what came of it, and the imports so far."""
    _form(project)
    with project.store() as store:
        imports = store.imports.all()
    if imports and is_lead(user, project.config):
        _imports_so_far(project, imports, user)


def _imports_so_far(project: Project, imports: list[Import], user: User) -> None:
    """The imports, each with a button that undoes it, behind a sentence that says what will happen."""
    st.divider()
    st.markdown(_("**Imports so far**"))
    for record in imports:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"`{record.source}`", width="content")
            if record.undone_at:
                st.caption(_("undone by {name}; {n:,} items stayed", name=record.undone_by, n=record.items))
                continue
            st.caption(_("{n:,} items, {answered:,} of them answered", n=record.items, answered=record.answered))
            with st.popover(_("Undo"), icon=":material/undo:"):
                _undo(project, record, user)


def _undo(project: Project, record: Import, user: User) -> None:
    st.markdown(
        _(
            "{n:,} items that nobody has answered are taken out again, with the labels that came with them. The"
            " {answered:,} items that people answered, flagged or decided stay. Importing the same file again brings"
            " all back.",
            n=record.items - record.answered,
            answered=record.answered,
        )
    )
    if not st.button(_("Take the items out"), key=f"undo-import-{record.id}", type="primary"):
        return
    try:
        taken = undo_import(project, record.id, user.name)
    except LabelerError as error:
        st.error(translate(error))
        return
    st.toast(n_("{n:,} item was taken out.", "{n:,} items were taken out.", taken))
    st.rerun()


def _form(project: Project) -> None:
    """The form that imports."""
    slug, latest = st.session_state.pop(IMPORTED, ("", None))
    if latest is not None and slug == project.slug:
        show(latest)
    where = st.radio(_("From"), [*SOURCES], format_func=lambda source: _(SOURCES[source]), horizontal=True)
    with st.form("import", border=False):
        if where == "upload":
            files = st.file_uploader(_("Images, a zip, or a table"), accept_multiple_files=True)
        else:
            kinds = _("A folder of images, a zip of one, or a table (CSV, TSV, JSONL, Parquet, XLSX).")
            path = st.text_input(_("Path"), help=kinds)
        columns = st.columns(3)
        content = columns[0].text_input(
            _("Column of texts") if project.config.modality == "text" else _("Column of image paths"),
            help=_("If this is empty, an obvious column is used. Folders and zips need none."),
        )
        label = columns[1].text_input(
            _("Column of known labels"), help=_("If this is empty, no labels are read from a table.")
        )
        split = columns[2].text_input(
            _("Column that marks the holdout"), help=_("Rows with `test` or `holdout` go to the holdout.")
        )
        keep = st.checkbox(_("Keep only the holdout's known labels, and ask for the others"))
        if not st.form_submit_button(_("Import"), type="primary"):
            return
    named = SourceColumns(**{project.config.modality: content or None}, label=label or None, split=split or None)
    bar = st.progress(0.0, text=_("Reading …"))

    def report(done: int, total: int) -> None:
        bar.progress(min(done / total, 1.0) if total else 0.0, text=_("{n:,} rows read", n=done))

    def run(source: Path) -> ImportReport:
        return import_source(project, source, named, keep_labels="holdout" if keep else "all", on_progress=report)

    try:
        result = _import_uploads(files, run) if where == "upload" else run(Path(path).expanduser())
    except LabelerError as error:
        st.error(translate(error))
        return
    finally:
        bar.empty()
    st.session_state[IMPORTED] = project.slug, result  # the page draws anew, so that all of it knows the new items
    st.rerun()


def _import_uploads(files: list[Any], run: Callable[[Path], ImportReport]) -> ImportReport:
    """Uploaded files lie in memory: give them a folder, from which they are copied into the project."""
    if not files:
        raise LabelerError("No file is chosen: choose images, a zip, or a table.")
    with tempfile.TemporaryDirectory() as scratch:
        for file in files:
            (Path(scratch) / Path(file.name).name).write_bytes(file.getbuffer())
        single = len(files) == 1 and not files[0].type.startswith("image/")
        return run(Path(scratch) / Path(files[0].name).name if single else Path(scratch))


def show(report: ImportReport) -> None:
    """How many items and labels were imported, and the rows that could not be."""
    st.success(
        _(
            "{added:,} items added, {duplicates:,} already there, {labels:,} labels. The pool has {pool:,} items, the"
            " holdout {holdout:,}.",
            added=report.added,
            duplicates=report.duplicates,
            labels=report.labels_added,
            pool=report.pool,
            holdout=report.holdout,
        )
    )
    if report.problems:
        st.warning(_("{n:,} rows could not be imported:", n=len(report.problems)))
        problems = [{_("where"): translate(origin(p.source)), _("why"): translate(p.reason)} for p in report.problems]
        st.dataframe(problems, hide_index=True, width="stretch")
    if report.pool:
        st.page_link("label/page.py", label=_("Start labeling"), icon=":material/keyboard:")
