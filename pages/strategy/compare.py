"""Comparisons of strategies on labels that are known: asked for, watched, cancelled, read."""

from collections.abc import Iterable

import streamlit as st

from labeler.access.users import User
from labeler.core.jobs import Comparison
from labeler.i18n.messages import _
from labeler.jobs import comparisons
from labeler.projects.project import Project
from pages.shared.access import name_is_known
from pages.shared.background import Watched, step, watch
from pages.strategy.comparison_form import ask
from pages.strategy.comparison_results import UseButton, described, results

NAME = "comparison"  # of these jobs in the keys of widgets


def compare(project: Project, user: User, names: Iterable[str], use_button: UseButton) -> None:
    """The form, the running comparisons, and the results of those that have ended.

    Args: names: of the strategies to choose from.
    """
    jobs = _read(project)
    with st.expander(_("Start a comparison"), expanded=not jobs):
        if name_is_known(_("Go on"), "comparison"):
            ask(project, user, names)

    def cancel(job: Comparison) -> str:
        if comparisons.cancel(project, job.id):
            return _("Comparison {n} is cancelled.", n=job.id)
        return _("The comparison has ended already.")

    watch(Watched(NAME, lambda: _read(project), _progress, cancel, described), jobs)
    results(project, use_button)


def _read(project: Project) -> list[Comparison]:
    with project.store() as store:
        return store.comparisons.all()


def _progress(job: Comparison) -> str:
    if not job.total:
        return step(job)
    return _("{done:,} of {total:,} rounds, {doing}", done=job.done, total=job.total, doing=step(job))
