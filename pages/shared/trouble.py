"""What stands in place of a page whose database cannot be used: what it means, and what to do. Other projects go on."""

import streamlit as st

from labeler.access.home import home
from labeler.core.errors import DamagedError, DatabaseError, FullError, LabelerError, NewerError, ReadOnlyError
from labeler.i18n.messages import _, mark, translate
from labeler.projects import backup_settings, backups
from pages.shared.access import is_allowed
from pages.shared.choices import chosen
from pages.shared.left_out import left_out
from pages.shared.times import local_time

# Its title, its icon, and what it means to those who label.
TROUBLES: dict[type[DatabaseError], tuple[str, str, str]] = {
    DamagedError: (
        mark("A database is damaged"),
        ":material/database_off:",
        mark(
            "Nothing more is written to it. Answers that are on their way stay in the browsers, and other projects go"
            " on. Those who run the server can save what is whole, or restore the last backup."
        ),
    ),
    FullError: (
        mark("The disk of the server is full"),
        ":material/hard_drive:",
        mark(
            "Everything that was acknowledged is stored. New answers stay in the browsers, and are sent by themselves"
            " once there is space."
        ),
    ),
    ReadOnlyError: (
        mark("A database cannot be written"),
        ":material/lock:",
        mark(
            "Nothing is lost. New answers stay in the browsers, and are sent by themselves once the server may write"
            " again. Other projects go on."
        ),
    ),
    NewerError: (
        mark("This project was used with a newer version"),
        ":material/update:",
        mark("Nothing in it was changed. Those who run the server can update it. Other projects go on."),
    ),
}


def trouble(error: DatabaseError) -> None:
    """Say what is wrong with a database; those who run the server read which file it is and what to do."""
    title, icon, meaning = TROUBLES[type(error)]
    st.title(_(title))
    st.error(_(meaning), icon=icon)
    if not is_allowed(None, "see_server"):
        st.caption(_("Tell those who run this server."))
        return
    st.markdown(translate(error))
    if isinstance(error, DamagedError | NewerError):
        _last_backup()
    if not left_out(home() / chosen("project", ""), error):
        st.button(_("Try again"), icon=":material/refresh:")


def _last_backup() -> None:
    """When the last backup that has the project was made, and the command that restores it."""
    folder, slug = home(), chosen("project", "")
    try:
        last = backups.latest_with(backup_settings.place(folder), folder.name, slug)
    except LabelerError as error:  # the settings of the home
        st.error(translate(error))
        return
    if last is None:
        st.warning(_("There is no backup of this project that this version can open."), icon=":material/backup:")
        return
    st.markdown(
        _(
            "The last backup that has it is of {at}, and was verified then. Stop the server, move the project's folder"
            " away, and restore it:",
            at=local_time(last.manifest.made_at),
        )
    )
    st.code(backups.command(last, folder / slug, slug), language=None, wrap_lines=True)
