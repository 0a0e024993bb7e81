"""What every page's document needs: its language, readable colours, and translations of Streamlit's own words."""

import html
from pathlib import Path

import streamlit as st

from labeler.i18n.messages import _, language

STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
SCRIPT = Path(__file__).with_name("document.js").read_text(encoding="utf-8")  # the app's policy knows this text


def document(choice: str) -> None:
    """Tell screen readers the language, and style what Streamlit leaves pale or in English.

    Args: choice: what is chosen in the sidebar; on a phone the sidebar closes when it changes.
    """
    unknown = (
        {}
        if language() == "en"
        else {
            "title": _("There is no such page"),
            "text": _("The first page is shown instead."),
        }
    )
    run_script(language=language(), choice=choice, **unknown)
    st.html(f"<style>{STYLE} {_translated_words() if language() != 'en' else ''}</style>")


def run_script(**values: str) -> None:
    """Run document.js in the browser, and again when a value has changed."""
    attributes = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in values.items())
    st.html(f"<script {attributes}>{SCRIPT}</script>", unsafe_allow_javascript=True)


def _translated_words() -> str:
    """CSS that puts translations in place of Streamlit's own words."""
    hint = "[data-testid=InputInstructions] span:first-child"  # another may follow: how many characters there are
    words = {
        "[data-testid=stFileUploaderDropzone] button p": _("Choose files"),
        "[data-testid=stFileUploaderDropzoneInstructions]": _(
            "up to {n:g} GB a file", n=int(st.get_option("server.maxUploadSize")) / 1000
        ),
        hint: _("Enter: apply"),
        f"[data-testid=stForm] {hint}": _("Enter: submit"),
        f"[data-testid=stForm] [data-testid=stTextArea] {hint}": _("Ctrl+Enter: submit"),
        "[role=option][data-key=__select_all__] > div": _("Select all"),
        "[role=listbox][data-empty] [role=option] span": _("No results"),
    }
    return " ".join(
        f'{place}, {place} * {{ font-size: 0 }} {place}::after {{ font-size: 0.875rem; content: "{text}" }}'
        for place, text in words.items()
    )
