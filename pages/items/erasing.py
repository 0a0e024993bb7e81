"""Erase what an item holds."""

import streamlit as st

from labeler.i18n.messages import _
from labeler.models.erasure import erase_items
from labeler.projects.project import Project
from pages.items.asking import SAID
from pages.items.opened import close
from pages.shared.access import is_allowed
from pages.shared.erasing import erase_button, what_remains


def erase_this(project: Project, item_id: int) -> None:
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
        confirm = (_("To confirm, type the item's number"), str(item_id))
        if erase_button(project, _("Erase the item"), confirm, lambda: erase_items(project, [item_id])):
            st.session_state[SAID] = _("Item {id} is erased.", id=item_id)
            close()
            st.rerun()
