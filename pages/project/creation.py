"""A new project, step by step on one page: data, columns, classes, guidelines, and all of it at once."""

import shutil
from dataclasses import replace
from pathlib import PurePath
from typing import cast

import streamlit as st

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.core.items import ClassesAnItem, Modality
from labeler.files.sources import FOLDER_GROUPS
from labeler.i18n.messages import _, translate
from labeler.i18n.money import usual_currency
from labeler.projects.drafts import Draft, create, create_empty, single_classes
from labeler.report.sentences.settings import VALUES
from pages.project.import_jobs import begin, failure, is_quick
from pages.project.imports import Imported, progress_bar
from pages.project.source import KINDS, Chosen, choose_columns, choose_source, known_classes, read_source, show_rows
from pages.shared.access import acting, known_name, lead_what_is_new, name_field, name_is_taken_over
from pages.shared.choices import choose
from pages.shared.next_step import IMPORTED


def create_project() -> None:
    """The steps. The last one creates the project, imports its items, chooses it and reruns the page."""
    _step(1, _("Data"))
    path = choose_source("create", ("files", "folder", "path", "none"))
    chosen = read_source(path) if path else None
    if chosen is not None:
        show_rows(chosen)
    _step(2, _("What is labeled"))
    if chosen is not None:
        chosen = choose_columns(chosen)
        modality = chosen.modality
    else:
        modality = st.radio(_("Items"), [*KINDS], format_func=lambda kind: _(KINDS[kind]), horizontal=True)
    shown = _shown_columns(chosen) if chosen else ()
    _step(3, _("Name and classes"))
    draft = _names(chosen, modality)
    _step(4, _("Guidelines for annotators"))
    text = st.text_area(
        _("Guidelines (Markdown)"),
        key="create-guidelines",
        height=140,
        placeholder=_("What belongs to which class? What should annotators do in doubt?"),
        help=_("Optional, and can be changed at any time. Annotators see them before the first item."),
    )
    _step(5, _("Start"))
    if chosen is not None:
        draft = replace(draft, source=chosen.path, columns=chosen.columns, keep_labels=chosen.keep_labels, shown=shown)
        draft = replace(draft, deidentify=chosen.deidentify, dropped=chosen.dropped)
    name = known_name() or name_field("creation")
    label = _("Create project and import") if chosen else _("Create project")
    if st.button(label, type="primary", icon=":material/rocket_launch:") and name_is_taken_over(name):
        _create(replace(draft, guidelines=text, currency=usual_currency()), chosen)


def _step(number: int, title: str) -> None:
    st.subheader(f"{number} · {title}", anchor=False)


def _shown_columns(chosen: Chosen) -> tuple[str, ...]:
    if not chosen.others:
        return ()
    return tuple(
        st.multiselect(
            _("Columns that annotators see beside the item"),
            chosen.others,
            key=f"shown-{chosen.key}-{chosen.columns}",
            placeholder=_("No column is shown"),
            help=_("Such as the site or the age. A column that tells the label is never shown."),
        )
    )


def _names(chosen: Chosen | None, modality: Modality) -> Draft:
    """The draft with its name and classes, which the data propose."""
    _propose("create-name", _usual_name(chosen.preview.name) if chosen else "")
    name = st.text_input(_("Name"), key="create-name", placeholder=_("Brain MRI"))
    kinds = VALUES["answers"]
    chosen_kind = st.radio(_("Classes of an item"), [*kinds], format_func=lambda kind: _(kinds[kind]), horizontal=True)
    answers = cast("ClassesAnItem", chosen_kind)
    proposed = _proposed(chosen, answers) if chosen else ()
    if proposed:
        st.caption(
            _("Proposed from the known labels. Add those that are missing, and put them in the order of their keys.")
        )
    _propose("create-classes", "\n".join(proposed))
    typed = st.text_area(
        _("Classes, one a line"),
        key="create-classes",
        placeholder=_("glioma\nmeningioma\npituitary\nnone"),
        height=140,
    )
    classes = tuple(line.strip() for line in typed.splitlines() if line.strip())
    return Draft(name, modality, classes, answers)


def _propose(key: str, text: str) -> None:
    """Fill a field with what the data propose, unless a person has typed something else into it."""
    state = st.session_state
    before = state.get(f"{key}-proposed", "")
    # only what is new: a value that is set again would take the place of what is being typed
    if text != before and state.get(key, "") == before:
        state[key] = text
    state[f"{key}-proposed"] = text


def _usual_name(file: str) -> str:
    """A name that people can read, from the name of a file."""
    return PurePath(file).stem.replace("_", " ").replace("-", " ").strip()


def _proposed(chosen: Chosen, answers: ClassesAnItem) -> tuple[str, ...]:
    if chosen.columns.group == FOLDER_GROUPS:  # then folders are patients, not classes
        return ()
    try:
        names = known_classes(chosen)
    except LabelerError as error:
        st.error(translate(error))
        return ()
    return single_classes(names, answers)


def _create(draft: Draft, chosen: Chosen | None) -> None:
    if chosen is not None and not is_quick(chosen):
        _create_and_begin(draft, chosen)
        return
    with progress_bar() as report:
        try:
            creation = create(draft, home(), _("The form"), report, acting())
        except LabelerError as error:
            st.error(translate(error))
            return
    if creation.report is not None:
        st.session_state[IMPORTED] = Imported(creation.project.slug, creation.report, creation.refused)
    lead_what_is_new(creation.project)
    choose("project", creation.project.slug)
    st.rerun()


def _create_and_begin(draft: Draft, chosen: Chosen) -> None:
    """Create the project, and begin an import that may take a while; what is refused at once leaves no project."""
    try:
        project = create_empty(draft, home(), _("The form"), acting())
    except LabelerError as error:
        st.error(translate(error))
        return
    begin(project, chosen, draft.shown, first=True)
    if (reason := failure(project)) is not None:
        shutil.rmtree(project.folder)
        st.error(translate(reason))
        return
    lead_what_is_new(project)
    choose("project", project.slug)
    st.rerun()
