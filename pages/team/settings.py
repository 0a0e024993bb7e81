"""The form, for leads, of who leads, what an hour costs and what is shown about people."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from labeler.access.users import User
from labeler.access.visibility import ABOUT_PEOPLE
from labeler.core.errors import LabelerError
from labeler.core.settings import TeamConfig
from labeler.core.settings_parser import parse
from labeler.i18n.messages import _, translate
from labeler.projects.project import Project
from labeler.report.sentences.settings import VALUES
from pages.shared.settings_form import Form, opened, save

NAME = "team"  # of this form's message, see `announce`

FORM = Form("terms", ("team",), place=NAME)
SHOWN = VALUES["team.show"]


def settings(project: Project, user: User) -> None:
    """The form. It asks those to confirm who would no longer lead by what they save."""
    drawn = opened(project, FORM)
    if drawn is None:
        return
    team = drawn.config.team
    with project.store() as store:
        names, rates = [annotator.name for annotator in store.team.all()], store.team.own_rates()
    doubt = f"leaving-{project.slug}"
    with st.form("terms", border=False):
        values = _fields(team, sorted({*names, *team.leads, user.name}))
        edited = _rates(project, names, rates)
        confirmed = bool(st.session_state.get(doubt)) and _confirmation(user)
        if not st.form_submit_button(_("Save")):
            return
    if values["leads"] and user.name not in values["leads"] and not confirmed:
        st.session_state[doubt] = True
        st.rerun()
    st.session_state.pop(doubt, None)
    together = drawn.config.as_dict()
    together["team"] |= values
    try:
        changed = parse(together, _("The form"))
    except LabelerError as error:
        st.error(translate(error))
        return
    with project.store() as store:
        for row in edited.to_dict("records"):
            rate = None if pd.isna(row["rate"]) else float(row["rate"])
            if rate != rates.get(row["name"]):
                store.team.set_rate(row["name"], rate)
    save(drawn, FORM, changed)


def _fields(team: TeamConfig, names: list[str]) -> dict[str, Any]:
    """The fields, by the names of the settings.

    Args: names: who may lead; others can be typed in.
    """
    columns = st.columns(3)
    rate = columns[0].number_input(
        _("Cost of an hour"),
        0.0,
        1e9,
        team.rate,
        help=_("Unless it has a rate below."),
        format="%.0f" if team.rate == round(team.rate) else "%.2f",
    )
    currency = columns[1].text_input(_("Currency"), team.currency, max_chars=12)
    idle = columns[2].number_input(_("An answer counts at most (seconds)"), 5, 86_400, int(team.idle_seconds))
    leads = st.multiselect(
        _("Who leads"),
        names,
        team.leads,
        accept_new_options=True,
        placeholder=_("everybody"),
        help=_("Leads see everybody's row and review labels; others see their own row only."),
    )
    show = st.multiselect(
        _("What is shown about people"),
        [*ABOUT_PEOPLE],
        team.show,
        format_func=lambda name: _(SHOWN[name]) if name in SHOWN else str(name),
        placeholder=_("nothing"),
        help=_("To everybody, leads included: on this page and in its files."),
    )
    return {
        "rate": float(rate),
        "currency": currency.strip(),
        "idle_seconds": int(idle),
        "leads": [name.strip() for name in leads if name.strip()],
        "show": list(show),
    }


def _rates(project: Project, names: list[str], rates: Mapping[str, float]) -> pd.DataFrame:
    """The table of each annotator's own rate, as it is edited: name, rate."""
    return st.data_editor(
        pd.DataFrame({"name": names, "rate": pd.array([rates.get(name) for name in names], "Float64")}),
        hide_index=True,
        disabled=["name"],
        key=f"rates-{project.slug}",
        column_config={
            "name": st.column_config.TextColumn(_("Annotator")),
            "rate": st.column_config.NumberColumn(_("Cost of an hour, if different"), min_value=0.0),
        },
    )


def _confirmation(user: User) -> bool:
    """Whether somebody who gives up the lead has said that they mean it."""
    st.warning(
        _(
            "You, {name}, are not among the leads. Once this is saved, you see your own row only and cannot"
            " change it back here.",
            name=user.name,
        )
    )
    return st.checkbox(_("Save anyway"))
