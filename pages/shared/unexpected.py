"""What a page shows where the program has a fault: a sentence, and the details for who runs the server."""

import logging
import traceback
from datetime import UTC, datetime

import streamlit as st

from labeler.i18n.messages import _
from pages.shared.access import is_allowed
from pages.shared.times import local_time

log = logging.getLogger("labeler.pages")


def unexpected(error: Exception) -> bool:
    """Say that the page has failed; True: nothing else is to be shown."""
    log.exception("A page has failed", exc_info=error)
    st.error(
        _(
            "This page has failed because of a fault in the program. What you saved is kept. Reload the page; if it"
            " fails again, tell those who run this server: its log says what happened at {at}.",
            at=local_time(datetime.now(UTC).isoformat()),
        ),
        icon=":material/report:",
    )
    if is_allowed(None, "see_server"):
        with st.expander(_("What happened")):
            st.code("".join(traceback.format_exception(error)), language=None, wrap_lines=True)
    return True
