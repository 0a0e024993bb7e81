"""What the latest map of the pool says: predictions with probabilities, and the jobs that bring it up to date."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from labeler.access.users import User
from labeler.core import decisions
from labeler.core.jobs import MapJob, MapRequest
from labeler.core.labels import texts_of
from labeler.core.settings import Config
from labeler.i18n.messages import _, translate
from labeler.jobs import maps
from labeler.projects import pool_map, predictions
from labeler.projects.pool_map import PoolMap
from labeler.projects.project import Project
from labeler.store import Store
from pages.shared.background import Watched, active, announced, step, watch

NAME = "map"  # of these jobs in the keys of widgets


@dataclass(frozen=True)
class Opinions:
    """A model's predictions for the pool's items, by ascending id. proba: (n, C) over the project's classes.

    answers: (n,) class indices, or (n, C) bool. confidence: (n,) the probability of each answer. made_at: when their
    file was written, in ns.
    """

    items: np.ndarray
    proba: np.ndarray
    answers: np.ndarray
    confidence: np.ndarray
    config: Config
    made_at: int

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """(k,) the row of each of these items; −1 where there is no prediction for it."""
        places = np.minimum(np.searchsorted(self.items, ids), max(len(self.items) - 1, 0))
        if not len(self.items):
            return np.full(len(ids), -1)
        return np.where(self.items[places] == ids, places, -1)

    def labels(self, rows: np.ndarray) -> list[str | None]:
        """The predicted label of each row; None for −1."""
        texts = iter(texts_of(self.answers[rows[rows >= 0]].astype(np.intp), self.config))
        return [next(texts) if row >= 0 else None for row in rows.tolist()]

    def is_predicted(self, number: int) -> np.ndarray:
        """(n,) bool: whether the class of this number is predicted."""
        return self.answers[:, number] if self.answers.ndim == 2 else self.answers == number


def opinions(project: Project, store: Store) -> Opinions | None:
    """The predictions of the latest map; None where there are none, or a class was split since."""
    try:
        made_at = (project.exports / predictions.POOL).stat().st_mtime_ns
    except OSError:
        return None
    return _opinions(project, store, (str(project.folder), repr(project.config), store.class_changes.latest(), made_at))


@st.cache_resource(max_entries=5, show_spinner=False)  # many megabytes, which nobody changes
def _opinions(_project: Project, _store: Store, key: tuple[str, str, int, int]) -> Opinions | None:
    kept = predictions.kept(_project, _store, predictions.POOL)
    if kept is None:
        return None
    answers = decisions.predicted(kept.proba, _project.config.several)
    confidence = decisions.proba_of_items(kept.proba, answers)
    return Opinions(kept.items, kept.proba, answers, confidence, _project.config, key[3])


def places(project: Project) -> PoolMap | None:
    """The latest map; None before the first."""
    return pool_map.kept(project)


def bring_up_to_date(project: Project, user: User) -> None:
    """Ask for a map if the latest is of an earlier state of the project, and say how far it is."""
    with project.store() as store:
        jobs, now, latest = store.maps.all(), maps.state_of(store), store.rounds.latest()
        if latest is None:
            st.caption(_("Predictions, similar items and the map come with the first round."))
            return
        is_there = places(project) is not None
        if not active(jobs) and not any(job.request == now and (is_there or job.state != "done") for job in jobs):
            store.maps.request(now, user.name)
            jobs = store.maps.all()
    announced(NAME)
    watch(Watched(NAME, partial(_read, project), _progress, partial(_cancel, project), _title), jobs)
    newest = jobs[0]
    if newest.state in ("failed", "cancelled"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                translate(newest.error)
                if newest.error
                else _("Predictions and the map are of an earlier round: bringing them up to date was cancelled.")
            )
            if st.button(_("Try again"), icon=":material/refresh:", key="items-map-again"):
                _request(project, user, now)


def _title(_job: MapJob) -> str:
    return _("Predictions, similar items and the map are brought up to date")


def _request(project: Project, user: User, now: MapRequest) -> None:
    with project.store() as store:
        store.maps.request(now, user.name)
    st.rerun()


def _read(project: Project) -> list[MapJob]:
    with project.store() as store:
        return store.maps.all()


def _progress(job: MapJob) -> str:
    if not job.total:
        return _("Predictions and the map are brought up to date: {message}", message=step(job))
    return _(
        "Predictions and the map are brought up to date: {message}, {done:,} of {total:,}",
        message=step(job),
        done=job.done,
        total=job.total,
    )


def _cancel(project: Project, job: MapJob) -> str:
    with project.store() as store:
        store.maps.cancel(job.id)
    return _("It is cancelled.")
