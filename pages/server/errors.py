"""What went wrong lately: jobs that failed in the projects, and problems that the processes logged."""

import pandas as pd
import streamlit as st

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.core.logs import Problem, recent_problems
from labeler.i18n.markdown import escaped, plain
from labeler.i18n.messages import _, translate
from labeler.jobs.attendance import Name, Trouble, troubles_of
from labeler.projects import project as projects
from labeler.store.workload import WorkRow
from pages.server.processes import NAMES, name_in_words
from pages.shared.access import project_folders
from pages.shared.tables import show_table
from pages.shared.times import local_time

MOST = 50


def errors() -> None:
    """A row for each, the latest first; above them the projects that cannot be opened."""
    all_open, rows = True, [_logged(problem) for problem in recent_problems(home(), MOST)]
    for folder in project_folders().values():
        rows += [_left_out(name, trouble) for name, trouble in troubles_of(home(), folder).items()]
        try:
            project = projects.open_project(folder)
            with project.store() as store:
                rows += [_failed(project.config.name, job) for job in store.workload.failed(MOST)]
        except LabelerError as error:
            st.error(f"{escaped(folder.name)}: {translate(error)}")
            all_open = False
    if not rows:
        if all_open:
            st.caption(_("Nothing went wrong lately."))
        return
    latest = sorted(rows, key=lambda row: row["at"], reverse=True)[:MOST]
    table = pd.DataFrame(latest).drop(columns="at")
    show_table(
        table.loc[:, (table != "").any()],  # most errors have no place in the code
        key="server-errors",
        columns={_("what"): st.column_config.TextColumn(width="large")},
    )
    st.caption(_("The log of `labeler serve` has the details. What people imported or wrote is not in this list."))


def _failed(name: str, job: WorkRow) -> dict[str, str]:
    return {
        "at": job.finished_at,
        _("when"): local_time(job.finished_at),
        _("what"): f"{_(job.kind)} {job.id}: {plain(translate(job.error))}",
        _("where"): name,
        _("place in the code"): "",
    }


def _left_out(name: Name, trouble: Trouble) -> dict[str, str]:
    return {
        "at": trouble.since,
        _("when"): local_time(trouble.since),
        _("what"): plain(translate(trouble.message)),
        _("where"): f"{_(NAMES[name])} · {trouble.project}",
        _("place in the code"): "",
    }


def _logged(problem: Problem) -> dict[str, str]:
    what = " · ".join(part for part in (problem.event, problem.kind, problem.message) if part)
    place = name_in_words(problem.process)
    return {
        "at": problem.at,
        _("when"): local_time(problem.at),
        _("what"): what,
        _("where"): f"{place} · {problem.project}" if problem.project else place,
        _("place in the code"): problem.where,
    }
