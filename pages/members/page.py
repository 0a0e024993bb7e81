"""The Members page: who may do what in the project, invitations, and for admins the accounts of the home."""

import streamlit as st

from labeler.access.settings import access_mode
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _
from pages.members.home import accounts_of_home
from pages.members.invitations import invite_to
from pages.members.roles import NAME, members_of
from pages.shared.access import is_allowed, require_project, require_right, require_user, visible_project
from pages.shared.background import announced

user = require_user()
st.title(_("Members"))
manages_accounts = is_allowed(None, "manage_accounts")
project = visible_project() if manages_accounts else require_project()
with st.container():  # always there, so that a message does not move what is below
    announced(NAME)
if project is None or not is_allowed(project, "manage_members"):
    require_right(None, "manage_accounts", _("The leads of this project give roles in it."))
else:
    st.subheader(escaped(project.config.name), anchor=False)
    members_of(project, user)
    if access_mode() == "local":
        st.subheader(_("Invite somebody"), anchor=False)
        invite_to(project)
if manages_accounts:
    st.subheader(_("Accounts of this labeler"), anchor=False)
    accounts_of_home()
