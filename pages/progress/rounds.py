"""All rounds as a table, how each was trained, and what was labeled."""

import pandas as pd
import streamlit as st

from labeler.core.rounds import Round
from labeler.core.settings import Config
from labeler.i18n.messages import _
from labeler.projects.project import Project
from labeler.report import charts
from pages.progress.training import trained
from pages.shared.times import local_time


def rounds(project: Project) -> None:
    with project.store() as store:
        finished, counts = store.rounds.all(), store.items.counts()
    if finished:
        st.dataframe(
            pd.DataFrame([_row(r, project.config) for r in reversed(finished)]),
            hide_index=True,
            width="stretch",
            placeholder="–",
        )
        trained(project, finished)
    if not counts.labeled:
        st.info(_("No item of the pool has a label yet."), icon=":material/bar_chart:")
        return
    st.subheader(_("Pool labels of each class"))
    st.altair_chart(charts.class_counts(dict(counts.per_class)), width="stretch")


def _row(r: Round, config: Config) -> dict[str, object]:
    m = r.metrics
    micro = {_("micro F1"): m and m.micro_f1 and round(m.micro_f1, 4)} if config.several else {}
    return {
        _("round"): r.number,
        _("pool labels"): r.labels,
        _(config.accuracy): m and round(m.accuracy, 4),
        _("from"): m and round(m.low, 4),
        _("to"): m and round(m.high, 4),
        _("macro F1"): m and round(m.macro_f1, 4),
        **micro,
        _("calibration error"): m and m.calibration_error and round(m.calibration_error, 4),
        _("query strategy"): r.strategy,
        _("training s"): round(r.train_seconds, 2),
        _("query s"): round(r.query_seconds, 2),
        _("finished"): local_time(r.finished_at),
    }
