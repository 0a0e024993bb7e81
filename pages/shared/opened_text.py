"""Texts that several people edit: what somebody else saved since a field was opened is shown, and not written over."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from labeler.core.errors import LabelerError, TextClashError
from labeler.i18n.messages import _, translate
from pages.shared.settings_form import STATE


@dataclass
class OpenedText:
    """A text in a session. drawn: what its field began with. compared: what is in the file, as far as its author knows.

    theirs: what somebody else has saved meanwhile, until the author has decided; None: nobody has.
    """

    drawn: str
    compared: str
    theirs: str | None = None


def opened_text(key: str, now: str) -> OpenedText:
    """The text as this session opened it.

    Args: key: of the field. now: what is in the file.
    """
    texts: dict[str, OpenedText] = st.session_state.setdefault(STATE, {})
    return texts.setdefault(f"text-{key}", OpenedText(now, now))


def saves_text(text: OpenedText, written: str, write: Callable[[str, str], None]) -> bool:
    """Whether a text was saved; else it says why not.

    Args: written: what stands in the field. write: saves a text in place of another, or raises a `TextClashError`.
    """
    try:
        write(written, text.compared)
    except TextClashError as error:
        text.compared = text.theirs = error.now
        st.rerun()
    except (LabelerError, OSError) as error:
        st.error(translate(error))
        return False
    text.drawn, text.compared, text.theirs = written, written, None
    return True


def about_clash(text: OpenedText, key: str) -> None:
    """What somebody else has saved since the field was opened, and the button that takes it over."""
    if text.theirs is None:
        return
    with st.container(border=True):
        st.markdown(
            _(
                "**Somebody else has saved this text since you opened it.** Yours is still in the field below, and not"
                " saved: take over what you need, and save again. Their changes:"
            )
        )
        lines = difflib.unified_diff(text.drawn.splitlines(), text.theirs.splitlines(), lineterm="", n=1)
        st.code("\n".join([*lines][2:]), language="diff", wrap_lines=True)
        if st.button(_("Discard my text"), key=f"discard-{key}"):
            text.drawn, text.theirs = text.theirs, None
            st.rerun()
