"""Which item is open: kept in the address, so that it survives a reload and can be sent to somebody."""

import streamlit as st

from labeler.projects.project import Project

ITEM = "item"  # in the address: the project's folder and the item's number


def opened(project: Project) -> int | None:
    """The id of the item that is open in this project; None while the list is shown."""
    slug, _colon, number = str(st.query_params.get(ITEM, "")).rpartition(":")
    return int(number) if slug == project.slug and number.isdecimal() else None


def open_item(project: Project, item_id: int) -> None:
    st.query_params[ITEM] = f"{project.slug}:{item_id}"


def close() -> None:
    st.query_params.pop(ITEM, None)
