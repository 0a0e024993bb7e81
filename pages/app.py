"""Every visit begins here: who is there, which pages there are. `st.navigation` runs in every branch."""

from pathlib import Path

import streamlit as st

from labeler.access.roles import Action
from labeler.core.errors import DatabaseError
from labeler.i18n.messages import _
from pages.shared.access import is_allowed, visible_project, visitor
from pages.shared.choices import keep_address, use_language
from pages.shared.next_step import IMPORTED, OFFERED
from pages.shared.settings_form import leave_forms
from pages.shared.sidebar import sidebar
from pages.shared.trouble import trouble

st.set_page_config(page_title="labeler", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
keep_address()
use_language()
user = visitor()
has_account = user is not None and user.account is not None
project = visible_project() if has_account else None


def is_offered(*actions: Action) -> bool:
    """Whether the menu has a page, by what it is for: each page asks again by itself what the visitor may do there."""
    return not has_account or (project is not None and any(is_allowed(project, action) for action in actions))


# In a folder strategy/, since the pages' folder is on the path, where strategies/ would hide the package of this name.
pages = [
    ("label", _("Label"), "label", ":material/keyboard:", is_offered("label")),
    ("items", _("Items"), "items", ":material/grid_view:", is_offered("see_items")),
    ("progress", _("Progress"), "progress", ":material/show_chart:", is_offered("see_progress")),
    ("review", _("Review"), "review", ":material/rate_review:", is_offered("review")),
    ("team", _("Team"), "team", ":material/group:", is_offered("see_progress")),
    ("strategy", _("Strategies"), "strategies", ":material/query_stats:", is_offered("see_strategies")),
    (
        "project",
        _("Project"),
        "project",
        ":material/settings:",
        is_offered("change_settings", "take_out") or is_allowed(None, "create_project"),
    ),
    (
        "audit",
        _("Audit"),
        "audit",
        ":material/policy:",
        is_offered("see_audit") or (has_account and is_allowed(None, "see_home_audit")),
    ),
    (
        "members",
        _("Members"),
        "members",
        ":material/badge:",
        has_account and (is_offered("manage_members") or is_allowed(None, "manage_accounts")),
    ),
    ("server", _("Server"), "server", ":material/dns:", is_allowed(None, "see_server")),
]
offered = [page for page in pages if page[-1]] or pages[:1]
st.session_state[OFFERED] = [f"{folder}/page.py" for folder, *_rest in offered]
# Whoever follows a link to a page that the menu lacks reads there that they may not use it.
page = st.navigation(
    [
        st.Page(
            f"{folder}/page.py",
            title=title,
            icon=icon,
            url_path=path,
            default=folder == offered[0][0],
            visibility="visible" if f"{folder}/page.py" in st.session_state[OFFERED] else "hidden",
        )
        for folder, title, path, icon, _offered in pages
        if has_account or folder != "members"
    ]
)
leave_forms(page.url_path)
sidebar(page.url_path)
if page.url_path != "project":
    st.session_state.pop(IMPORTED, None)
try:
    page.run()
except DatabaseError as error:
    trouble(error)
