"""Who works, and on which project: the checks that every page begins with."""

import streamlit as st

from labeler.access.home import home
from labeler.access.users import User, local_user
from labeler.core.class_changes import labels_outside
from labeler.core.errors import LabelerError
from labeler.cycle.class_changes import settled
from labeler.i18n.messages import _, translate
from labeler.projects import project as projects
from labeler.projects.project import Project
from pages.shared.choices import chosen


def require_user() -> User:
    """The user of this browser session. One person on this machine needs no password; accounts will be checked here."""
    return User(chosen("annotator", local_user().name))


def require_project() -> Project:
    """The project chosen in the sidebar; the page ends with a hint where there is none."""
    slug = chosen("project", "")
    folders = {folder.name: folder for folder in projects.in_home(home())}
    if slug not in folders:
        st.info(_("There is no project yet. Create one on the **Project** page."), icon=":material/info:")
        st.stop()
    try:
        project = projects.open_project(folders[slug])
        with project.store() as store:
            project = settled(project, store)
            outside = store.class_changes.outside()
    except LabelerError as error:
        st.error(translate(error))
        st.stop()
    if outside:
        st.error(translate(labels_outside(outside)), icon=":material/error:")
    return project
