"""Who works, and on which project: the checks that every page begins with."""

from typing import Literal
from urllib.parse import quote, unquote

import streamlit as st

from labeler.access.home import home
from labeler.access.users import User, local_user
from labeler.core.actor import Actor
from labeler.core.class_changes import labels_outside
from labeler.core.errors import LabelerError
from labeler.cycle.class_changes import settled
from labeler.i18n.messages import _, translate
from labeler.projects import project as projects
from labeler.projects.project import Project
from labeler.store import IMPORT
from pages.shared.choices import choose, chosen
from pages.shared.next_step import link_to
from pages.shared.style import run_script

Width = Literal["content", "stretch"]
COOKIE = "labeler-name"
YEAR = 365 * 86_400  # seconds


def require_user() -> User:
    """The user of this browser session. One person on this machine needs no password; accounts will be checked here."""
    return User(chosen("annotator", remembered_name() or local_user().name))


def acting() -> Actor:
    """Who uses this page, and from where, for the audit log."""
    address = st.context.ip_address
    return Actor(require_user().name, "page", address if isinstance(address, str) else "")


def remembered_name() -> str:
    """The name that was given in this browser before; "" if there is none."""
    cookie = st.context.cookies.get(COOKIE, "")
    return unquote(cookie) if isinstance(cookie, str) else ""  # Streamlit's test runner has no cookies


def remember_name(name: str) -> None:
    """Keep the name for later visits of this browser, in which no address names anybody."""
    if name != remembered_name():
        cookie = f"{COOKIE}={quote(name)}; path=/; max-age={YEAR}; samesite=lax"
        run_script(cookie=cookie)


def require_name(button: str) -> User:
    """The user, who has said who they are; the page ends with the question where nobody has in this browser.

    Args: button: what stands on the button that answers it.
    """
    if not name_is_known(button, "page"):
        st.stop()
    return User(known_name())


def name_is_known(button: str, place: str) -> bool:
    """Whether it is known who works here; where it is not, the question stands in place of what only they may change.

    Pages that are only read ask nobody: they ask where something is changed.

    Args: button: what stands on the button that answers the question. place: tells questions on one page apart.
    """
    if known_name():
        return True
    with st.form(f"name-{place}", width=420):
        name = name_field(place)
        is_sent = st.form_submit_button(button, type="primary")
    if is_sent and name_is_taken_over(name):
        st.rerun()
    return False


def named_button(label: str, key: str, icon: str | None = None, width: Width = "content") -> bool:
    """Whether a button was clicked that only somebody with a name may click; it asks for the name while there is none.

    Args: key: tells questions and buttons on one page apart.
    """
    if known_name():
        return st.button(label, key=key, icon=icon, width=width)
    with st.popover(label, icon=icon, width=width):
        name_is_known(_("Go on"), key)
    return False


def known_name() -> str:
    """The name that was given in this session, its address or this browser; "" while there is none."""
    return chosen("annotator", remembered_name())


def name_field(place: str) -> str:
    """What is typed into the field that asks for the name."""
    return st.text_input(
        _("Your name"),
        max_chars=60,
        key=f"name-field-{place}",
        help=_("Stored with every answer and decision, so that the team knows whose it is."),
    ).strip()


def name_is_taken_over(name: str) -> bool:
    """Whether the session has this name from now on; the reason is shown where it cannot."""
    if not name:
        st.error(_("Type your name first."))
    elif name == IMPORT:
        st.error(_("Labels that came with the data are stored under this name: choose another."))
    else:
        choose("annotator", name)
        return True
    return False


def require_project() -> Project:
    """The project chosen in the sidebar; the page ends with a hint where there is none."""
    slug = chosen("project", "")
    folders = {folder.name: folder for folder in projects.in_home(home())}
    if slug not in folders:
        st.info(_("There is no project yet. Create one on the **Project** page."), icon=":material/info:")
        st.page_link("project/page.py", label=_("Create a project"), icon=":material/add:")
        st.stop()
    try:
        project = projects.open_project(folders[slug], acting())
        with project.store() as store:
            project = settled(project, store)
            outside = store.class_changes.outside()
    except LabelerError as error:
        st.error(translate(error))
        st.stop()
    if outside:
        st.error(translate(labels_outside(outside)), icon=":material/error:")
        link_to("classes")
    return project
