"""A project whose `project.toml` cannot be read: what is wrong, where, and the last good settings with one click."""

from pathlib import Path

import streamlit as st

from labeler.access.roles import may
from labeler.access.users import User
from labeler.core.actor import Actor
from labeler.core.errors import ConfigError, LabelerError
from labeler.i18n.messages import _, translate
from labeler.projects import settings_history
from pages.shared.times import local_time

KEPT = "settings-kept"  # the name of the file that could not be read, until the page has said it


def broken_settings(folder: Path, error: ConfigError, user: User, actor: Actor) -> None:
    """What stands in place of a page of the project; who may change the settings can put the last good ones back."""
    st.title(_("The settings cannot be read"))
    st.error(translate(error), icon=":material/error:")
    good = settings_history.last_good(folder, actor)
    if good is None:
        st.markdown(_("Mend the file; the audit log has no earlier settings of this project. No answer is lost."))
        return
    if not may(user, good.project, "change_settings"):
        st.markdown(_("No answer is lost. Somebody who leads this project can put the last good settings back."))
        return
    st.markdown(
        _(
            "No answer is lost. Mend the file, or put the last good settings back ({when} · {who}). The file that"
            " cannot be read is kept beside it under another name; comments in it do not come back.",
            when=local_time(good.at),
            who=good.by or _("in the file"),
        )
    )
    if not st.button(_("Put the last good settings back"), type="primary", icon=":material/undo:"):
        return
    try:
        kept = settings_history.put_back(good)
    except LabelerError as problem:
        st.error(translate(problem))
        return
    st.session_state[KEPT] = kept
    st.rerun()


def settings_are_back() -> None:
    """Say once that the last good settings are back."""
    if kept := st.session_state.pop(KEPT, None):
        st.success(_("The last good settings are back. The file that could not be read is {kept}.", kept=kept))
