"""Who did what, how long it took, what it cost, and when there will be enough."""

import streamlit as st

from labeler.access.access import is_lead
from labeler.i18n.messages import _
from pages.shared.session import require_project, require_user
from pages.team.figures import figures
from pages.team.outlook import HOURS, outlook
from pages.team.people import people
from pages.team.terms import terms

user = require_user()
project = require_project()
leads = is_lead(user, project.config)

st.title(_("Team"))
with st.container():  # always there, so that what is said does not put what is below elsewhere
    if said := st.session_state.pop("team-said", None):
        st.success(said)
found = figures(project)
if found is None:
    st.info(
        _(
            "Nobody has answered yet. As soon as somebody has, this page shows what each of them did, how long it took,"
            " and when there will be enough labels."
        ),
        icon=":material/group:",
    )
else:
    if leads:
        outlook(project, found)
        st.subheader(_("Who did what"))
    else:
        st.caption(_("You see your own row; those who lead this project see everybody's."))
    people(project, user, found)
    st.caption(" ".join([_("How hours are counted:"), _(HOURS, seconds=project.config.team.idle_seconds)]))
if leads:
    with st.expander(_("Rates, who leads, what is shown"), icon=":material/tune:"):
        terms(project, user)
