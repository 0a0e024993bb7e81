"""The app: Streamlit's pages and the JSON API on one port, behind the perimeter. `streamlit run streamlit_app.py`."""

import os

import streamlit as st
from altair.utils import schemapi
from starlette.middleware import Middleware

from labeler.access.home import home
from labeler.access.serving import base_path, behind_desk
from labeler.api import account, downloads, health
from labeler.api.label_studio import routes_for_label_studio
from labeler.api.perimeter import below
from labeler.api.relay import Relayed
from labeler.api.routes import routes
from labeler.api.v1.app import routes_of_v1
from labeler.api.walls import walls
from labeler.core.logs import take_over_logs
from labeler.projects.private_files import UMASK
from pages.shared.scripts import scripts
from pages.shared.unexpected import unexpected
from pages.shared.uploads import ToDisk

take_over_logs("app", home())
os.umask(UMASK)  # what the app writes, no other user of the machine reads
schemapi.disable_debug_mode()  # the tests hold charts to Vega-Lite's schema; who looks at one need not wait for that
behind = behind_desk()
app = st.App(
    "pages/app.py",
    routes=below(
        base_path(),
        [*account.routes, *health.routes, *routes_of_v1, *routes_for_label_studio, *downloads.routes, *routes],
    ),
    middleware=[
        *([Middleware(Relayed, behind=behind)] if behind else []),
        *walls(scripts()),
        Middleware(ToDisk, base_path=base_path()),
    ],
    on_script_error=unexpected,
)
