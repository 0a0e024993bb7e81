"""Figures beside each other, on a phone as well."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

FIGURE = 160  # pixels of one figure's width


def beside(n: int) -> list[DeltaGenerator]:
    """Places for `n` figures in a row, which breaks where there is no room; columns would stand one below the other."""
    with st.container(horizontal=True):
        return [st.container(width=FIGURE) for _place in range(n)]
