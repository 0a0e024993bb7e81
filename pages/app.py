"""Every visit begins here: who is there, which pages there are. `st.navigation` runs in every branch."""

from pathlib import Path

import streamlit as st

from labeler.words import _
from pages.session import sidebar, speak

st.set_page_config(page_title="labeler", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
speak()
page = st.navigation(
    [
        st.Page("label.py", title=_("Label"), icon=":material/keyboard:", default=True),
        st.Page("progress.py", title=_("Progress"), icon=":material/show_chart:"),
        st.Page("review.py", title=_("Review"), icon=":material/rate_review:"),
        st.Page("team.py", title=_("Team"), icon=":material/group:"),
        # not strategies.py: the pages' folder is on the path, where that would hide the package of this name
        st.Page("strategy.py", title=_("Strategies"), url_path="strategies", icon=":material/query_stats:"),
        st.Page("project.py", title=_("Project"), icon=":material/settings:"),
    ]
)
sidebar()
page.run()
