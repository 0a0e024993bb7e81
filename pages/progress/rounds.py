"""All rounds as a table, how each was trained, and what was labeled."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from labeler.core.rounds import Metrics, Round
from labeler.core.settings import Config
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _
from labeler.projects.project import Project
from labeler.report import charts
from pages.progress.training import trained
from pages.shared.access import is_allowed
from pages.shared.tables import show_table
from pages.shared.times import local_time


def rounds(project: Project) -> None:
    with project.store() as store:
        finished, counts, backbones = store.rounds.all(), store.items.counts(), store.rounds.backbones()
        outside = store.class_changes.outside()
    if finished:
        table = pd.DataFrame([_row(r, project.config) for r in reversed(finished)])
        if len(set(backbones.values())) > 1:
            table.insert(2, _("backbone"), [backbones[r.number] for r in reversed(finished)])
        percent, seconds = (st.column_config.NumberColumn(format=form) for form in ("%.1f%%", "%.1f"))
        columns = dict.fromkeys(_shares(project.config), percent) | {
            _("training (s)"): seconds,
            _("query (s)"): seconds,
        }
        show_table(table, columns)
        trained(project, finished)
    if not is_allowed(project, "see_holdout"):  # it counts the pool's labels apart
        return
    if not counts.labeled:
        st.info(_("No item of the pool has a label yet."), icon=":material/bar_chart:")
        return
    st.subheader(_("Pool labels of each class"))
    st.altair_chart(charts.class_counts(dict(counts.per_class)), width="stretch")
    if outside:
        names = ", ".join(escaped(name) for name in outside)
        st.caption(_("Labels of classes that the project does not have are not shown: {names}.", names=names))


def _shares(config: Config) -> dict[str, Callable[[Metrics], float | None]]:
    """The columns of percentages, by their names."""
    micro: dict[str, Callable[[Metrics], float | None]] = {_("micro F1"): lambda m: m.micro_f1}
    return {
        _(config.accuracy): lambda m: m.accuracy,
        _("from"): lambda m: m.low,
        _("to"): lambda m: m.high,
        _("macro F1"): lambda m: m.macro_f1,
        **(micro if config.several else {}),
        _("calib. error"): lambda m: m.calibration_error,
    }


def _row(r: Round, config: Config) -> dict[str, object]:
    values = {name: share(r.metrics) if r.metrics else None for name, share in _shares(config).items()}
    return {
        _("round"): r.number,
        _("pool labels"): r.labels,
        **{name: None if value is None else 100 * value for name, value in values.items()},
        _("strategy"): r.strategy,
        _("finished"): local_time(r.finished_at),
        _("training (s)"): r.train_seconds,
        _("query (s)"): r.query_seconds,
    }
