"""Erase somebody or something: its effect is said first, and confirmed by typing."""

from collections.abc import Callable

import streamlit as st

from labeler.core.errors import LabelerError
from labeler.i18n.messages import _, translate
from labeler.models.erasure import Erased
from labeler.projects.project import Project
from pages.shared.access import is_allowed


def what_remains() -> str:
    """What an erasure does not reach."""
    return _(
        "Nothing brings it back. Backups, files that were taken out and published models are not changed; models that"
        " are kept still have what they learned, until rounds have replaced them."
    )


def erase_button(project: Project, label: str, confirm: tuple[str, str], erase: Callable[[], Erased]) -> Erased | None:
    """What was erased, once the button was clicked.

    Args: confirm: what asks for the confirmation, and what has to be typed.
    """
    question, text = confirm
    typed = st.text_input(question, placeholder=text, key=f"confirm-erasing-{text}").strip()
    if not st.button(label, disabled=typed != text, icon=":material/delete_forever:", key=f"erase-{text}"):
        return None
    if not is_allowed(project, "erase"):
        return None
    try:
        return erase()
    except LabelerError as error:
        st.error(translate(error))
        return None
