"""Every visit begins here: who is there, which pages there are. `st.navigation` runs in every branch."""

from pathlib import Path

import streamlit as st

from pages.session import sidebar

st.set_page_config(page_title="labeler", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
page = st.navigation(
    [
        st.Page("label.py", title="Label", icon=":material/keyboard:", default=True),
        st.Page("progress.py", title="Progress", icon=":material/show_chart:"),
        # not strategies.py: the pages' folder is on the path, where that would hide the package of this name
        st.Page("strategy.py", title="Strategies", url_path="strategies", icon=":material/query_stats:"),
        st.Page("project.py", title="Project", icon=":material/settings:"),
    ]
)
sidebar()
page.run()
