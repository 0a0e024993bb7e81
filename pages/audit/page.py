"""The Audit page: who did what, when and from where; the check that nobody changed the log; the log as a file."""

import streamlit as st

from labeler.access.accounts import accounts
from labeler.access.home import home
from labeler.access.settings import access_mode
from labeler.i18n.messages import _
from labeler.projects import people
from pages.audit.log import check, listed
from pages.shared.access import is_allowed, require_project, require_right, require_user, visible_project

user = require_user()
st.title(_("Audit"))
of_home = access_mode() != "none" and is_allowed(None, "see_home_audit")
project = visible_project() if of_home else require_project()
if project is not None and not (of_home and not is_allowed(project, "see_audit")):
    require_right(project, "see_audit", _("Those who lead or audit this project see what was done in it."))

st.caption(
    _(
        "What was done, by whom, when and from where. Rows are added and never changed; each is chained to the"
        " one before, so that a change of the file is found."
    )
)
logs = ["project"] * (project is not None) + ["home"] * of_home
log = logs[0]
if len(logs) > 1:
    names = {"project": _("This project"), "home": _("Accounts of this labeler")}
    log = st.segmented_control(_("Log of"), logs, default="project", required=True, format_func=names.__getitem__)
if log == "project" and project is not None:
    with project.store() as store:
        check(store.audit, f"audit-{project.slug}")
        listed(store.audit, f"audit-{project.slug}")
else:
    check(accounts().audit, "audit-home")
    names_of_projects = {found.uid: found.config.name for found in people.readable(home())}
    listed(accounts().audit, "audit-home", names_of_projects)
