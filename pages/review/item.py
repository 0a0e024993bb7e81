"""The item that is looked at, as large as there is room."""

from pathlib import Path

import streamlit as st

from labeler.access.users import User
from labeler.core.items import Item
from labeler.files.sources import origin
from labeler.i18n.markdown import joined
from labeler.i18n.messages import _, translate
from labeler.projects.project import Project
from pages.desk import viewer


def item(project: Project, user: User, shown: Item) -> None:
    """The text or the image in the viewer of the desk, and where the item comes from."""
    viewer(project, user, shown, key=f"viewer-{project.slug}")
    place = translate(origin(Path(shown.source).name if shown.media else shown.source))
    facts = [_("Item {id}", id=shown.id), place]
    facts += [f"{name}: {value}" for name, value in list(shown.metadata.items())[:6]]
    st.caption(joined(" · ", facts))
