"""The disk: what is free, and what each project takes."""

from pathlib import Path

import pandas as pd
import streamlit as st

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.files.disk import room, size
from labeler.i18n.messages import _
from labeler.projects import project as projects
from pages.shared.access import project_folders
from pages.shared.figures import figures_in_a_row
from pages.shared.tables import show_table


@st.cache_data(ttl=60, max_entries=200, show_spinner=False)
def _size(folder: str) -> int:
    return size(Path(folder))


def disk() -> None:
    """The room that is left, and a row for each project."""
    left = room(home())
    sizes = {name: _size(str(folder)) for name, folder in project_folders().items()}
    free, taken = figures_in_a_row(2)
    free.metric(
        _("Free"),
        in_units(left.free),
        _("of {total}", total=in_units(left.total)),
        delta_color="off",
        delta_arrow="off",
    )
    taken.metric(_("Taken by projects"), in_units(sum(sizes.values())))
    if left.is_little:
        st.error(
            _("The disk is nearly full: rounds and imports may fail soon. When it is full, browsers keep the answers."),
            icon=":material/hard_drive:",
        )
    if sizes:
        show_table(
            pd.DataFrame(
                {
                    _("project"): [_name(folder) for folder in project_folders().values()],
                    _("size"): [bytes_ / 1e6 for bytes_ in sizes.values()],
                }
            ),
            key="server-disk",
            columns={_("size"): st.column_config.NumberColumn(format="%,.1f MB")},
        )


def in_units(n: int) -> str:
    """Bytes, in the unit that fits."""
    for unit, scale in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if n >= scale:
            return f"{n / scale:,.1f} {unit}"
    return f"{n / 1000:,.0f} kB"


def _name(folder: Path) -> str:
    try:
        return projects.open_project(folder).config.name
    except LabelerError:
        return folder.name
