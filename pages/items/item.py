"""An open item: in the viewer, with its label, what a model says, its history, and the means to label it."""

from pathlib import Path

import numpy as np
import streamlit as st

from labeler.access.users import User
from labeler.core.id_runs import IdRuns
from labeler.files.sources import origin
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _, mark, translate
from labeler.projects.project import Project
from labeler.store.catalogue import Listed
from pages.desk import viewer
from pages.items.asking import ask_next
from pages.items.erasing import erase_this
from pages.items.history import history
from pages.items.labeling import label_buttons, undo_button
from pages.items.lists import columns_of, percent, predictions_of, state
from pages.items.opened import close, open_item
from pages.items.pool import Opinions
from pages.items.search import key_of
from pages.shared.tables import capital

CLASSES = 5  # likeliest classes that are named


def item_view(project: Project, user: User, item_id: int, ids: IdRuns, opinions: Opinions | None) -> None:
    """The item, with the ways to its neighbours in the list.

    Args: ids: of the list that it was opened from.
    """
    with project.store() as store:
        listed, version = store.catalogue.page([item_id]), store.version()
        stored = store.items.get(item_id)
        columns = columns_of(project, store, listed[0]) if listed else {}
        events, held_by = store.catalogue.history(item_id), store.catalogue.held_by(item_id)
    _ways(project, item_id, ids)
    if not listed or stored is None:
        st.info(_("There is no such item in the list."), icon=":material/search_off:")
        return
    (row,) = listed
    left, right = st.columns([3, 2], gap="medium")
    with left:
        viewer(project, user, stored, key=f"viewer-{project.slug}")
        place = translate(origin(Path(stored.source).name if stored.media else stored.source))
        st.caption(_("Item {id} · {place}", id=item_id, place=place))
    with right:
        st.markdown(state(project, row, *predictions_of(np.array([item_id]), opinions).get(item_id, (None, 0.0))))
        _classes(row, opinions)
        label_buttons(project, user, row, version[0] + version[1])
        with st.container(horizontal=True, gap="small"):
            undo_button(project, user, row)
            st.button(
                _("Similar items"),
                icon=":material/join_inner:",
                type="tertiary",
                key="items-similar",
                disabled=opinions is None,
                on_click=_list_similar,
                args=(project, item_id),
                help=_("By the features of the latest model."),
            )
            erase_this(project, stored)
        if row.label is None and row.item.split == "pool":
            ask_next(project, user, IdRuns.of([item_id]), mark("item {id}", id=item_id))
        if columns:
            st.table(
                [
                    {capital(_("column")): escaped(name), capital(_("value")): escaped(value)}
                    for name, value in columns.items()
                ],
                hide_index=True,
            )
        st.subheader(_("History"))
        history(project, events, held_by)


def _ways(project: Project, item_id: int, ids: IdRuns) -> None:
    """Back to the list, and to the items before and after this one in it."""
    place = ids.place_of(item_id)
    at = -1 if place is None else place
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(_("Back to the list"), icon=":material/arrow_back:", on_click=close, key="items-back")
        for name, label, other, icon, key in (
            ("previous", _("Previous"), at - 1, ":material/chevron_left:", "Left"),
            ("next", _("Next"), at + 1, ":material/chevron_right:", "Right"),
        ):
            st.button(
                label,
                icon=icon,
                key=f"items-{name}",
                type="tertiary",
                shortcut=key,
                disabled=at < 0 or not 0 <= other < len(ids),
                on_click=open_item,
                args=(project, int(ids[other : other + 1][0]) if at >= 0 and 0 <= other < len(ids) else item_id),
            )
        if at >= 0:
            st.caption(_("{place:,} of {n:,}", place=at + 1, n=len(ids)))


def _classes(row: Listed, opinions: Opinions | None) -> None:
    """The likeliest classes of an item of the pool with their probabilities."""
    if opinions is None:
        return
    (at,) = opinions.rows(np.array([row.item.id])).tolist()
    if at < 0:
        return
    names, proba = opinions.config.classes, opinions.proba[at]
    best = np.argsort(-proba, kind="stable")[:CLASSES].tolist()
    st.caption(" · ".join(f"**{escaped(names[n])}** {percent(float(proba[n]))}" for n in best))


def _list_similar(project: Project, item_id: int) -> None:
    st.session_state[key_of(project, "like")] = item_id
    close()
