"""A page's view of background jobs: the progress of those that wait or run, a button that cancels, and how they end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from labeler.core.jobs import BackgroundJob
from labeler.i18n.messages import _, translate
from pages.shared.language import fragment

AnyJob = BackgroundJob[Any]


@dataclass(frozen=True)
class Watched:
    """The background jobs of one kind, as a page shows them.

    name: of the kind, in the keys of widgets. read: gives all jobs, the latest first. progress: of a running job, in
    words. cancel: ends a job and returns the sentence that says so. title: of a job; None: it has none.
    """

    name: str
    read: Callable[[], Sequence[AnyJob]]
    progress: Callable[[AnyJob], str]
    cancel: Callable[[AnyJob], str]
    title: Callable[[AnyJob], str] | None = None


def active(jobs: Sequence[AnyJob]) -> list[AnyJob]:
    """The jobs that wait or run."""
    return [job for job in jobs if job.finished_at is None]


def watch(watched: Watched, jobs: Sequence[AnyJob]) -> None:
    """Show the jobs that wait or run, every second as long as there are any; the whole page reruns when one ends.

    Args: jobs: all of them, as the page has read them.
    """
    fragment(_watch, run_every=1 if active(jobs) else None)(watched)


def step(job: AnyJob) -> str:
    """The step that a running job is at, in words."""
    return translate(job.message) if job.message else _("starting")


def announce(name: str, sentence: str) -> None:
    """Have `announced` show a sentence once the page has rerun."""
    st.session_state[f"announced-{name}"] = sentence


def announced(name: str) -> None:
    """Show the sentence that was announced before the page reran."""
    if sentence := st.session_state.pop(f"announced-{name}", None):
        st.success(translate(sentence))


def _watch(watched: Watched) -> None:
    jobs, key = active(watched.read()), f"active-{watched.name}"
    before, now = st.session_state.get(key, []), [job.id for job in jobs]
    st.session_state[key] = now
    if set(before) - set(now):
        st.rerun()
    for job in jobs:
        with st.container(border=watched.title is not None):
            if watched.title:
                st.markdown(f"**{watched.title(job)}**")
            if job.state == "queued":
                st.caption(_("The job is waiting for the worker; rounds come first, and one such job runs at a time."))
            else:
                share = min(job.done / job.total, 1.0) if job.total else 0.0
                st.progress(share, text=f"{watched.progress(job)} …")
            if st.button(_("Cancel"), key=f"cancel-{watched.name}-{job.id}", icon=":material/cancel:"):
                announce(watched.name, watched.cancel(job))
                st.session_state[key] = [number for number in now if number != job.id]
                st.rerun()
