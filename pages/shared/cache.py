"""Values that are computed once and shared by all sessions of the server."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

from labeler.projects.project import Project
from labeler.store import Store

Value = TypeVar("Value")


def cached(name: str, key: Hashable, compute: Callable[[], Value]) -> Value:
    """The result of `compute`, computed once for each `name` and `key`; a key holds all that the result depends on."""
    return _cached(name, key, compute)


def state_of(project: Project, store: Store, answers: bool = True) -> tuple[Hashable, ...]:
    """The key of what is computed from a project's settings and database as they are now.

    Args: answers: whether single answers count, too; without them the key changes with decisions, rounds and their
          measurements, items, audits and classes.
    """
    version = store.version()
    return str(project.folder), store.created_at(), repr(project.config), version if answers else version[1:]


@st.cache_data(max_entries=500, show_spinner=False)
def _cached(name: str, key: Hashable, _compute: Callable[[], Any]) -> Any:
    return _compute()
