"""What every page's document needs: its language, readable colours, and translations of Streamlit's own words."""

import html
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
# The edge of a radio button or a box that is not chosen is too pale (WCAG 2.2, 1.4.11).
CHOICES = (
    "[data-testid=stRadioOption]:not([data-selected]) > div > div:first-child, [data-testid=stCheckbox]"
    " label:not([data-selected]) > span + div { outline: 1px solid light-dark(#8a8d95, #85888f); outline-offset: -1px }"
)
PICTURES = ".st-key-image-cards [data-testid=stImage] { min-height: 8.5rem }"  # nothing jumps when pictures come
CARDS = ".st-key-text-cards > * { flex-grow: 1; max-width: 25rem }"  # texts fill the page, three or more in a row
# The line below tabs stays as wide as the page where they scroll.
TABS = (
    "[data-testid=stTabs] [role=tablist]::after { display: none }"
    " [data-testid=stTabs] [role=tablist]"
    " { box-shadow: inset 0 -2px light-dark(rgb(47 45 43 / 0.1), rgb(237 235 232 / 0.2)) }"
)
# On a phone: little space stays empty above, titles are shorter, and a finger meets what can be touched.
NARROW = (
    "@media (max-width: 768px) { .stMainBlockContainer { padding-top: 4.25rem } .stMain h1 { font-size: 2rem }"
    " :is([data-testid=stRadioOption], [data-testid=stCheckbox] label) { min-height: 2rem; align-items: center }"
    " [data-testid=stTooltipHoverTarget] > button { padding: 0.6rem; margin: -0.6rem }"
    " .st-key-review-reason [data-testid=stButtonGroup] > div"
    " { flex-wrap: wrap; overflow: visible; mask-image: none } }"
)
KOREAN = ":root:lang(ko) .stApp * { word-break: keep-all; overflow-wrap: break-word }"  # lines break between words
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
    styles = [READABLE, CHOICES, FIGURES, PICTURES, CARDS, TABS, NARROW, KOREAN]
    st.html(f"<style>{' '.join(styles)} {_translated_words() if language() != 'en' else ''}</style>")


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
