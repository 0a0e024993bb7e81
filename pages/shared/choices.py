"""Choices of a browser session: kept in its state, and in the address so that they survive a reload."""

import streamlit as st

from labeler.i18n.markdown import use_markdown
from labeler.i18n.messages import LANGUAGES, preferred, use


def choose(name: str, value: str) -> None:
    """Remember a choice for this session, and in the address."""
    st.session_state[name] = value
    st.query_params[name] = value


def keep_address() -> None:
    """Remember what the address says before anything is drawn.

    Another page begins with an empty address, and people change the page while the first one is still being drawn.
    """
    for name in ("project", "annotator"):
        if name in st.query_params:
            st.session_state.setdefault(name, st.query_params[name])


def chosen(name: str, default: str) -> str:
    """The choice of this session, else that of the address, else the default."""
    return str(st.session_state.get(name) or st.query_params.get(name) or default)


def use_language() -> None:
    """Use the language that was chosen in this session or its address, else the one that the browser asks for."""
    choice = chosen("language", "")
    if choice in LANGUAGES:
        choose("language", choice)  # another page begins with an empty address
    use(choice if choice in LANGUAGES else preferred(st.context.locale))
    use_markdown(True)
