"""The app: Streamlit's pages and the JSON API on one port, behind the perimeter. `streamlit run streamlit_app.py`."""

import os

import streamlit as st
from altair.utils import schemapi
from starlette.middleware import Middleware

from labeler.access.home import home
from labeler.access.serving import base_path
from labeler.api import account, health
from labeler.api.gate import Gate, ProxyIdentity
from labeler.api.observed import Observed
from labeler.api.perimeter import Perimeter, below
from labeler.api.routes import routes
from labeler.core.logs import take_over_logs
from labeler.projects.private_files import UMASK
from pages.shared.scripts import scripts

take_over_logs("app", home())
os.umask(UMASK)  # what the app writes, no other user of the machine reads
schemapi.disable_debug_mode()  # the tests hold charts to Vega-Lite's schema; who looks at one need not wait for that
app = st.App(
    "pages/app.py",
    routes=below(base_path(), [*account.routes, *health.routes, *routes]),
    middleware=[
        Middleware(Observed),
        Middleware(ProxyIdentity),
        Middleware(Perimeter, scripts=scripts()),
        Middleware(Gate, base_path=base_path()),
    ],
)
