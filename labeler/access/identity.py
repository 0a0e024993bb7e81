"""Who somebody is, as an identity provider or a proxy says it, as an account of this home."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, cast, get_args

from labeler.access.accounts import (
    accounts,
    add_account,
    as_user,
    begin_session,
    checked_name,
    digest,
    give_role,
    user_of_secret,
)
from labeler.access.settings import access_settings
from labeler.access.users import Role, User
from labeler.core.actor import SYSTEM, Actor
from labeler.core.errors import AccessError
from labeler.store.accounts import Account

PROXY = "proxy"  # the issuer of identities that a proxy says


def user_of_provider(
    claims: Mapping[str, Any],
    address: str,
    names_in_use: Callable[[], Collection[str]],
    uids: Callable[[], Mapping[str, str]],
) -> User | None:
    """The user of a log-in at an OpenID provider, known by issuer and subject; the first log-in makes an account.

    Args:    claims: of the identity token. names_in_use: names in casefold under which answers are stored; nobody new
             gets one of them. uids: the uid of each project, by its folder's name; asked for at a new log-in only.
    Returns: None where that log-in was ended here, or the account is disabled: one has to log in again.
    Raises:  AccessError: the token does not say who it is.
    """
    issuer, subject = str(claims.get("iss") or ""), str(claims.get("sub") or "")
    if not (issuer and subject):
        raise AccessError("The identity provider does not say who you are: its token has no issuer or no subject.")
    settings = access_settings().oidc
    wanted = claims.get(settings.name_claim) or claims.get("email") or claims.get("name") or subject
    account = _account_of(issuer, subject, str(wanted), names_in_use)
    # Each log-in is a session of its own. The time at which the token was issued tells them apart.
    key = f"{issuer} {subject} {claims.get('iat') or claims.get('auth_time') or claims.get('exp') or ''}"
    secret = digest(key)
    if accounts().sessions.is_new(digest(secret)):
        _take_over_roles(account, str(wanted), claims, uids())
        begin_session(account, address, secret=secret)
    return user_of_secret(secret)


def user_of_proxy(name: str, address: str, names_in_use: Callable[[], Collection[str]]) -> User | None:
    """The user whose name a proxy has checked; None where the account is disabled."""
    account = _account_of(PROXY, name, name, names_in_use)
    if account.disabled_at:
        return None
    if account.is_admin != (name in access_settings().admins):
        _set_admin(account, not account.is_admin)
        account = _account_of(PROXY, name, name, names_in_use)
    number = accounts().sessions.latest_of(account.id, time.time(), 3600 * access_settings().session_hours)
    if number is None:
        return user_of_secret(begin_session(account, address))
    return as_user(account, number)


def _account_of(issuer: str, subject: str, wanted: str, names_in_use: Callable[[], Collection[str]]) -> Account:
    """The account of an identity, made where there is none, under the name wanted or one like it that is free."""
    table = accounts().accounts
    if account := table.by_identity(issuer, subject):
        return account
    try:
        name = checked_name(wanted)
    except AccessError:
        name = checked_name(f"user {digest(f'{issuer} {subject}')[:8]}")
    taken, candidate, number = set(names_in_use()), name, 2
    while table.by_name(candidate) or candidate.casefold() in taken:
        candidate, number = f"{name} {number}", number + 1
    return add_account(candidate, identity=(issuer, subject), by=Actor(candidate, "page"))


def _take_over_roles(account: Account, name: str, claims: Mapping[str, Any], uids: Mapping[str, str]) -> None:
    """Give an account the roles that the provider's claim maps to; a claim without a mapping changes nothing."""
    settings = access_settings()
    values = claims.get(settings.oidc.role_claim) or ()
    groups = {values} if isinstance(values, str) else {str(value) for value in values}
    mapped = [role for value, role in settings.oidc.roles.items() if value in groups]
    if settings.admins or "admin" in settings.oidc.roles.values():
        _set_admin(account, "admin" in mapped or name in settings.admins)
    for entry in mapped:
        folder, _, role = entry.rpartition(":")
        if role in get_args(Role):
            for uid in [uids[folder]] if folder in uids else list(uids.values()) if not folder else []:
                give_role(account, uid, cast(Role, role), Actor(SYSTEM, "page"))


def _set_admin(account: Account, is_admin: bool) -> None:
    """Take over from settings or provider whether somebody is an admin. They may leave a home without one."""
    if account.is_admin != is_admin:
        store = accounts()
        with store.db.write():
            store.accounts.set_admin(account.id, is_admin)
            store.audit.record(Actor(SYSTEM, "page"), "admin", {"name": account.name}, account.is_admin, is_admin)
