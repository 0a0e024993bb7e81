"""What every page's document needs: its language, readable colours, and translations of Streamlit's own words."""

import streamlit as st

from labeler.i18n.messages import _, language

# Streamlit's captions, in which intervals stand, and its main buttons in the dark are too pale (WCAG 2.2, 1.4.3).
READABLE = (
    "[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] :is(p, li, code)"
    " { color: light-dark(#5d6069, #b3b6bd); opacity: 1 }"
    " [data-testid^=stBaseButton-primary] { color: light-dark(#fff, #10141b) }"
)
KOREAN = ":root:lang(ko) .stApp * { word-break: keep-all; overflow-wrap: break-word }"  # lines break between words


def document() -> None:
    """Tell screen readers the language, and style what Streamlit leaves pale or in English."""
    st.html(f"<script>document.documentElement.lang = '{language()}'</script>", unsafe_allow_javascript=True)
    st.html(f"<style>{READABLE} {KOREAN} {_translated_words() if language() != 'en' else ''}</style>")


def _translated_words() -> str:
    """CSS that puts translations in place of Streamlit's own words."""
    words = {
        "stFileUploaderDropzone] button p": _("Choose files"),
        "stFileUploaderDropzoneInstructions]": _("up to {n} MB a file", n=st.get_option("server.maxUploadSize")),
    }
    return " ".join(
        f"[data-testid={place}, [data-testid={place} * {{ font-size: 0 }}"
        f' [data-testid={place}::after {{ font-size: 0.875rem; content: "{text}" }}'
        for place, text in words.items()
    )
