"""The item that is looked at, as large as there is room."""

import html
from pathlib import Path

import streamlit as st

from labeler.core.errors import LabelerError
from labeler.core.items import Item
from labeler.files.renditions import Renditions, Wish
from labeler.files.sources import origin
from labeler.i18n.messages import _, translate
from labeler.projects.project import Project


def item(project: Project, shown: Item) -> None:
    """The text, or the picture that the desk shows as well: scans through their first window."""
    with st.container(border=True):
        if shown.text is not None:
            st.html(
                "<div style='white-space: pre-wrap; overflow-wrap: anywhere; font-size: 1.2rem; line-height: 1.6;"
                f" max-height: 60vh; overflow-y: auto'>{html.escape(shown.text)}</div>"
            )
        else:
            _picture(project, shown)
        place = Path(shown.source).name if shown.media else translate(origin(shown.source))
        facts = [_("Item {id}", id=shown.id), place]
        facts += [f"{name}: {value}" for name, value in list(shown.metadata.items())[:6]]
        st.caption(" · ".join(facts).replace("[", "\\["))


def _picture(project: Project, shown: Item) -> None:
    path, renditions = Path(project.input_of(shown)), Renditions(project.renditions)
    try:
        if not path.is_file():
            raise LabelerError("The image is not in the project's folder any more.")
        picture = renditions.ready(path, shown.content_hash, Wish()) or renditions.draw(
            path, shown.content_hash, Wish()
        )
    except LabelerError as error:
        st.warning(translate(error), icon=":material/broken_image:")
        return
    content = picture.content
    # no wider than there are pixels: a small picture stays sharp, one that is smaller still is enlarged
    wide = max(picture.about.width, 320)
    tall = picture.about.height / picture.about.width
    with st.container(horizontal_alignment="center"):
        st.image(str(content) if isinstance(content, Path) else content, width=int(min(wide, 900, 640 / tall)))
