"""The accounts of the home, for admins."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from labeler.access import accounts as access
from labeler.access.settings import access_mode
from labeler.core.errors import AccessError
from labeler.i18n.messages import _, translate
from labeler.store.accounts import Account
from pages.members.invitations import show_link
from pages.members.roles import NAME
from pages.shared.access import acting
from pages.shared.background import announce
from pages.shared.times import local_time


def accounts_of_home() -> None:
    """All accounts, for admins: who may log in, who is an admin, a link for a new password."""
    everybody = access.accounts().accounts.all()
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "name": account.name,
                    "admin": account.is_admin,
                    "disabled": account.disabled_at is not None,
                    "since": local_time(account.created_at),
                }
                for account in everybody
            ]
        ),
        hide_index=True,
        width="stretch",
        placeholder="–",
        column_config={
            "name": st.column_config.TextColumn(_("Name")),
            "admin": st.column_config.CheckboxColumn(_("Admin")),
            "disabled": st.column_config.CheckboxColumn(_("Disabled")),
            "since": st.column_config.TextColumn(_("Since")),
        },
    )
    by_id = {account.id: account for account in everybody}
    number = st.selectbox(
        _("Account"), [*by_id], format_func=lambda number: by_id[number].name, key="account", width=260
    )
    account = by_id[number]
    with st.container(horizontal=True):
        if st.button(_("Let in again") if account.disabled_at else _("Disable"), key="account-disable"):
            _try(lambda: access.disable(account, acting(), not account.disabled_at), account)
        if st.button(_("No admin any more") if account.is_admin else _("Make an admin"), key="account-admin"):
            _try(lambda: access.set_admin(account, not account.is_admin, acting()), account)
        if access_mode() == "local" and st.button(_("Link for a new password"), key="account-reset"):
            show_link(access.reset_link(acting(), account))
    st.caption(_("Disabling ends all log-ins of an account at once. Its answers stay."))


def _try(change: Callable[[], None], account: Account) -> None:
    try:
        change()
    except AccessError as error:
        st.error(translate(error))
    else:
        announce(NAME, _("Saved: {name}", name=account.name))
        st.rerun()
