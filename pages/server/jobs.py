"""What runs and what waits, over all projects."""

import pandas as pd
import streamlit as st

from labeler.core.errors import LabelerError
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _, n_, translate
from labeler.projects import project as projects
from labeler.store.workload import WorkRow
from pages.shared.access import project_folders
from pages.shared.tables import show_table
from pages.shared.times import local_time


def jobs() -> None:
    """A row for each job, what runs first."""
    rows, explanations = [], 0
    for folder in project_folders().values():
        try:
            project = projects.open_project(folder)
            with project.store() as store:
                rows += [_row(project.config.name, job) for job in store.workload.open()]
                explanations += store.workload.explanations()
        except LabelerError:
            continue
    if not rows and not explanations:
        st.caption(_("Nothing runs and nothing waits."))
    if rows:
        show_table(
            pd.DataFrame(rows).sort_values("is_queued", kind="stable").drop(columns="is_queued"),
            key="server-jobs",
            columns={_("progress"): st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)},
        )
    if explanations:
        st.caption(n_("{n:,} item waits to be explained.", "{n:,} items wait to be explained.", explanations))


def _row(name: str, job: WorkRow) -> dict[str, object]:
    return {
        _("project"): name,
        _("job"): _(job.kind),
        _("state"): _("is waiting") if job.state == "queued" else _("is running"),
        _("step"): plain(translate(job.message)),
        _("progress"): min(job.done / job.total, 1.0) if job.total else None,
        _("since"): local_time(job.since),
        _("attempts"): job.attempts,
        "is_queued": job.state == "queued",
    }
