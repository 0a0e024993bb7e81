"""Every visit begins here: who is there, which pages there are. `st.navigation` runs in every branch."""

from pathlib import Path

import streamlit as st

from labeler.i18n.messages import _
from pages.shared.language import use_language
from pages.shared.next_step import IMPORTED
from pages.shared.sidebar import sidebar

st.set_page_config(page_title="labeler", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
use_language()
page = st.navigation(
    [
        st.Page("label/page.py", title=_("Label"), icon=":material/keyboard:", default=True),
        st.Page("items/page.py", title=_("Items"), url_path="items", icon=":material/grid_view:"),
        st.Page("progress/page.py", title=_("Progress"), url_path="progress", icon=":material/show_chart:"),
        st.Page("review/page.py", title=_("Review"), url_path="review", icon=":material/rate_review:"),
        st.Page("team/page.py", title=_("Team"), url_path="team", icon=":material/group:"),
        # not in a folder strategies/: the pages' folder is on the path, where that would hide the package of this name
        st.Page("strategy/page.py", title=_("Strategies"), url_path="strategies", icon=":material/query_stats:"),
        st.Page("project/page.py", title=_("Project"), url_path="project", icon=":material/settings:"),
    ]
)
sidebar(page.url_path)
if page.url_path != "project":
    st.session_state.pop(IMPORTED, None)
page.run()
