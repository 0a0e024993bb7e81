"""What every page's document needs: its language, readable colours, and translations of Streamlit's own words."""

import json
from pathlib import Path

import streamlit as st

from labeler.i18n.messages import _, language

# Streamlit's captions, in which intervals stand, and its main buttons in the dark are too pale (WCAG 2.2, 1.4.3).
READABLE = (
    "[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] :is(p, li, code)"
    " { color: light-dark(#5d6069, #b3b6bd); opacity: 1 }"
    " [data-testid^=stBaseButton-primary] { color: light-dark(#fff, #10141b) }"
)
FIGURES = "[data-testid=stMetricValue] { font-size: 1.75rem }"  # a date or a sum fits into the width of one figure
KOREAN = ":root:lang(ko) .stApp * { word-break: keep-all; overflow-wrap: break-word }"  # lines break between words
MENU = Path(__file__).with_name("menu.js").read_text(encoding="utf-8")
UNKNOWN_PAGE = Path(__file__).with_name("unknown_page.js").read_text(encoding="utf-8").rstrip(";\n")


def document(choice: str) -> None:
    """Tell screen readers the language, and style what Streamlit leaves pale or in English.

    Args: choice: what is chosen in the sidebar; on a phone the sidebar closes when it changes.
    """
    script = f"document.documentElement.lang = '{language()}';"
    if language() != "en":
        title, text = json.dumps(_("There is no such page")), json.dumps(_("The first page is shown instead."))
        script += f"\n({UNKNOWN_PAGE})({title}, {text});"
    script += f"\n(() => {{\n{MENU}}})(); // {choice.encode().hex()}"
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)
    st.html(f"<style>{READABLE} {FIGURES} {KOREAN} {_translated_words() if language() != 'en' else ''}</style>")


def _translated_words() -> str:
    """CSS that puts translations in place of Streamlit's own words."""
    hint = "[data-testid=InputInstructions] span:first-child"  # another may follow: how many characters there are
    words = {
        "[data-testid=stFileUploaderDropzone] button p": _("Choose files"),
        "[data-testid=stFileUploaderDropzoneInstructions]": _(
            "up to {n} MB a file", n=st.get_option("server.maxUploadSize")
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
