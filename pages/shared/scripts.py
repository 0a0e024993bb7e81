"""The scripts that stand within the pages: the app's policy names each by its text."""

import re
from collections.abc import Iterator
from pathlib import Path

import streamlit as st

INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def scripts() -> Iterator[str]:
    """The text of our own, and of those in the page that Streamlit serves."""
    yield Path(__file__).with_name("document.js").read_text(encoding="utf-8")
    yield from INLINE.findall((Path(st.__file__).parent / "static/index.html").read_text(encoding="utf-8"))
