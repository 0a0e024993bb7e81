"""The form that creates a project."""

import streamlit as st

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.core.settings_parser import parse
from labeler.i18n.messages import _, mark, translate
from labeler.i18n.money import usual_currency
from labeler.projects import project as projects
from pages.shared.choices import choose

MODALITIES = {"image": mark("images"), "text": mark("texts")}
ANSWERS = {"one": mark("one class an item"), "several": mark("several classes an item, or none")}


def create() -> None:
    """The form. It creates the project, chooses it and reruns the page."""
    with st.form("create", border=False):
        name = st.text_input(_("Name"), placeholder=_("Brain MRI"))
        modality = st.radio(
            _("What is labeled"), [*MODALITIES], format_func=lambda kind: _(MODALITIES[kind]), horizontal=True
        )
        answers = st.radio(
            _("Classes of an item"), [*ANSWERS], format_func=lambda kind: _(ANSWERS[kind]), horizontal=True
        )
        classes = st.text_area(_("Classes, one a line"), placeholder=_("glioma\nmeningioma\npituitary\nnone"))
        if not st.form_submit_button(_("Create project"), type="primary"):
            return
    try:
        names = [c.strip() for c in classes.splitlines() if c.strip()]
        values = {
            "name": name.strip(),
            "classes": names,
            "modality": modality,
            "answers": answers,
            "team": {"currency": usual_currency()},
        }
        config = parse(values, _("The form"))
        project = projects.create(home() / projects.slug(name), config)
    except LabelerError as error:
        st.error(translate(error))
        return
    choose("project", project.slug)
    st.rerun()
