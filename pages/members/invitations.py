"""Invitations to a project: the form that makes a link, and the links that can be used still."""

import time
from datetime import UTC, datetime
from urllib.parse import urljoin

import streamlit as st

from labeler.access import accounts as access
from labeler.access.roles import ROLE_NAMES, ROLES
from labeler.core.errors import AccessError
from labeler.i18n.messages import _, translate
from labeler.projects.project import Project
from pages.shared.access import acting
from pages.shared.times import local_time


def invite_to(project: Project) -> None:
    """The form that makes an invitation, and those that are open."""
    with project.store() as store:
        taken = {account.name.casefold() for account in access.accounts().accounts.all()}
        earlier = [person.name for person in store.team.all() if person.name.casefold() not in taken]
    st.caption(
        _(
            "Whoever opens the link chooses a password, and a name if you leave it open. The link works once, for a"
            " week. Send it to that person alone."
        )
    )
    with st.form("invite", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            _("Name"),
            earlier,
            index=None,
            accept_new_options=True,
            placeholder=_("Chosen by who is invited"),
            help=_("Names that have answered here before and have no account are offered: their answers stay theirs."),
            key="invite-name",
            width=260,
        )
        role = st.selectbox(
            _("Role"), ROLES, format_func=lambda role: _(ROLE_NAMES[role]), key="invite-role", width=200
        )
        is_sent = st.form_submit_button(_("Make a link"))
    if is_sent:
        try:
            show_link(access.invite(acting(), name or None, project.uid, role))
        except AccessError as error:
            st.error(translate(error))
    for invitation in access.accounts().invitations.open_ones(project.uid, time.time()):
        with st.container(horizontal=True, vertical_alignment="center"):
            words = _(
                "{role}, until {time}", role=_(ROLE_NAMES[invitation.role or ""]), time=_until(invitation.expires_at)
            )
            name = invitation.name or _("name still open")
            st.text(f"{name} · {words}", width="stretch")
            if st.button(_("Take back"), key=f"take-back-{invitation.id}", type="tertiary"):
                access.accounts().invitations.use(invitation.id, time.time())
                st.rerun()


def _until(seconds: float) -> str:
    return local_time(datetime.fromtimestamp(seconds, UTC).isoformat())


def show_link(secret: str) -> None:
    """Show a link once. Only its hash is stored."""
    st.code(urljoin(st.context.url or "/", f"account/invitation/{secret}"), language=None, wrap_lines=True)
    st.caption(_("The link is shown only now."))
