"""The form that imports items, and what an import brought."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import streamlit as st

from labeler.access.roles import may
from labeler.access.users import User
from labeler.core.errors import LabelerError
from labeler.core.foreign import AddedPredictions
from labeler.core.items import ImportReport, Progress
from labeler.cycle.encoder_choice import about_encoder
from labeler.files.sources import origin
from labeler.i18n.markdown import in_code, plain
from labeler.i18n.messages import Message, _, n_, translate
from labeler.jobs.imports import nothing_imported, start_undo
from labeler.projects.drafts import single_classes
from labeler.projects.foreign_columns import PredictionColumns
from labeler.projects.foreign_tables import import_predictions
from labeler.projects.importer import import_source
from labeler.projects.project import Project
from labeler.report.sentences.groups import of_import
from labeler.report.sentences.scans import of_scans
from labeler.report.sentences.tools import of_tool
from labeler.store.imports import Import
from pages.project.foreign import added_predictions, choose_predictions, is_complete
from pages.project.import_jobs import WAIT_SECONDS, begin, is_quick, outcome
from pages.project.source import Chosen, choose_columns, choose_source, known_classes, read_source, show_rows
from pages.shared.language import fragment
from pages.shared.next_step import IMPORTED
from pages.shared.tables import show_table


@dataclass(frozen=True)
class Imported:
    """What an import brought into a project. refused: why columns are not shown beside the item. predictions: of other
    models; only: whether it brought nothing else.
    """

    slug: str
    report: ImportReport
    refused: tuple[Message, ...] = ()
    predictions: Sequence[AddedPredictions] = ()

    @property
    def only(self) -> bool:
        return bool(self.predictions) and not (self.report.added or self.report.duplicates or self.report.not_imported)


def import_items(project: Project, user: User) -> None:
    """The form, which imports and shows what came of it, and the imports so far."""
    _form(project)
    with project.store() as store:
        imports = store.imports.all()
    if imports and may(user, project, "import_items"):
        _imports_so_far(project, imports, user)


def _imports_so_far(project: Project, imports: list[Import], user: User) -> None:
    """The imports, each with a button that undoes it, behind a sentence that says what will happen."""
    st.divider()
    st.markdown(_("**Imports so far**"))
    for record in imports:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(in_code(record.source), width="content")
            if record.undoing:
                fragment(_being_undone, run_every=1)(project, record.id)
                continue
            if record.undone_at:
                stayed = n_("{n:,} item stayed", "{n:,} items stayed", record.items) if record.items else ""
                st.caption(" · ".join(filter(None, [_("undone by {name}", name=record.undone_by), stayed])))
                continue
            items = n_("{n:,} item", "{n:,} items", record.items)
            st.caption(_("{items}, {answered:,} of them answered", items=items, answered=record.answered))
            with st.popover(_("Undo"), icon=":material/undo:"):
                _undo(project, record, user)


def _undo(project: Project, record: Import, user: User) -> None:
    st.markdown(
        n_(
            "{n:,} item that nobody has answered is taken out again, with the label that came with it. Importing the"
            " same file again brings all back.",
            "{n:,} items that nobody has answered are taken out again, with the labels that came with them. Importing"
            " the same file again brings all back.",
            record.items - record.answered,
        )
    )
    if record.answered:
        st.markdown(
            n_(
                "{n:,} item that people answered, flagged or decided stays.",
                "{n:,} items that people answered, flagged or decided stay.",
                record.answered,
            )
        )
    if not st.button(_("Take the items out"), key=f"undo-import-{record.id}", type="primary"):
        return
    try:
        thread = start_undo(project, record.id, user.name)
    except LabelerError as error:
        st.error(translate(error))
        return
    st.session_state.pop(IMPORTED, None)  # what it brought is not there any more
    thread.join(WAIT_SECONDS)
    with project.store() as store:
        taken, is_over = store.imports.taken_out(record.id), record.id not in store.imports.being_undone()
    if is_over:
        st.toast(n_("{n:,} item was taken out.", "{n:,} items were taken out.", taken))
    st.rerun()


def _being_undone(project: Project, number: int) -> None:
    """How many items of an import are still to be taken out; the whole page is drawn anew behind the last."""
    with project.store() as store:
        (record,) = [record for record in store.imports.all() if record.id == number]
    if not record.undoing:
        st.rerun()
    left = record.items - record.answered
    st.caption(_("is being undone by {name}: {n:,} items are still to be taken out", name=record.undone_by, n=left))


def _form(project: Project) -> None:
    """The choice of a source and its columns, and the button that imports."""
    path = choose_source(f"import-{project.slug}", ("files", "folder", "path"))
    chosen = read_source(path, project.config.modality) if path else None
    if chosen is not None:
        show_rows(chosen)
        group = project.config.evaluation.group_column
        if group and (group in chosen.preview.columns or not chosen.preview.is_table):
            chosen = replace(chosen, columns=replace(chosen.columns, group=group))
        dicom = project.config.dicom
        chosen = replace(chosen, deidentify=dicom.deidentify, dropped=dicom.drop_columns)
        chosen = choose_columns(chosen, project.config.modality)
        _unknown_classes(project, chosen)
    foreign = choose_predictions(chosen, project.config) if chosen is not None and not chosen.preview.title else None
    is_ready = chosen is not None and is_complete(foreign)
    if st.button(_("Import"), key="import", type="primary", disabled=not is_ready) and chosen is not None:
        _import(project, chosen, foreign)


def _unknown_classes(project: Project, chosen: Chosen) -> None:
    """The labels that are none of the classes, before their rows are refused."""
    label = chosen.columns.label
    if label is None and not chosen.preview.title:
        return
    try:
        names = known_classes(chosen)
    except LabelerError as error:
        st.error(translate(error))
        return
    unknown = [n for n in single_classes(names, project.config.answers) if n not in project.config.classes]
    if unknown:
        st.warning(
            _(
                "Rows with these labels cannot be imported, because the project has no such classes: {names}. Add"
                " them under “Change the classes”.",
                names=", ".join(unknown[:20]),
            )
        )


def _import(project: Project, chosen: Chosen, foreign: PredictionColumns | None) -> None:
    if foreign and not foreign.only:  # they are kept as predictions
        chosen = replace(chosen, dropped=tuple(dict.fromkeys((*chosen.dropped, *foreign.names))))
    dicom = replace(project.config.dicom, deidentify=chosen.deidentify, drop_columns=chosen.dropped)
    if dicom != project.config.dicom:
        project = project.save(replace(project.config, dicom=dicom))
    if not is_quick(chosen):
        begin(project, chosen, predictions=foreign)
        st.rerun()
    with progress_bar() as report:
        try:
            brought = _import_now(project, chosen, foreign, report)
        except LabelerError as error:
            st.error(translate(error))
            return
    st.session_state[IMPORTED] = brought
    st.rerun()  # the page draws anew, so that all of it knows the new items


def _import_now(project: Project, chosen: Chosen, foreign: PredictionColumns | None, report: Progress) -> Imported:
    """What the items of a small source and the predictions in it brought."""
    added: Sequence[AddedPredictions] = ()
    with project.store() as store:
        result = nothing_imported(store)
    if not foreign or not foreign.only:
        result = import_source(project, chosen.path, chosen.columns, keep_labels=chosen.keep_labels, on_progress=report)
    if foreign:
        added = import_predictions(project, chosen.path, foreign, report)
    return Imported(project.slug, result, (), added)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A function that moves a bar while an import runs; the bar goes when the block ends."""
    bar = st.progress(0.0, text=_("Reading …"))

    def report(done: int, total: int) -> None:
        words = n_("{n:,} row read", "{n:,} rows read", done)
        bar.progress(min(done / total, 1.0) if total else 0.0, text=words)

    try:
        yield report
    finally:
        bar.empty()


