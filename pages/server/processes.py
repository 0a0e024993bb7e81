"""The processes of the server: whether each runs, since when, and how it ended last."""

import re
from datetime import UTC, datetime

import streamlit as st

from labeler.access.home import home
from labeler.core.running import Condition, ProcessState, running
from labeler.i18n.messages import _, mark, n_
from pages.shared.times import local_time

NAMES = {"app": mark("App"), "worker": mark("Worker"), "explainer": mark("Explainer"), "standby": mark("Standby")}
TASKS = {
    "app": mark("shows the pages and stores answers"),
    "worker": mark("trains rounds and runs the other jobs"),
    "explainer": mark("explains items to annotators who ask"),
    "standby": mark("copies the home to its standby"),
}
# One of several that `labeler serve --processes` starts before the app: desk-1, desk-2, …
DESK = re.compile(r"desk-(?P<number>\d+)")
CONDITIONS: dict[Condition, tuple[str, str, str]] = {
    "running": (mark("running"), "green", ":material/check_circle:"),
    "silent": (mark("no sign of life"), "orange", ":material/hourglass_disabled:"),
    "ended": (mark("does not run"), "red", ":material/cancel:"),
}


def processes() -> None:
    """A line for each process."""
    here = running(home())
    if here is None:
        st.info(
            _("No `labeler serve` runs for this home: rounds wait until one does. Only the app was started."),
            icon=":material/info:",
        )
        return
    if not here.is_served:
        st.error(
            _("`labeler serve` has ended or is stuck: start it again. What ends now is not restarted."),
            icon=":material/error:",
        )
    for process in here.processes:
        with st.container(border=True, gap=None):
            _line(process, here.condition(process))


def _line(process: ProcessState, condition: Condition) -> None:
    words, colour, icon = CONDITIONS[condition]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{name_in_words(process.name)}**", width="content")
        st.badge(_(words), color=colour, icon=icon)  # type: ignore[arg-type]
        st.caption(_task(process.name), width="content")
    if process.is_elsewhere:
        facts = [_("not started by `labeler serve`: `labeler worker` runs beside it, such as in a container")]
    elif condition == "ended":
        facts = [_("since {at}", at=local_time(process.ended_at or process.since))]
    else:
        facts = [_("since {at} ({long})", at=local_time(process.since), long=_duration(process.since))]
    if process.ends:
        facts.append(
            n_("ended {n:,} time without being asked to", "ended {n:,} times without being asked to", process.ends)
        )
        facts.append(_("last: {at}, {how}", at=local_time(process.ended_at), how=how_in_words(process.ended_how)))
    st.caption(" · ".join(facts))


def name_in_words(name: str) -> str:
    """What the process of this name is called."""
    if desk := DESK.fullmatch(name):
        return _("Desk {n}", n=desk["number"])
    return _(NAMES.get(name, name))


def _task(name: str) -> str:
    if DESK.fullmatch(name):
        return _("stores answers and serves pictures")
    return _(TASKS[name]) if name in TASKS else ""


def how_in_words(how: str) -> str:
    """How a process ended."""
    if how == "SIGKILL":
        return _("killed from outside (SIGKILL), as the system does where memory runs out")
    if how.startswith("SIG"):
        return _("ended by the signal {name}", name=how)
    return _("exit code {code}", code=how)


def _duration(since: str) -> str:
    """How long ago something was, in its largest unit."""
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()))
    if seconds < 60:
        return n_("{n} second", "{n} seconds", seconds)
    if seconds < 3600:
        return n_("{n} minute", "{n} minutes", seconds // 60)
    if seconds < 2 * 86_400:
        return n_("{n} hour", "{n} hours", seconds // 3600)
    return n_("{n} day", "{n} days", seconds // 86_400)
