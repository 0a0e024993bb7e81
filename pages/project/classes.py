"""The forms of the classes (key, colour, group, description, examples) and of the guidelines."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from labeler.core.errors import LabelerError
from labeler.core.setting_rules import LINEAR, RESERVED_KEYS
from labeler.core.settings_parser import parse
from labeler.i18n.messages import _, translate
from labeler.projects import guidelines
from labeler.projects.project import Project
from pages.shared import uploads
from pages.shared.opened_text import OpenedText, about_clash, opened_text, saves_text
from pages.shared.settings_form import Form, opened, save

FORM = Form("classes", ("classes", "class_details"))
PARTS = ("key", "colour", "group", "description")


def classes(project: Project) -> None:
    """The table of the classes and the text of the guidelines; below them, examples of the classes."""
    if _may_start(project):
        st.caption(
            _(
                "A sentence about every class, as its description or as an example, gives the model a start: it"
                " predicts before the first label. The labels decide how long the sentences count."
            )
        )
    elif project.config.learner.prior == "auto":
        if project.config.modality == "image":
            st.caption(
                _(
                    "With images, sentences about the classes give the model no start: that takes an encoder of images"
                    " and texts, which is not here. They stand in the guidelines."
                )
            )
        else:
            st.caption(
                _("Sentences about the classes give the model a start only with the linear head (`learner.head`).")
            )
    drawn = opened(project, FORM)
    text = opened_text(project.slug, guidelines.text_of(project))
    about_clash(text, f"guidelines-{project.slug}")
    if drawn is not None:
        _form(project, drawn, text)
    if project.config.modality == "text":
        _text_examples(project)
    else:
        _image_examples(project)


def _form(project: Project, drawn: Project, text: OpenedText) -> None:
    """The table and the text.

    Args: drawn: the project with the settings that the table shows.
    """
    with st.form("classes", border=False):
        edited = st.data_editor(
            _frame(drawn),
            hide_index=True,
            width="stretch",
            disabled=["name"],
            column_order=["name", "description", "key", "colour", "group"],
            column_config={
                "name": st.column_config.TextColumn(_("Class")),
                "key": st.column_config.TextColumn(
                    _("Key"), max_chars=1, help=_("Any but {keys}.", keys=" ".join(RESERVED_KEYS.upper()))
                ),
                "colour": st.column_config.TextColumn(_("Colour"), help="#1f77b4", validate="^(#[0-9a-fA-F]{6})?$"),
                "group": st.column_config.TextColumn(_("Group")),
                "description": st.column_config.TextColumn(_("Description"), width="medium"),
            },
        )
        written = st.text_area(
            _("Guidelines (Markdown)"),
            text.drawn,
            height=260,
            help=_("Annotators see them once when they come, again after each change, and whenever they press G."),
        )
        if not st.form_submit_button(_("Save")):
            return
    rows = edited.fillna("").to_dict("records")
    details = {row["name"]: {part: str(row[part]).strip() for part in PARTS} for row in rows}
    values = drawn.config.as_dict() | {"class_details": {n: d for n, d in details.items() if any(d.values())}}
    before = guidelines.sentences(project)
    try:
        changed = parse(values, _("The table"))
    except LabelerError as error:
        st.error(translate(error))
        return
    if saves_text(text, written, lambda now, opened: guidelines.write(project, now, opened)):
        save(drawn, replace(FORM, then=lambda saved: _start_anew(saved, before)), changed)


def _may_start(project: Project) -> bool:
    """Whether sentences about the classes can say something about the items."""
    learner = project.config.learner
    return project.config.modality == "text" and learner.head == LINEAR and learner.prior == "auto"


def _start_anew(project: Project, before: list[list[str]]) -> Sequence[str]:
    """Request a round if the sentences about the classes are others than before; there is nothing to warn of."""
    sentences = guidelines.sentences(project)
    if not _may_start(project) or not sentences or sentences == before:
        return ()
    with project.store() as store:
        counts = store.items.counts()
        if counts.pool + counts.holdout:
            store.rounds.request("class sentences")
    return ()


def _text_examples(project: Project) -> None:
    """The example texts of a class, which stand in the guidelines."""
    name = st.selectbox(_("Examples of the class"), project.config.classes)
    key = f"examples-{project.slug}-{name}"
    text = opened_text(key, "\n\n".join(guidelines.text_examples(project, name)))
    about_clash(text, key)
    with st.form("examples", border=False):
        written = st.text_area(
            _("Example texts, with an empty line between them"), text.drawn, height=180, key=f"examples-{name}"
        )
        if not st.form_submit_button(_("Save the examples")):
            return
    before = guidelines.sentences(project)
    if saves_text(
        text,
        written,
        lambda now, opened: guidelines.write_text_examples(project, name, _parts(now), _parts(opened)),
    ):
        _start_anew(project, before)
        st.success(_("Saved."))


def _parts(text: str) -> list[str]:
    """The example texts that are written into one field."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _image_examples(project: Project) -> None:
    """Example images of a class, which stand in the guidelines."""
    with st.form("examples", border=False, clear_on_submit=True):
        name = st.selectbox(_("Examples of the class"), project.config.classes)
        files = st.file_uploader(_("Images"), accept_multiple_files=True, type=["png", "jpg", "jpeg", "gif", "webp"])
        if st.form_submit_button(_("Add the examples")) and files:
            try:
                for file in files:
                    guidelines.add_example(project, name, file.name, uploads.path_of(file).read_bytes())
            except (LabelerError, OSError) as error:
                st.error(translate(error))
            else:
                st.success(_("Added: {names}.", names=", ".join(file.name for file in files)))


def _frame(project: Project) -> pd.DataFrame:
    details = project.config.class_details
    rows = []
    for name in project.config.classes:
        detail = details.get(name)
        rows.append({"name": name} | {part: getattr(detail, part, "") for part in PARTS})
    return pd.DataFrame(rows, dtype=str)
