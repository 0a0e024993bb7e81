"""Tables of figures."""

from typing import Any

import pandas as pd
import streamlit as st

COUNT = st.column_config.NumberColumn(format="localized")  # with marks between the thousands, as in sentences


def show_table(table: pd.DataFrame, columns: dict[str, Any] | None = None, key: str | None = None) -> None:
    """A table without its index; whole numbers are written as in sentences.

    Args: columns: the configuration of others.
    """
    counts: dict[str, Any] = dict.fromkeys(table.select_dtypes("integer").columns, COUNT)
    st.dataframe(
        table, hide_index=True, width="stretch", placeholder="–", key=key, column_config=counts | (columns or {})
    )
