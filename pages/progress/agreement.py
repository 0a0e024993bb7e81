"""How far people agree, on the items that several of them answered; how good and how fast each of them is."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from labeler.access.roles import may
from labeler.i18n.messages import _
from labeler.projects.project import Project
from labeler.report.charts import agreement as charts
from labeler.report.charts.agreement import RELIABLE, TENTATIVE
from pages.shared.access import require_user
from pages.shared.figures import figures_in_a_row
from pages.shared.tables import show_table


def agreement(project: Project) -> None:
    user, config = require_user(), project.config
    with project.store() as store:
        people = (store.audits.latest_report() or {}).get("consensus")
    if not people:
        st.info(_("Agreement is measured after each round."), icon=":material/groups:")
        return
    leads, agreed = may(user, project, "see_team"), people["agreement"]
    shown = set(config.team.show)
    if agreed is None:
        _no_overlap(people, config.labeling.overlap)
    else:
        _figures(people, agreed)
        _charts(agreed, config.outcomes > 2 or config.several, leads and "agreement" in shown)
    mine = None if leads else user.name
    if "agreement" in shown and people["annotators"]:
        _annotators(people, mine)
    if "speed" in shown:
        _too_fast(people, mine)
    if config.several and agreed is not None:
        st.caption(
            _(
                "Where an item has several classes, alpha covers all yes-or-no decisions; consensus and the quality"
                " of annotators are not estimated."
            )
        )


def _no_overlap(people: Mapping[str, Any], overlap: int) -> None:
    alone = _("Of the {n:,} items with answers, none has been answered by two people yet.", n=people["labeled"])
    if overlap > 1:
        more = _(
            "Items are assigned to several people; the figures appear here once two people have answered the same"
            " items."
        )
    else:
        more = _(
            "To measure agreement, let two people answer a share of the items: see “Annotators for an overlapped"
            " item” on the **Project** page. 50 such items give a rough estimate."
        )
    st.info(f"{alone} {more}", icon=":material/groups:")


def _figures(people: Mapping[str, Any], agreed: Mapping[str, Any]) -> None:
    columns = figures_in_a_row(4)
    columns[0].metric(_("Answered by several"), f"{agreed['items']:,}")
    columns[0].caption(_("of {n:,} that were answered", n=people["labeled"]))
    figures = [
        (_("Two answers agree"), agreed["percent"], _("How often two people give the same answer to an item.")),
        (
            _("Krippendorff's alpha"),
            agreed["alpha"],
            _("1: all agree. 0: no better than chance. Items may have any number of answers."),
        ),
        (
            _("Fleiss' kappa"),
            agreed["fleiss"],
            _(
                "Like alpha, but every item has the same weight; unequal numbers of answers are treated as in Gwet"
                " 2014."
            ),
        ),
    ]
    for column, (name, figure, help_) in zip(columns[1:], figures, strict=True):
        share = figure is agreed["percent"]
        if figure is None:
            column.metric(name, "–", help=help_)
        else:
            column.metric(name, f"{figure['value']:.0%}" if share else f"{figure['value']:.2f}", help=help_)
            low, high = figure["low"], figure["high"]
            column.caption(
                _("95%: {low:.0f} – {high:.0%}", low=100 * low, high=high)
                if share
                else _("95%: {low:.2f} – {high:.2f}", low=low, high=high)
            )
    if agreed["alpha"] is not None:
        st.markdown(_in_words(agreed["alpha"]))


def _in_words(alpha: Mapping[str, float]) -> str:
    """What alpha allows, by the low end of its interval as well."""
    if alpha["low"] >= RELIABLE:
        return _(
            "People agree well enough to rely on the labels: the whole interval of alpha is above {limit}.",
            limit=RELIABLE,
        )
    if alpha["value"] >= TENTATIVE:
        return _(
            "People agree fairly well. Labels count as reliable from an alpha of {limit} on, and the interval still"
            " begins below it: the charts show where the guidelines should be clearer.",
            limit=RELIABLE,
        )
    return _(
        "People often disagree: below an alpha of {limit} labels are not reliable, and a model learns their"
        " contradictions. The charts show for which classes the guidelines should be clearer.",
        limit=TENTATIVE,
    )


def _charts(agreed: Mapping[str, Any], classes: bool, pairs: bool) -> None:
    """Args: classes: of only two each is as well told from the rest as the other, and alpha says it all."""
    parts = []
    if classes:
        figure = _("Krippendorff's alpha, each class against the rest")
        parts.append((_("By class"), charts.class_frame(agreed), figure, _("answers"), _("All name the same class.")))
    if pairs:
        few = _("No two people have answered 5 items in common yet.")
        parts.append((_("By pair"), charts.pair_frame(agreed), _("Cohen's kappa"), _("items that both answered"), few))
    if not parts:
        return
    for column, (title, frame, figure, counted, nothing) in zip(
        st.columns(len(parts), gap="medium"), parts, strict=True
    ):
        with column:
            st.markdown(f"**{title}**")
            if len(frame):
                st.altair_chart(charts.agreement(frame, figure, counted), width="stretch")
            else:
                st.caption(nothing)
    st.caption(
        _(
            "With 95% intervals, by a bootstrap over items. The dashed lines are at {low} and {high}: from there on"
            " tentative and firm conclusions are usual (Krippendorff 2004). Orange dots are below {low}.",
            low=TENTATIVE,
            high=RELIABLE,
        )
    )


def _annotators(people: Mapping[str, Any], mine: str | None) -> None:
    rows = [
        {
            _("annotator"): annotator["name"],
            _("quality (%)"): None if annotator["quality"] is None else round(100 * annotator["quality"]),
            _("as the consensus (%)"): round(100 * annotator["agreement"]),
            _("pool answers"): annotator["answers"],
            _("most often wrong about"): annotator["worst"],
        }
        for annotator in people["annotators"]
        if mine in (None, annotator["name"])
    ]
    if rows:
        st.markdown("**" + _("Annotators") + "**")
        show_table(pd.DataFrame(rows), key="agreement-annotators")
        st.caption(
            _(
                "Quality is estimated by CROWDLAB from how well an annotator's answers about pool items match those of"
                " the others and of the model. It is a reason to talk, not a verdict: hard items lower everybody's"
                " quality."
            )
        )


def _too_fast(people: Mapping[str, Any], mine: str | None) -> None:
    suspects = {name: counts for name, counts in people["fast"].items() if counts[0] and mine in (None, name)}
    if not suspects:
        st.caption(_("No answer was much faster than usual, both for its annotator and for everybody."))
        return
    names = [
        _("{name}: {fast:,} of {n:,} answers", name=name, fast=fast, n=n)
        for name, (fast, n) in sorted(suspects.items(), key=lambda entry: -entry[1][0])
    ]
    st.warning(
        _("Much faster than is usual for the annotator and for everybody: {who}.", who="; ".join(names)),
        icon=":material/speed:",
    )
