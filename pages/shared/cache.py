"""Values that are computed once and shared by all sessions of the server."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

Value = TypeVar("Value")


def cached(name: str, key: Hashable, compute: Callable[[], Value]) -> Value:
    """The result of `compute`, computed once for each `name` and `key`; a key holds the project and `Store.version`."""
    return _cached(name, key, compute)


@st.cache_data(max_entries=500, show_spinner=False)
def _cached(name: str, key: Hashable, _compute: Callable[[], Any]) -> Any:
    return _compute()
