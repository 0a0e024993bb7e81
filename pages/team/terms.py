"""Who leads, what an hour costs, what is shown about people: a form for leads."""

import math

import pandas as pd
import streamlit as st

from labeler.access.access import ABOUT_PEOPLE, User
from labeler.core.errors import LabelerError
from labeler.core.settings import parse
from labeler.i18n.messages import _, mark, translate
from labeler.projects.project import Project

SHOWN = {
    "items": mark("how many items"),
    "speed": mark("how fast, hours and cost"),
    "agreement": mark("agreement with others"),
    "skips": mark("skips"),
}


def terms(project: Project, user: User) -> None:
    """The form. Who would no longer lead by what they save is told so, and has to say that they mean it."""
    team = project.config.team
    with project.store() as store:
        names, own = [one.name for one in store.team.all()], store.team.own_rates()
    mark_of_doubt = f"leaving-{project.slug}"
    with st.form("terms", border=False):
        columns = st.columns(3)
        rate = columns[0].number_input(_("Cost of an hour"), 0.0, 1e9, team.rate, help=_("Unless it has a rate below."))
        currency = columns[1].text_input(_("Currency"), team.currency, max_chars=12)
        idle = columns[2].number_input(_("An answer counts at most (seconds)"), 5, 86_400, int(team.idle_seconds))
        leads = st.multiselect(
            _("Who leads"),
            sorted({*names, *team.leads, user.name}),
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
        edited = st.data_editor(
            pd.DataFrame({"name": names, "rate": pd.array([own.get(name) for name in names], "Float64")}),
            hide_index=True,
            disabled=["name"],
            key=f"rates-{project.slug}",
            column_config={
                "name": st.column_config.TextColumn(_("Annotator")),
                "rate": st.column_config.NumberColumn(_("Cost of an hour, if another"), min_value=0.0),
            },
        )
        sure = False
        if st.session_state.get(mark_of_doubt):
            st.warning(
                _(
                    "You, {name}, are not among those who lead: once this is saved you see your own row only and cannot"
                    " change it back here.",
                    name=user.name,
                )
            )
            sure = st.checkbox(_("Save it all the same"))
        if not st.form_submit_button(_("Save")):
            return
    if leads and user.name not in leads and not sure:
        st.session_state[mark_of_doubt] = True
        st.rerun()
    st.session_state.pop(mark_of_doubt, None)
    values = project.config.as_dict()
    values["team"] |= {
        "rate": float(rate),
        "currency": currency.strip(),
        "idle_seconds": int(idle),
        "leads": [name.strip() for name in leads if name.strip()],
        "show": list(show),
    }
    try:
        changed = project.save(parse(values, _("The form")))
    except LabelerError as error:
        st.error(translate(error))
        return
    with changed.store() as store:
        for row in edited.to_dict("records"):
            given = row["rate"]
            new = None if given is None or pd.isna(given) or math.isnan(given) else float(given)
            if new != own.get(row["name"]):
                store.team.set_rate(row["name"], new)
    st.session_state["team-said"] = _("Saved.")
    st.rerun()
