"""Erase a person's name from the project."""

import streamlit as st

from labeler.i18n.messages import _, n_
from labeler.models.erasure import erase_person
from labeler.projects.project import Project
from pages.shared.background import announce
from pages.shared.erasing import erase_button, what_remains
from pages.team.settings import NAME


def erase_somebody(project: Project) -> None:
    """The choice of a person, what would happen, and the button that does it."""
    with project.store() as store:
        names = [member.name for member in store.team.all()]
        name = st.selectbox(_("Person"), names, index=None, key="erase-who", placeholder=_("Choose somebody"))
        about = store.erasure.about(name) if name else None
    if not name or about is None:
        return
    notes = st.checkbox(_("Delete this person's notes, too"), key="erase-notes")
    st.markdown(
        _(
            "Everywhere in this project, in the audit log too, an invented name takes the place of this one. {answers}"
            " and {decisions} stay, so that labels, agreement and costs do not change.",
            answers=n_("{n:,} answer", "{n:,} answers", about.answers),
            decisions=n_("{n:,} decision", "{n:,} decisions", about.decisions),
        )
        + " "
        + what_remains()
    )
    confirm = (_("To confirm, type the name"), name)
    if erased := erase_button(project, _("Erase the name"), confirm, lambda: erase_person(project, name, notes)):
        announce(NAME, _("The name is erased. In its place stands {name}.", name=erased.name))
        st.rerun()
