"""Rename, archive or delete a project, each with its effect said before it happens; bring one back."""

from pathlib import Path

import streamlit as st

from labeler.access.home import home
from labeler.access.users import User
from labeler.core.errors import LabelerError
from labeler.core.items import Counts
from labeler.i18n.markdown import escaped, in_code
from labeler.i18n.messages import _, mark, n_, translate
from labeler.projects import project as projects
from labeler.projects import shelf
from labeler.projects.project import Project
from labeler.projects.shelf import Shelf
from pages.shared.access import acting
from pages.shared.choices import choose

EFFECTS: dict[Shelf, str] = {
    "archive": mark(
        "The project leaves the list, and no round runs for it. Nothing in it changes. Desks that are open keep their"
        " unsent answers, and send them once it is brought back."
    ),
    "trash": mark(
        "The project leaves the list, and its folder goes to `.trash` in the home. It can be brought back until"
        " somebody empties that folder. Desks that are open cannot send any more."
    ),
}
BUTTONS: dict[Shelf, str] = {"archive": mark("Archive the project"), "trash": mark("Delete the project")}
DONE: dict[Shelf, str] = {
    "archive": mark("{name} is archived. It can be brought back at the bottom of this page."),
    "trash": mark("{name} is deleted. It can be brought back at the bottom of this page."),
}
ICONS: dict[Shelf, str] = {"archive": ":material/archive:", "trash": ":material/delete:"}


def rename_and_put_away(project: Project, user: User, counts: Counts) -> None:
    """The forms of a lead: another name, the archive, the trash."""
    _rename(project)
    for name in BUTTONS:
        st.divider()
        _put_away(project, name, counts)


def _rename(project: Project) -> None:
    with st.form("rename", border=False):
        name = st.text_input(
            _("Name that people see"), project.config.name, help=_("The folder and the address stay as they are.")
        )
        if not st.form_submit_button(_("Rename")):
            return
    try:
        shelf.rename(project, name)
    except LabelerError as error:
        st.error(translate(error))
    else:
        st.rerun()


def _put_away(project: Project, name: Shelf, counts: Counts) -> None:
    st.markdown(f"**{_(BUTTONS[name])}**")
    st.markdown(_(EFFECTS[name]))
    items = counts.pool + counts.holdout
    st.caption(
        n_("{n:,} item", "{n:,} items", items)
        + " · "
        + n_("{n:,} answer by people", "{n:,} answers by people", counts.answers_by_people)
    )
    confirmed = st.text_input(_("To confirm, type the project's name"), key=f"confirm-{name}-{project.slug}").strip()
    if not st.button(_(BUTTONS[name]), disabled=confirmed != project.config.name, icon=ICONS[name]):
        return
    try:
        shelf.put_away(project, home(), name)
    except LabelerError as error:
        st.error(translate(error))
    else:
        st.toast(_(DONE[name], name=project.config.name), icon=ICONS[name])
        st.rerun()


def any_put_away() -> bool:
    """Whether there are projects in the archive or the trash."""
    return bool(shelf.on_shelf(home(), "archive") or shelf.on_shelf(home(), "trash"))


def bring_back() -> None:
    """The projects in the archive and the trash, each with a button that brings it back."""
    titles: dict[Shelf, str] = {"archive": _("Archived"), "trash": _("Deleted")}
    for name, title in titles.items():
        folders = shelf.on_shelf(home(), name)
        if folders:
            st.markdown(f"**{title}**")
        for folder in folders:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(_name_of(folder))
                if st.button(_("Bring back"), key=f"back-{name}-{folder.name}", icon=":material/unarchive:"):
                    _bring_back(folder)


def _name_of(folder: Path) -> str:
    try:
        return f"{escaped(projects.open_project(folder).config.name)} ({in_code(folder.name)})"
    except LabelerError:
        return in_code(folder.name)


def _bring_back(folder: Path) -> None:
    try:
        slug = shelf.bring_back(folder, home(), acting()).name
    except LabelerError as error:
        st.error(translate(error))
        return
    choose("project", slug)
    st.rerun()
