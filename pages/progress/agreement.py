"""How far people agree, on the items that several of them answered; how good and how fast each of them is."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from labeler.access.users import is_lead
from labeler.i18n.messages import _
from labeler.projects.project import Project
from labeler.report.charts import agreement as charts
from labeler.report.charts.agreement import RELIABLE, TENTATIVE
from pages.shared.access import require_user


def agreement(project: Project) -> None:
    user, config = require_user(), project.config
    with project.store() as store:
        people = (store.audits.latest_report() or {}).get("consensus")
    if not people:
        st.info(_("How far people agree is measured after each round."), icon=":material/groups:")
        return
    leads, agreed = is_lead(user, config), people["agreement"]
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
        _fast(people, mine)
    if config.several and agreed is not None:
        st.caption(
            _(
                "Where an item has several classes, alpha is over all yes and no; consensus and the quality of"
                " annotators are not estimated."
            )
        )


def _no_overlap(people: Mapping[str, Any], overlap: int) -> None:
    alone = _("No item was answered by two people yet, of {n:,} that were answered at all.", n=people["labeled"])
    if overlap > 1:
        more = _("Items are given to several people; as soon as two have answered the same ones, figures stand here.")
    else:
        more = _(
            "To measure how far people agree, let a share of the items be answered by two: on the **Project** page,"
            " “Annotators for an overlapped item”. 50 such items tell it roughly."
        )
    st.info(f"{alone} {more}", icon=":material/groups:")


def _figures(people: Mapping[str, Any], agreed: Mapping[str, Any]) -> None:
    columns = st.columns(4)
    columns[0].metric(_("Items with several answers"), f"{agreed['items']:,}")
    columns[0].caption(_("of {n:,} that were answered", n=people["labeled"]))
    figures = [
        (_("Two answers are the same"), agreed["percent"], _("How often two people's answers to an item are alike.")),
        (
            _("Krippendorff's alpha"),
            agreed["alpha"],
            _("1: all agree. 0: no better than chance. It takes any number of answers to an item."),
        ),
        (
            _("Fleiss' kappa"),
            agreed["fleiss"],
            _("As alpha, but every item weighs alike; with unequal numbers of answers as in Gwet 2014."),
        ),
    ]
    for column, (name, figure, help_) in zip(columns[1:], figures, strict=True):
        share = figure is agreed["percent"]
        if figure is None:
            column.metric(name, "–", help=help_)
        else:
            column.metric(name, f"{figure['value']:.0%}" if share else f"{figure['value']:.2f}", help=help_)
            low, high = figure["low"], figure["high"]
            span = f"{100 * low:.0f} – {high:.0%}" if share else f"{low:.2f} – {high:.2f}"
            column.caption(_("95 %: {span}", span=span))
    if agreed["alpha"] is not None:
        st.markdown(_in_words(agreed["alpha"]))


def _in_words(alpha: Mapping[str, float]) -> str:
    """What alpha allows, by the low end of its interval as well."""
    if alpha["low"] >= RELIABLE:
        return _(
            "People agree well enough to rely on the labels: all of alpha's interval is above {limit}.", limit=RELIABLE
        )
    if alpha["value"] >= TENTATIVE:
        return _(
            "People agree fairly well. Labels are reliable from an alpha of {limit} on, which its interval does not"
            " show yet: the charts tell where to sharpen the guidelines.",
            limit=RELIABLE,
        )
    return _(
        "People often disagree: below an alpha of {limit} labels are not reliable, and a model learns their"
        " contradictions. The charts tell which classes the guidelines should make clearer.",
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
            "With 95 % intervals, by a bootstrap over items. The dashed lines are at {low} and {high}: from there on"
            " tentative and firm conclusions are usual (Krippendorff 2004).",
            low=TENTATIVE,
            high=RELIABLE,
        )
    )


def _annotators(people: Mapping[str, Any], mine: str | None) -> None:
    rows = [
        {
            _("annotator"): annotator["name"],
            _("quality %"): None if annotator["quality"] is None else round(100 * annotator["quality"]),
            _("as the consensus %"): round(100 * annotator["agreement"]),
            _("answers"): annotator["answers"],
            _("most often wrong about"): annotator["worst"],
        }
        for annotator in people["annotators"]
        if mine in (None, annotator["name"])
    ]
    if rows:
        st.markdown("**" + _("Annotators") + "**")
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch", key="agreement-annotators")
        st.caption(
            _(
                "Quality is CROWDLAB's: how far this annotator's answers fit what the others and the model say."
                " An estimate for a talk, no verdict: hard items make everybody look worse."
            )
        )


def _fast(people: Mapping[str, Any], mine: str | None) -> None:
    suspects = {name: counts for name, counts in people["fast"].items() if counts[0] and mine in (None, name)}
    if not suspects:
        st.caption(_("No answer was much faster than is usual for its annotator and for everybody."))
        return
    names = [
        _("{name}: {fast:,} of {n:,} answers", name=name, fast=fast, n=n)
        for name, (fast, n) in sorted(suspects.items(), key=lambda entry: -entry[1][0])
    ]
    st.warning(
        _("Much faster than is usual for the annotator and for everybody: {who}.", who="; ".join(names)),
        icon=":material/speed:",
    )
