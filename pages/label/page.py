"""The labeling desk."""

import streamlit as st

from labeler.i18n.messages import _
from pages.desk import desk
from pages.shared.access import require_name, require_project, require_right, require_user
from pages.shared.next_step import link_to

user = require_user()
project = require_project()
require_right(project, "label")
with project.store() as store:
    counts = store.items.counts(user.name)
if counts.pool + counts.holdout == 0:
    st.info(_("There is nothing to label yet. Import images or texts on the **Project** page."), icon=":material/info:")
    link_to("import")
    st.stop()
user = require_name(_("Start labeling"))
with project.store() as store:
    annotator = store.team.join(user.name)
# The desk is the whole page: no room is given away above it.
st.html(
    "<style>.stMainBlockContainer { padding-bottom: 1rem }"
    " @media (min-width: 769px) { .stMainBlockContainer { padding-top: 2.5rem } }</style>"
)
desk(project, user, annotator)
