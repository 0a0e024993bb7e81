"""The standby of the home: up to which moment it has everything, and what keeps it from going on."""

from datetime import UTC, datetime

import streamlit as st

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.core.running import running
from labeler.i18n.messages import _, load, translate
from labeler.jobs.following import Following, following
from labeler.projects.backup_settings import StandbySettings, home_settings
from pages.server.disk import in_units
from pages.shared.figures import figures_in_a_row
from pages.shared.times import local_time

LATE_AFTER = 5  # rounds without one that was complete


def standby_of_the_home() -> None:
    """How far the copy is behind, or how to have one."""
    try:
        settings = home_settings(home()).standby
    except LabelerError as error:
        st.error(translate(error))
        return
    if not settings.to:
        st.caption(
            _(
                "There is none. `labeler standby {home} --to FOLDER` lets another host go on when this one is lost.",
                home=home(),
            )
        )
        return
    state, here = following(home()), running(home())
    if state is None or state.to != settings.to or not state.holds:
        st.info(_("The first copy is being made."), icon=":material/cloud_sync:")
    else:
        _figures(state, settings, is_served=here is not None and here.is_served)
    if state and state.problem:
        words = _("The standby is not up to date since {at}.", at=local_time(state.since))
        st.error(f"{words} {translate(load(state.problem))}", icon=":material/error:")
    st.caption(
        _(
            "In {folder}. There, `labeler take-over {folder}` makes the copy the home once this server stores nothing.",
            folder=settings.to,
        )
    )


def _figures(state: Following, settings: StandbySettings, is_served: bool) -> None:
    holds, behind, last = figures_in_a_row(3)
    late = (datetime.now(UTC) - datetime.fromisoformat(state.holds)).total_seconds()
    holds.metric(_("Holds everything until"), local_time(state.holds)[5:19])
    behind.metric(_("Behind"), _("{seconds:.1f} s", seconds=late))
    last.metric(
        _("Last copy"), in_units(state.bytes), _("in {seconds:.1f} s", seconds=state.seconds), delta_color="off"
    )
    if is_served and late > LATE_AFTER * settings.every and not state.problem:
        st.warning(_("The last copy takes longer than usual."), icon=":material/hourglass_top:")
