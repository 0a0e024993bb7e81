"""The Team page: who did what, how long it took, what it cost, and when there will be enough labels."""

import streamlit as st

from labeler.access.roles import may
from labeler.access.settings import access_mode
from labeler.i18n.messages import _
from pages.shared.access import is_allowed, name_is_known, require_project, require_right, require_user
from pages.shared.background import announced
from pages.shared.next_step import next_step
from pages.team.annotators import annotators
from pages.team.erasing import erase_somebody
from pages.team.figures import figures
from pages.team.outlook import HOURS, outlook
from pages.team.refused import refused_answers
from pages.team.settings import NAME, settings

user = require_user()
project = require_project()
require_right(project, "see_progress")
leads = may(user, project, "see_team")

st.title(_("Team"))
with st.container():  # always there, so that a message does not move what is below
    announced(NAME)
if leads:
    refused_answers(project, user)
work = figures(project)
if work is None:
    st.info(
        _(
            "Nobody has answered yet. As soon as somebody has, this page shows what each of them did, how long it took,"
            " and when there will be enough answers."
        ),
        icon=":material/group:",
    )
    next_step(project, is_allowed(project, "see_holdout"))
else:
    if leads:
        outlook(project, work)
        st.subheader(_("Who did what"))
    else:
        st.caption(_("You see your own row; those who lead this project see everybody's."))
    annotators(project, user, work)
    st.caption(" ".join([_("How hours are counted:"), _(HOURS, seconds=project.config.team.idle_seconds)]))
if may(user, project, "change_settings"):
    with st.expander(_("Rates, who leads, what is shown"), icon=":material/tune:"):
        if access_mode() == "none":
            st.caption(
                _(
                    "This labeler has no accounts: whoever can open it may do everything. `labeler users add HOME NAME"
                    " --admin` on the server makes the first account, and people log in from then on."
                )
            )
        if name_is_known(_("Go on"), "settings"):
            settings(project, user)
if is_allowed(project, "erase"):
    with st.expander(_("Erase a person"), icon=":material/person_remove:"):
        erase_somebody(project)
