"""Choices of a browser session: kept in its state, and in the address so that they survive a reload."""

import streamlit as st


def choose(name: str, value: str) -> None:
    """Remember a choice for this session, and in the address."""
    st.session_state[name] = value
    st.query_params[name] = value


def chosen(name: str, default: str) -> str:
    """The choice of this session, else that of the address, else the default."""
    return str(st.session_state.get(name) or st.query_params.get(name) or default)
