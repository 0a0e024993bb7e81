"""The items that are set aside because their images cannot be read, and the button that reads them again."""

import streamlit as st

from labeler.core.errors import StoreError
from labeler.files.sources import origin
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _, n_, translate
from labeler.projects.project import Project
from labeler.projects.unreadable import bring_back
from pages.shared.background import announce, announced
from pages.shared.tables import show_table

NAME = "set-aside"


def images_set_aside(project: Project, may_change: bool) -> None:
    """How many images are set aside, which and why; nothing where there is none.

    Args: may_change: whether the visitor may have them read again.
    """
    announced(NAME)
    with project.store() as store:
        waiting = store.set_aside.all()
    if not waiting:
        return
    st.warning(
        n_(
            "{n:,} image cannot be read and is set aside: labeling and training go on without it, and its answers"
            " stay.",
            "{n:,} images cannot be read and are set aside: labeling and training go on without them, and their answers"
            " stay.",
            len(waiting),
        ),
        icon=":material/broken_image:",
    )
    with st.expander(_("The images that are set aside")):
        show_table(
            [
                {
                    _("where"): plain(translate(origin(entry.source))),
                    _("why"): plain(translate(entry.reason)),
                    _("file"): entry.media,
                }
                for entry in waiting
            ],
        )
        st.caption(_("Import the images again, or put whole files in their place and have them read again."))
        if may_change and st.button(_("Read them again"), icon=":material/refresh:", key="read-set-aside-again"):
            try:
                with project.store() as store:
                    n = bring_back(project, store)
            except StoreError as error:
                st.error(translate(error))
                return
            announce(NAME, n_("{n:,} image can be read again.", "{n:,} images can be read again.", n))
            st.rerun()
