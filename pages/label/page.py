"""The labeling desk."""

import streamlit as st

from labeler.i18n.messages import _
from pages.desk import desk
from pages.shared.access import require_name, require_project, require_user

user = require_user()
project = require_project()
with project.store() as store:
    counts = store.items.counts(user.name)
if counts.pool + counts.holdout == 0:
    st.info(_("There is nothing to label yet. Import images or texts on the **Project** page."), icon=":material/info:")
    st.page_link("project/page.py", label=_("Import"), icon=":material/upload:")
    st.stop()
user = require_name()
with project.store() as store:
    annotator = store.team.join(user.name)
# The desk is the whole page: no room is given away above it.
st.html(
    "<style>.stMainBlockContainer { padding-top: 2.5rem; padding-bottom: 1rem }"
    " @media (max-width: 768px) { .stMainBlockContainer { padding-top: 4.25rem } }</style>"  # below the app's own bar
)
desk(project, user, annotator)
