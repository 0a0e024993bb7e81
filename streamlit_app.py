"""The app: Streamlit's pages and the JSON API on one port. `streamlit run streamlit_app.py`."""

import streamlit as st
from altair.utils import schemapi

from labeler.api.routes import routes

schemapi.disable_debug_mode()  # the tests hold charts to Vega-Lite's schema; who looks at one need not wait for that
app = st.App("pages/app.py", routes=routes)
