"""What keeps the worker or the explainer from a project, on that project's pages."""

from pathlib import Path

import streamlit as st

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.i18n.messages import _, mark, translate
from labeler.jobs.attendance import Name, troubles_of, try_again
from pages.shared.times import local_time

SENTENCES: dict[Name, str] = {
    "worker": mark(
        "No round and no other job runs in this project since {since}. The worker tries again by itself at least once a"
        " minute; other projects go on."
    ),
    "explainer": mark(
        "No item of this project is explained since {since}. The explainer tries again by itself at least once a"
        " minute; other projects go on."
    ),
}


def left_out(folder: Path, shown: LabelerError | None = None) -> bool:
    """Say which processes leave the project out, why and since when, with a button to try again; whether any does.

    Args: shown: an error that the page shows already.
    """
    troubles = troubles_of(home(), folder)
    if not troubles:
        return False
    with st.container(border=True, key="left-out"):
        for name, trouble in troubles.items():
            reason = "" if str(trouble.message) == str(shown) else translate(trouble.message)
            st.warning(_(SENTENCES[name], since=local_time(trouble.since)), icon=":material/pause_circle:")
            if reason:
                st.markdown(reason)
        if st.button(_("Try again now"), key="try-again", icon=":material/refresh:"):
            try_again(home())
            st.toast(_("The processes try again now."), icon=":material/refresh:")
    return True
