"""An item in little: a picture, or the beginning of a text."""

import html

import streamlit as st

from labeler.core.errors import LabelerError
from labeler.core.items import Item
from labeler.files import images
from labeler.i18n.messages import _, translate
from labeler.projects.project import Project
from pages.shared.cache import cached

SIDE = 360  # pixels of a picture


def thumbnail(project: Project, item: Item, letters: int = 400) -> None:
    """Draw the item's picture, or so many letters of its text."""
    if item.text is not None:
        text = item.text if len(item.text) <= letters else item.text[:letters] + " …"
        st.html(f"<div style='white-space: pre-wrap; overflow-wrap: anywhere'>{html.escape(text)}</div>")
        return
    path = project.image_of(item)
    try:
        picture = cached("thumbnail", (item.content_hash, SIDE), lambda: images.thumbnail(path, SIDE))
    except LabelerError as error:
        st.caption(translate(error) if item.object else _("The image is not in the project's folder any more."))
    else:
        st.image(picture, width="stretch")
