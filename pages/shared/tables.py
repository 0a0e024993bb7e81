"""Tables of figures, and the heads of all tables."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

COUNT = st.column_config.NumberColumn(format="localized")  # with marks between the thousands, as in sentences


def capital(head: str) -> str:
    """The head of a column as a table shows it: the first letter is a capital one."""
    return head[:1].upper() + head[1:]


def heads(names: Iterable[str], columns: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The configuration of the columns of these names: a head that has no label of its own begins with a capital.

    Args: columns: what else is configured, by the column's name.
    """
    given = columns or {}
    configured = {name: given.get(name) or {} for name in names}
    return {name: {**column, "label": column.get("label") or capital(name)} for name, column in configured.items()}


def show_table(
    table: pd.DataFrame | list[dict[str, Any]],
    columns: Mapping[str, Any] | None = None,
    key: str | None = None,
    **options: Any,
) -> None:
    """A table without its index; whole numbers are written as in sentences.

    Args: columns: the configuration of others. options: further arguments of `st.dataframe`.
    """
    frame = pd.DataFrame(table)
    counts: dict[str, Any] = dict.fromkeys(frame.select_dtypes("integer").columns, COUNT)
    st.dataframe(
        frame,
        hide_index=True,
        width="stretch",
        placeholder="–",
        key=key,
        column_config=heads(frame.columns, counts | dict(columns or {})),
        **options,
    )
