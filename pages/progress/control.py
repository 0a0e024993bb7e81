"""What random sampling would have cost: measured from the items that were drawn at random, or why it cannot be."""

import streamlit as st

from labeler.core.setting_rules import LINEAR
from labeler.i18n.messages import _
from labeler.projects.next_step import NO_HOLDOUT, has_no_holdout
from labeler.projects.project import Project
from labeler.report.charts import control as control_charts
from labeler.report.sentences.control import drawn_at_random, sentences


def control(project: Project) -> None:
    with project.store() as store:
        audit, latest, share = store.audits.latest_report(), store.rounds.latest(), store.rounds.random_share()
        counts = store.items.counts()
    if has_no_holdout(counts):
        st.info(_(NO_HOLDOUT), icon=":material/casino:")
        return
    report = (audit or {}).get("control")
    if not report:
        st.info(_("The comparison with random sampling is measured after each round."), icon=":material/casino:")
        return
    current, measured = project.config.learner.head, report.get("head", LINEAR)
    if current != measured:
        st.info(
            _(
                "Measured with the head {measured}; from the next round on it is {current}, as the settings say.",
                measured=measured,
                current=current,
            ),
            icon=":material/model_training:",
        )
    for sentence in sentences(report):
        st.markdown(sentence)
    if latest and (at_random := drawn_at_random(latest.strategy, share, project.config.query)):
        st.markdown(at_random)
    if report["random"]:
        st.altair_chart(control_charts.control_chart(report, project.config.accuracy), width="stretch")
        measured_on = _(
            "Measured on {holdout} holdout items, with {arm} pool and holdout labels drawn at random. Both"
            " curves are of the same head on frozen features, so they differ only in the choice of the labels; the"
            " project's curve is smoothed.",
            holdout=report["holdout"],
            arm=report["arm"],
        )
        arrow = (
            " " + _("The orange arrow leads to the pool labels that the project needed for the same accuracy.")
            if control_charts.has_arrow(report)
            else ""
        )
        st.caption(measured_on + arrow)
