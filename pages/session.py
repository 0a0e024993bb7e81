"""Who is working and on which project: the checks that every page begins with."""

import streamlit as st

from labeler import project as projects
from labeler.access import User, home, local_user
from labeler.errors import LabelerError
from labeler.project import Project


def require_user() -> User:
    """Who uses this browser session. One person on this machine needs no password; accounts will be checked here."""
    return User(_chosen("annotator", local_user().name))


def require_project() -> Project:
    """The project chosen in the sidebar; the page ends with a hint where there is none."""
    slug = _chosen("project", "")
    folders = {folder.name: folder for folder in projects.in_home(home())}
    if slug not in folders:
        st.info("There is no project yet. Create one on the **Project** page.", icon=":material/info:")
        st.stop()
    try:
        return projects.open_project(folders[slug])
    except LabelerError as error:
        st.error(str(error))
        st.stop()


def choose(name: str, value: str) -> None:
    """Remember a choice for this session, and in the address so that it survives a reload."""
    st.session_state[name] = value
    st.query_params[name] = value


def _chosen(name: str, default: str) -> str:
    return str(st.session_state.get(name) or st.query_params.get(name) or default)


def sidebar() -> None:
    """The project and the annotator, with the means to change them."""
    require_user()
    names = [folder.name for folder in projects.in_home(home())]
    slug = _chosen("project", names[0] if names else "")
    if slug not in names and names:
        slug = names[0]
    with st.sidebar:
        if names:
            slug = st.selectbox("Project", names, names.index(slug), format_func=_title)
            choose("project", slug)
        name = st.text_input("Working as", require_user().name, max_chars=60, help="Stored with every answer.").strip()
    if name and name != "import":  # labels that came with an import are stored under that name
        choose("annotator", name)


def _title(slug: str) -> str:
    try:
        return next(projects.open_project(f).config.name for f in projects.in_home(home()) if f.name == slug)
    except LabelerError:
        return slug
