"""Erase what an item holds."""

import streamlit as st

from labeler.core.items import Item
from labeler.i18n.messages import _
from labeler.models.erasure import erase_items
from labeler.projects.project import Project
from pages.items.asking import SAID
from pages.items.opened import close
from pages.shared.access import is_allowed
from pages.shared.erasing import erase_button, what_remains


def erase_this(project: Project, item: Item) -> None:
    """For leads: what would happen, and the button that does it."""
    if not is_allowed(project, "erase"):
        return
    with st.popover(_("Erase"), icon=":material/delete_forever:", type="tertiary"):
        st.markdown(
            _(
                "The item loses its text or image, source, columns, notes, features and explanations. Its labels stay"
                " counted, so that past figures do not change; nobody is asked about it and no later round learns from"
                " it."
            )
            + " "
            + what_remains()
        )
        if item.object is not None:
            st.markdown(_("Its image stays in the object store: delete it there as well."))
        confirm = (_("To confirm, type the item's number"), str(item.id))
        if erase_button(project, _("Erase the item"), confirm, lambda: erase_items(project, [item.id])):
            st.session_state[SAID] = _("Item {id} is erased.", id=item.id)
            close()
            st.rerun()
