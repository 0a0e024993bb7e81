"""The members of a project: their roles, and the form that gives one."""

from typing import cast

import pandas as pd
import streamlit as st

from labeler.access import accounts as access
from labeler.access.roles import ROLE_NAMES, ROLES
from labeler.access.users import Role, User
from labeler.core.errors import LabelerError
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _, mark, translate
from labeler.projects.project import Project
from labeler.store.accounts import Account
from pages.shared.access import acting
from pages.shared.background import announce

NAME = "members"  # of the page's message, see `announce`
WHAT_ROLES_MAY = mark(
    "Annotators label and see the curve. Reviewers also decide about labels on the Review page. Leads do everything in"
    " the project. Auditors read everything and change nothing."
)


def members_of(project: Project, user: User) -> None:
    """The members of a project with their roles, and the form that gives roles."""
    members = access.accounts().members.of_project(project.uid)
    if members:
        st.dataframe(
            pd.DataFrame([{"name": _shown(account), "role": _(ROLE_NAMES[role])} for account, role in members]),
            hide_index=True,
            width="stretch",
            placeholder="–",
            column_config={
                "name": st.column_config.TextColumn(_("Name")),
                "role": st.column_config.TextColumn(_("Role")),
            },
        )
    else:
        st.caption(_("Nobody is a member yet. Admins may do everything all the same."))
    st.caption(_(WHAT_ROLES_MAY))
    role_of = {account.id: role for account, role in members}
    offered = [a for a in access.accounts().accounts.all() if not a.disabled_at or a.id in role_of]
    names = {account.id: account.name for account in offered}
    if not names:
        return
    shown = {account.id: _shown(account) for account in offered}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.selectbox(_("Who"), [*names], format_func=shown.__getitem__, key="member", width=260)
        choices = [*ROLES, ""]
        role = st.selectbox(
            _("Role"),
            choices,
            index=choices.index(role_of.get(number, ROLES[0])),
            format_func=lambda role: _(ROLE_NAMES[role]) if role else _("no member"),
            key=f"member-role-{number}",  # each begins with the role that the member has
            width=200,
        )
        if not st.button(_("Save"), key="member-save"):
            return
    try:
        access.change_role(user, names[number], project.uid, cast(Role, role) or None, acting())
    except LabelerError as error:
        st.error(translate(error))
        return
    announce(NAME, _("{name}: {role}", name=names[number], role=_(ROLE_NAMES[role]) if role else _("no member")))
    st.rerun()


def _shown(account: Account) -> str:
    """The name of an account, and whether it is disabled."""
    return plain(_("{name} (disabled)", name=account.name)) if account.disabled_at else account.name
