"""The sidebar: the project, the annotator and the language, with the means to change them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.i18n.messages import _
from labeler.projects import project as projects
from pages.shared import language
from pages.shared.access import remember_name, remembered_name, require_user
from pages.shared.choices import choose, chosen
from pages.shared.style import document


def sidebar(page: str) -> None:
    """Draw the sidebar, and remember what is chosen in it.

    Args: page: the open page's path in the address.
    """
    require_user()
    titles = _titles(projects.in_home(home()))
    slugs = [*titles]
    slug = chosen("project", slugs[0] if slugs else "")
    if slug not in slugs and slugs:
        slug = slugs[0]
    with st.sidebar:
        if slugs:
            slug = st.selectbox(_("Project"), slugs, slugs.index(slug), format_func=titles.__getitem__)
            choose("project", slug)
        name = st.text_input(
            _("Working as"),
            chosen("annotator", remembered_name()),
            max_chars=60,
            placeholder=_("Your name"),
            help=_("Stored with every answer."),
        )
        language.switch()
        document(f"{page} {slug}")
    name = name.strip()
    if name and name != "import":  # labels that came with an import are stored under that name
        choose("annotator", name)
        with st.sidebar:
            remember_name(name)


def _titles(folders: Sequence[Path]) -> dict[str, str]:
    """The name of each project by its folder's name, which is added to names that repeat: both must tell them apart."""
    names = {}
    for folder in folders:
        try:
            names[folder.name] = projects.open_project(folder).config.name
        except LabelerError:
            names[folder.name] = folder.name
    counts = Counter(names.values())
    return {slug: name if counts[name] == 1 else f"{name} ({slug})" for slug, name in names.items()}
