"""The switch of a browser session's language, and parts of a page that rerun by themselves in it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import streamlit as st

from labeler.core.errors import DatabaseError
from labeler.i18n.messages import LANGUAGES, _, language, translate
from pages.shared.access import require_user
from pages.shared.choices import choose, use_language

SWITCH = "switched"  # the key of the widget that switches the language


def fragment(draw: Callable[..., None], run_every: float | None = None) -> Callable[..., None]:
    """`st.fragment` in the session's language: its reruns skip pages/app.py, where the language is set otherwise."""

    @wraps(draw)
    def in_language(*args: Any, **kwargs: Any) -> None:
        use_language()
        require_user()  # whose log-in may have ended since the page was drawn
        try:
            draw(*args, **kwargs)
        except DatabaseError as error:
            st.error(translate(error), icon=":material/error:")

    return st.fragment(in_language, run_every=run_every)


def switch() -> None:
    """The widget that switches the language."""
    st.session_state[SWITCH] = language()
    st.segmented_control(
        _("Language"),
        [*LANGUAGES],
        required=True,
        format_func=LANGUAGES.__getitem__,
        key=SWITCH,
        on_change=_switched,
    )


def _switched() -> None:
    choose("language", st.session_state[SWITCH])
    use_language()
