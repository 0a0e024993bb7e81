"""The app: Streamlit's pages and the JSON API on one port. `streamlit run streamlit_app.py`."""

import streamlit as st

import labeler.api

app = st.App("pages/app.py", routes=labeler.api.routes)
