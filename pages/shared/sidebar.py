"""The sidebar: the project, the annotator and the language, with the means to change them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from labeler.access import accounts
from labeler.access.settings import access_mode
from labeler.access.users import User, is_reserved
from labeler.core.errors import LabelerError
from labeler.i18n import messages
from labeler.i18n.messages import _
from labeler.projects import project as projects
from pages.shared import language
from pages.shared.access import own_page, project_folders, remember_name, remembered_name, require_user
from pages.shared.choices import choose, chosen
from pages.shared.style import document

SWITCH = "switched-project"  # the key of the widget that switches the project


def sidebar(page: str) -> None:
    """Draw the sidebar, and remember what is chosen in it.

    Args: page: the open page's path in the address.
    """
    user = require_user()
    titles = _titles([*project_folders().values()])
    slugs = [*titles]
    slug = chosen("project", slugs[0] if slugs else "")
    if slug not in slugs and slugs:
        slug = slugs[0]
    with st.sidebar:
        if slugs:
            choose("project", slug)
            st.session_state[SWITCH] = slug  # with an index, the widget would be another one after each choice
            st.selectbox(_("Project"), slugs, format_func=titles.__getitem__, key=SWITCH, on_change=_switched)
        name = _typed_name() if user.account is None else ""
        if user.account is not None:
            _account(user)
        language.switch()
        document(f"{page} {slug}")
    name = name.strip()
    if name and not is_reserved(name):
        choose("annotator", name)
        with st.sidebar:
            remember_name(name)


def _switched() -> None:
    choose("project", st.session_state[SWITCH])


def _typed_name() -> str:
    """The field with the name that somebody without an account works under."""
    return st.text_input(
        _("Working as"),
        chosen("annotator", remembered_name()),
        max_chars=60,
        placeholder=_("Your name"),
        help=_("Stored with every answer."),
    )


def _account(user: User) -> None:
    """Who is logged in, and the way out."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(user.name, width="stretch")
        match access_mode():
            case "local":
                own_page(f"account/?language={messages.language()}", _("Account"))
            case "oidc":
                if st.button(_("Log out"), type="tertiary"):
                    accounts.log_out(user)
                    st.logout()
            case _:  # the proxy logs people out
                pass


def _titles(folders: Sequence[Path]) -> dict[str, str]:
    """The name of each project by its folder's name, which is added to names that repeat: both must tell them apart."""
    names = {}
    for folder in folders:
        try:
            names[folder.name] = projects.open_project(folder).config.name
        except LabelerError:
            names[folder.name] = folder.name
    counts = Counter(names.values())
    return {slug: name if counts[name] == 1 else f"{name} ({slug})" for slug, name in names.items()}
