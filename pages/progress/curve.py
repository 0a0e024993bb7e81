"""The curve: accuracy versus labels, hours or cost, where it leads, and what it cannot tell."""

from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from labeler.access.visibility import counts
from labeler.core.settings import Config
from labeler.files.csv_files import csv_bytes
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _
from labeler.i18n.money import symbol
from labeler.progress.history import course, latest_step
from labeler.progress.stopping import UNMEASURED
from labeler.projects.next_step import NO_HOLDOUT, has_no_holdout
from labeler.projects.project import Project
from labeler.report.charts import svg
from labeler.report.charts.curve import Along, Chart
from labeler.report.standing import Standing, chart, legend, limitations, outlook, standing
from pages.progress.foreign import other_models
from pages.shared.access import is_allowed, require_user
from pages.shared.cache import cached, state_of


def curve(project: Project) -> None:
    stands = where_it_stands(project)
    lead = is_allowed(project, "see_team")
    if not lead:  # what people's time costs is the lead's to see
        stands = replace(stands, rounds=stands.rounds.assign(hours=0.0, cost=0.0))
    measured = stands.rounds.dropna(subset=["accuracy"])
    if not len(measured):
        st.info(_(NO_HOLDOUT if has_no_holdout(stands.counts) else UNMEASURED), icon=":material/show_chart:")
        other_models(project)
        return
    along, title = _axis(measured, project.config)
    st.markdown(f"**{outlook(stands, measured, project.config)}**")
    drawn = chart(stands, measured, project.config, along, title)
    st.altair_chart(drawn, width="stretch", key="accuracy")
    st.caption(legend(stands, measured))
    st.markdown("\n".join(f"- {sentence}" for sentence in limitations(stands, measured)))
    _downloads(project, stands.rounds if lead else stands.rounds.drop(columns=["hours", "cost"]), drawn)
    other_models(project)


def _downloads(project: Project, rounds: pd.DataFrame, drawn: Chart) -> None:
    """What the chart's own toolbar does not offer: it has a PNG, and full screen. Made once somebody asks for it."""
    with st.popover(_("Download"), icon=":material/download:", key="download", on_change="rerun") as asked:
        if asked.open:
            table = csv_bytes(rounds)
            st.download_button(_("Rounds (CSV)"), table, f"{project.slug}-rounds.csv", "text/csv", on_click="ignore")
            st.download_button(
                _("Chart (SVG)"), svg(drawn).encode(), f"{project.slug}-curve.svg", "image/svg+xml", on_click="ignore"
            )


def where_it_stands(project: Project) -> Standing:
    """Where the project stands; computed once for each round, not for each answer, but for the counts."""
    user = require_user()
    with project.store() as store, store.read():  # the key and what is computed are of one moment

        def compute() -> Standing:
            return standing(course(store), latest_step(store), counts(store, user, project), project.config)

        key = (*state_of(project, store, answers=False), is_allowed(project, "see_holdout"))
        stands = cached("standing", key, compute)
        return replace(stands, counts=counts(store, user, project))


def _axis(measured: pd.DataFrame, config: Config) -> tuple[Along, str]:
    """What the curve is drawn along, and what that is called; only labels where no time was measured."""
    titles: dict[Along, str] = {"labels": _("pool labels")}
    if measured["hours"].iloc[-1] > 0:
        titles["hours"] = _("hours of annotators")
    if measured["cost"].iloc[-1] > 0:
        titles["cost"] = plain(_("cost, {currency}", currency=symbol(config.team.currency)))
    names = {"labels": _("Pool labels"), "hours": _("Hours"), "cost": _("Cost")}
    chosen: Any = "labels"
    if len(titles) > 1:
        chosen = st.segmented_control(
            _("Accuracy versus"),
            [*titles],
            format_func=names.__getitem__,
            default="labels",
            required=True,
            key="along",
            label_visibility="collapsed",
        )
    return (chosen, titles[chosen]) if chosen in titles else ("labels", titles["labels"])
