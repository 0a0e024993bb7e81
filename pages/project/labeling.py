"""The form of how labeling goes: what annotators see of the model and of each other, how many answer an item."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from labeler.core.errors import LabelerError
from labeler.core.settings import LabelingConfig
from labeler.core.settings_parser import parse
from labeler.i18n.messages import Message, _, translate
from labeler.projects.columns import choices
from labeler.projects.project import Project
from labeler.report.sentences.settings import VALUES
from pages.shared.cache import cached, state_of
from pages.shared.settings_form import Form, opened, save


def labeling(project: Project) -> None:
    """The form of the settings under `[labeling]`."""
    with project.store() as store:
        columns = cached("columns", state_of(project, store, answers=False), lambda: choices(store))
    drawn = opened(project, FORM)
    if drawn is None:
        return
    with st.form("labeling", border=False):
        values = _fields(drawn.config.labeling) | _columns(drawn.config.labeling, columns)
        is_sent = st.form_submit_button(_("Save"))
    if problems := [problem for name in values["show_columns"] if (problem := columns.get(name))]:
        for problem in problems:
            st.error(translate(problem), icon=":material/visibility_off:")
        return
    if not is_sent:
        return
    settings = drawn.config.as_dict()
    settings["labeling"] |= values
    try:
        changed = parse(settings, _("The form"))
    except LabelerError as error:
        st.error(translate(error))
    else:
        save(drawn, FORM, changed)


def _draw_qualification(saved: Project) -> Sequence[str]:
    """Draw the items with known answers that newcomers answer first; a warning where there are too few."""
    wanted = saved.config.labeling.qualification
    if not wanted:
        return ()
    with saved.store() as store:
        drawn = store.team.draw_qualification()
    if drawn >= wanted:
        return ()
    return (_("Only {n} items with a known label are in the pool: import more of them with their labels.", n=drawn),)


FORM = Form("labeling", ("labeling",), _draw_qualification)


def _columns(labeling: LabelingConfig, columns: Mapping[str, Message | None]) -> dict[str, Any]:
    """The field of the imported columns that are shown; there is none where nothing was imported but the items."""
    refused = [problem for name, problem in columns.items() if problem and name not in labeling.show_columns]
    names = [*dict.fromkeys([*labeling.show_columns, *(name for name, problem in columns.items() if not problem)])]
    if not names and not refused:
        return {"show_columns": []}
    chosen = st.multiselect(
        _("Columns that annotators see beside the item"),
        names,
        [*labeling.show_columns],
        placeholder=_("No column is shown"),
        help=_("Columns of the imported tables, such as the site or the age. The others never leave the server."),
    )
    for problem in refused:
        st.caption(translate(problem))
    return {"show_columns": chosen}


def _fields(labeling: LabelingConfig) -> dict[str, Any]:
    """The fields, by the names of the settings."""
    reveals = VALUES["labeling.reveal"]
    reveal = st.selectbox(
        _("The model's prediction is shown"),
        [*reveals],
        [*reveals].index(labeling.reveal),
        format_func=lambda name: _(reveals[name]),
        help=_(
            "A prediction shown before the answer saves time but biases the answer. Each answer is stored with what"
            " was shown. Holdout items are always answered blind."
        ),
    )
    left, right = st.columns(2)
    overlap = left.number_input(_("Annotators for an overlapped item"), 1, 100, labeling.overlap)
    share = right.slider(
        _("Share of the items that are overlapped"),
        0.0,
        1.0,
        labeling.overlap_share,
        0.05,
        format="percent",
        help=_("With one annotator for an item, no item is overlapped, whatever the share."),
    )
    left, right = st.columns(2)
    qualification = left.number_input(
        _("Items with known labels that a newcomer answers first"),
        0,
        1000,
        labeling.qualification,
        help=_("Drawn from the items whose labels were imported, as evenly over the classes as possible."),
    )
    passing = right.slider(
        _("Share of them that must be answered correctly"),
        0.0,
        1.0,
        labeling.qualification_pass,
        0.05,
        format="percent",
    )
    grid = st.checkbox(
        _("Offer to confirm twenty similar predictions at once"),
        labeling.grid,
        help=_("Fast, but biased by the model: for easy items late in a project."),
    )
    return {
        "reveal": reveal,
        "overlap": int(overlap),
        "overlap_share": float(share),
        "qualification": int(qualification),
        "qualification_pass": float(passing),
        "grid": grid,
        "show_others": st.checkbox(_("Annotators may see what others answered"), labeling.show_others),
        "paused": st.checkbox(_("Pause labeling: no items are assigned"), labeling.paused),
    }