def latest_import(project: Project) -> None:
    """What this visit has imported: items and labels, rows that could not be read, columns that are not shown."""
    if (brought := outcome(project)) is not None:
        st.session_state[IMPORTED] = Imported(project.slug, *brought)
    latest: Imported | None = st.session_state.get(IMPORTED)
    if latest is None or latest.slug != project.slug:
        return
    report = latest.report
    added_predictions(latest.predictions)
    if latest.only:
        return
    show = st.success if report.added or report.labels_added else st.info
    show(_brought(report))
    with project.store() as store:
        encoder = [translate(sentence) for sentence in about_encoder(project, store)] if report.added else []
    for sentence in [*of_import(report), *of_tool(report), *encoder]:
        st.markdown(sentence)
    if report.dicom is not None:
        privacy = "  \n".join(of_scans(report.dicom))
        if report.dicom.deidentified and not report.dicom.undeclared:
            st.info(privacy, icon=":material/shield_person:")
        else:
            st.warning(privacy, icon=":material/shield_person:")
    if report.problems:
        st.warning(n_("{n:,} row could not be imported:", "{n:,} rows could not be imported:", report.not_imported))
        problems = [
            {_("where"): plain(translate(origin(p.source))), _("why"): plain(translate(p.reason))}
            for p in report.problems
        ]
        show_table(problems)
    for problem in latest.refused:
        st.warning(translate(problem), icon=":material/visibility_off:")


def _brought(report: ImportReport) -> str:
    """How many items and labels an import has brought, and how many there are now."""
    return _(
        "{added}, {duplicates:,} already there, {labels}. Now {pool:,} in the pool and {holdout:,} in the holdout.",
        added=n_("{n:,} item added", "{n:,} items added", report.added),
        duplicates=report.duplicates,
        labels=n_("{n:,} label", "{n:,} labels", report.labels_added),
        pool=report.pool,
        holdout=report.holdout,
    )
