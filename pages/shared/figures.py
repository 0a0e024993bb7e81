"""Figures beside each other, on a phone as well."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

WIDTH = 160  # pixels of one figure


def figures_in_a_row(n: int) -> list[DeltaGenerator]:
    """Places for `n` figures in a row, which wraps where there is no room; columns would stand one below the other."""
    with st.container(horizontal=True):
        return [st.container(width=WIDTH, gap=None) for _place in range(n)]
