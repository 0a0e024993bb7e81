"""The backups of the home: the last one and its check, the next one, and what the check of the databases found."""

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from labeler.access.home import home
from labeler.core.errors import LabelerError
from labeler.core.running import running
from labeler.i18n.messages import _, load, n_, translate
from labeler.jobs.keeper import Kept, ask_for_backup, is_asked, kept
from labeler.projects import backup_settings, backups
from labeler.projects.backups import Backup
from pages.server.disk import in_units
from pages.shared.access import is_allowed
from pages.shared.figures import figures_in_a_row
from pages.shared.times import local_time

_BELOW: dict[str, Any] = {"delta_color": "off", "delta_arrow": "off"}  # what stands below a figure is no change of it


def backups_of_the_home() -> None:
    """The figures of the last backup, what failed, what is damaged, and the button that makes a backup."""
    try:
        place, next_at = backup_settings.place(home()), backup_settings.next_at(home(), datetime.now(UTC))
        last = backups.latest(place, home().name)
    except LabelerError as error:
        st.error(translate(error))
        return
    here, state = running(home()), kept(home())
    is_served = here is not None and here.is_served
    if last:
        _figures(last, next_at if is_served else None)
    elif next_at is None:
        st.warning(
            _("No backup is made: `home.toml` says `every = 0`, and there is none yet."), icon=":material/backup:"
        )
    elif is_served:
        st.info(_("The first backup is being made."), icon=":material/backup:")
    else:
        st.warning(_("There is no backup yet: `labeler serve` makes them."), icon=":material/backup:")
    _problems(state, last)
    asked = is_asked(home())
    words = _("A backup is being made …") if asked else _("Back up now")
    clicked = st.button(words, icon=":material/backup:", disabled=asked or not is_served, key="backup-now")
    if clicked and is_allowed(None, "see_server"):
        ask_for_backup(home())
        st.rerun(scope="fragment")
    st.caption(
        _(
            "In {place}. `home.toml` says how often, where and how long; `labeler restore` brings one back into a new"
            " folder. A backup on the same disk does not outlive the disk.",
            place=str(place),
        )
    )


def _figures(last: Backup, next_at: datetime | None) -> None:
    made, size, check, following = figures_in_a_row(4)
    manifest = last.manifest
    made.metric(_("Last backup"), local_time(manifest.made_at)[5:16], local_time(manifest.made_at)[17:], **_BELOW)
    size.metric(_("Size"), in_units(manifest.size), n_("{n:,} file", "{n:,} files", len(manifest.files)), **_BELOW)
    verified = _("verified") if last.is_whole else _("not whole")
    check.metric(_("Check"), verified, _("in {seconds:.1f} s", seconds=manifest.seconds), **_BELOW)
    if next_at is not None:
        following.metric(_("Next"), local_time(max(next_at, datetime.now(UTC)).isoformat())[5:16])


def _problems(state: Kept, last: Backup | None) -> None:
    if state.failed:
        st.error(
            _("The backup of {at} failed.", at=local_time(state.failed_at)) + " " + translate(load(state.failed)),
            icon=":material/error:",
        )
    for name, reason in (last.manifest.left_out if last else {}).items():
        st.error(
            _("{name} is not in the last backup.", name=name) + " " + translate(load(reason)), icon=":material/error:"
        )
    for name, problem in state.damaged.items():
        st.error(
            _(
                "{name} is damaged ({problem}). Stop the server and run `labeler check {folder}`: it says what to do.",
                name=name,
                problem=problem,
                folder=home(),
            ),
            icon=":material/database_off:",
        )
    if state.checked_at and not state.damaged:
        st.caption(_("The databases were checked at {at}: all are whole.", at=local_time(state.checked_at)))
