"""Accounts of this home: log-in and log-out, invitations, and the limit of attempts."""

import hashlib
import re
import secrets
import threading
import time
import unicodedata
from pathlib import Path

from labeler.access import passwords
from labeler.access.home import home
from labeler.access.settings import access_settings
from labeler.access.users import Role, User, is_reserved
from labeler.core.actor import Actor, actor_of_process
from labeler.core.errors import AccessError, ForbiddenError, LabelerError, MissingError
from labeler.store.accounts import Account, Accounts
from labeler.store.accounts.invitations import Invitation

FILE = "accounts.sqlite"
INVITATION_SECONDS = 7 * 86_400.0
RESET_SECONDS = 86_400.0
LONGEST_NAME = 60

# Failed log-ins are counted over this time. From these numbers on, each further one doubles the time until the next is
# looked at: of one name from one address, of one address, and of one name from all addresses. The last is large, so
# that nobody keeps somebody else out by guessing at their name.
WINDOW_SECONDS = 900.0
FREE_OF_BOTH, FREE_OF_ADDRESS, FREE_OF_NAME = 5, 30, 100


class _Open(threading.local):
    """The connection of a thread, with the file that it belongs to."""

    accounts: Accounts | None = None
    file: tuple[Path, int] | None = None


_open = _Open()


def accounts(folder: Path | None = None) -> Accounts:
    """The calling thread's connection to the accounts of a home, by default this one, which stays open."""
    path = (folder or home()) / FILE
    file = (path, path.stat().st_ino) if path.exists() else None
    if _open.accounts is None or file is None or file != _open.file:
        if _open.accounts:
            _open.accounts.close()
        _open.accounts = Accounts(path)
        _open.file = (path, path.stat().st_ino)
    return _open.accounts


def checked_name(name: str) -> str:
    """A name as an account has it.

    Raises: AccessError: it is empty, too long, reserved, or has characters that cannot be seen.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise AccessError("A name has 1 to {longest} characters.", longest=LONGEST_NAME)
    if is_reserved(name):
        raise AccessError("The name {name!r} is reserved: choose another.", name=name)
    if any(unicodedata.category(character)[0] == "C" for character in name) or re.search(r"\s\s", name):
        raise AccessError("A name has no characters that cannot be seen, and no two spaces in a row.")
    return name


# ---------------------------------------------------------------- sessions


def log_in(name: str, password: str, address: str, at: float | None = None) -> str:
    """The secret of a new session, for the cookie.

    Raises: AccessError: name or password is wrong (which, is not said), or there were too many wrong ones.
    """
    at = time.time() if at is None else at
    store = accounts()
    _check_attempts(store, name, address, at)
    account = store.accounts.by_name(name.strip())
    stored = store.accounts.password_of(account.id) if account else None
    if not passwords.is_right(password, stored) or account is None or account.disabled_at:
        store.failures.add(name.strip(), address, at, WINDOW_SECONDS)
        store.audit.record(Actor("", "page", address), "log-in refused", {"name": name.strip()[:LONGEST_NAME]})
        raise AccessError("The name or the password is wrong.")
    store.failures.forget(account.name, address)
    if stored and passwords.is_outdated(stored):
        store.accounts.set_password(account.id, passwords.hashed(password, account.name))
    return begin_session(account, address, at)


def begin_session(account: Account, address: str, at: float | None = None, secret: str = "") -> str:
    """The secret of a new session of somebody who has proved who they are: random, unless it is given."""
    secret, number, store = secret or secrets.token_urlsafe(32), secrets.token_urlsafe(12), accounts()
    with store.db.write():
        store.sessions.begin(number, digest(secret), account.id, address, time.time() if at is None else at)
        store.audit.record(Actor(account.name, "page", address), "logged in")
    return secret


def user_of_secret(secret: str, at: float | None = None) -> User | None:
    """The user whose session has this secret; None if it has ended."""
    at = time.time() if at is None else at
    alive = accounts().sessions.of_secret(digest(secret), at, _idle_seconds()) if secret else None
    return as_user(alive[1], alive[0]) if alive else None


def user_of_session(number: str, at: float | None = None) -> User | None:
    """The user of the session with this id; None if it has ended."""
    at = time.time() if at is None else at
    account = accounts().sessions.of_id(number, at, _idle_seconds()) if number else None
    return as_user(account, number) if account else None


def log_out(user: User, everywhere: bool = False, address: str = "") -> None:
    """End the user's session, or all of the account's."""
    now, store = time.time(), accounts()
    with store.db.write():
        if everywhere and user.account is not None:
            store.sessions.end_all(user.account, now)
        else:
            store.sessions.end(user.session, now)
        what = {"sessions": "all"} if everywhere else {}
        store.audit.record(Actor(user.name, "page", address), "logged out", what)


def as_user(account: Account, session: str) -> User:
    return User(account.name, account.id, account.is_admin, session)


# ---------------------------------------------------------------- accounts


def add_account(
    name: str,
    password: str | None = None,
    is_admin: bool = False,
    identity: tuple[str, str] | None = None,
    by: Actor | None = None,
) -> Account:
    """A new account.

    Args:   identity: issuer and subject at an identity provider. by: who makes it.
    Raises: AccessError: the name is taken or impossible, or the password too weak.
    """
    name, store = checked_name(name), accounts()
    hashed = passwords.hashed(password, name) if password else None
    with store.db.write():
        account = store.accounts.add(name, hashed, identity, is_admin)
        store.audit.record(by or actor_of_process(), "account made", {"name": name}, after={"admin": is_admin})
    return account


def give_role(account: Account, project: str, role: Role | None, by: Actor, folder: Path | None = None) -> None:
    """Give an account a role in a project, which its uid names; None ends the membership.

    Args: folder: the home; by default this one.
    """
    store = accounts(folder)
    before = store.members.role_of(account.id, project)
    if role == before:
        return
    with store.db.write():
        store.members.set_role(account.id, project, role)
        store.audit.record(by, "role given", {"name": account.name, "project": project}, before, role)


def roles_in(folder: Path, project: str) -> dict[str, Role]:
    """The role of each member of a project, in the order of their names.

    Args:   folder: the home. project: its uid.
    Raises: LabelerError: the home has no accounts.
    """
    check_accounts(folder)
    members = accounts(folder).members.of_project(project)
    return {account.name: role for account, role in members}  # type: ignore[misc]  # roles as text


def account_named(name: str, folder: Path | None = None) -> Account:
    """The account of this name in a home, by default this one.

    Raises: MissingError: there is none.
    """
    account = accounts(folder).accounts.by_name(name)
    if account is None:
        raise MissingError("There is no account with the name {name!r}.", name=name)
    return account


def set_role(folder: Path, name: str, project: str, role: Role | None, by: Actor) -> None:
    """Give the account of this name a role in a project of a home, as whoever may read its files can.

    Args:   folder: the home. project: its uid. role: None ends the membership.
    Raises: LabelerError: the home has no accounts, or none of this name.
    """
    check_accounts(folder)
    give_role(account_named(name, folder), project, role, by, folder)


def check_accounts(folder: Path | None = None) -> None:
    """Raises: LabelerError: people have no accounts in a home, by default this one."""
    if access_settings(folder).mode == "none":
        raise LabelerError("This server has no accounts: the setting `team.leads` says who leads a project.")


def lead(user: User, project: str, by: Actor) -> None:
    """Make the user the lead of a project that they have just created. Without accounts everybody leads it."""
    account = None if user.account is None else accounts().accounts.by_id(user.account)
    if account is not None:
        give_role(account, project, "lead", by)


def change_role(user: User, name: str, project: str, role: Role | None, by: Actor) -> None:
    """Give the account of this name a role in a project, in the name of a user who manages its members.

    Args:   project: its uid. role: None ends the membership.
    Raises: ForbiddenError: it is the user's own role, or the account is disabled. MissingError: there is no such one.
    """
    account = accounts().accounts.by_name(name)
    if account is None:
        raise MissingError("There is no account with the name {name!r}.", name=name)
    if account.disabled_at and role is not None:
        raise ForbiddenError("The account of {name} is disabled: an admin can enable it again.", name=name)
    if account.id == user.account and not user.is_admin and role != accounts().members.role_of(account.id, project):
        raise ForbiddenError("You cannot take your own role away: ask another lead or an admin.")
    give_role(account, project, role, by)


def change_password(user: User, old: str, new: str, address: str = "") -> None:
    """Change a password; all other sessions of the account end. Raises: AccessError."""
    store = accounts()
    assert user.account is not None
    if not passwords.is_right(old, store.accounts.password_of(user.account)):
        raise AccessError("The present password is wrong.")
    hashed = passwords.hashed(new, user.name)
    with store.db.write():
        store.accounts.set_password(user.account, hashed)
        store.sessions.end_all(user.account, time.time(), but=user.session)
        store.audit.record(Actor(user.name, "page", address), "password changed", {"name": user.name})


def disable(account: Account, by: Actor, is_disabled: bool = True) -> None:
    """Disable an account, whose sessions all end, or enable it again.

    Raises: AccessError: nobody else would be an admin.
    """
    store = accounts()
    with store.db.write():
        if is_disabled:
            _keep_an_admin(store, account.id)
        store.accounts.set_disabled(account.id, is_disabled)
        store.sessions.end_all(account.id, time.time())
        store.audit.record(by, "account disabled" if is_disabled else "account enabled", {"name": account.name})


def set_admin(account: Account, is_admin: bool, by: Actor) -> None:
    """Make somebody an admin, or not one any more. Raises: AccessError: nobody else would be one."""
    store = accounts()
    with store.db.write():
        if not is_admin:
            _keep_an_admin(store, account.id)
        store.accounts.set_admin(account.id, is_admin)
        store.audit.record(by, "admin", {"name": account.name}, account.is_admin, is_admin)


def erase(account: Account, by: Actor) -> str:
    """The opaque name that stands in place of an account's from now on; projects keep it until they erase it, too.

    Raises: AccessError: nobody else would be an admin.
    """
    _keep_an_admin(accounts(), account.id)
    return accounts().erasure.account(account, by)


def _keep_an_admin(store: Accounts, number: int) -> None:
    admins = store.accounts.admins()
    if [admin.id for admin in admins] == [number]:
        raise AccessError("{name} is the only admin: make somebody else an admin first.", name=admins[0].name)


# ---------------------------------------------------------------- invitations


def invite(
    by: Actor, name: str | None = None, project: str | None = None, role: Role | None = None, is_admin: bool = False
) -> str:
    """The secret of a link by which somebody makes an account; it works once, for a week.

    Args:   name: of the account; None: who is invited chooses it. project: uid, in which they have the `role`.
    Raises: AccessError: the name is taken or impossible.
    """
    if name is not None:
        name = checked_name(name)
        if accounts().accounts.by_name(name):
            raise AccessError("There is an account with the name {name!r} already.", name=name)
    expires_at = time.time() + INVITATION_SECONDS
    return _add_invitation(Invitation(0, None, name, project, role, is_admin, by.name, expires_at), by)


def reset_link(by: Actor, account: Account) -> str:
    """The secret of a link by which somebody chooses a new password; it works once, for a day."""
    expires_at = time.time() + RESET_SECONDS
    return _add_invitation(Invitation(0, account.id, account.name, None, None, False, by.name, expires_at), by)


def invitation(secret: str) -> Invitation:
    """The invitation of a link. Raises: AccessError: it was used, or has expired."""
    open_one = accounts().invitations.of_secret(digest(secret), time.time())
    if open_one is None:
        raise AccessError("This link was used already, or has expired: ask for a new one.")
    return open_one


def accept(secret: str, name: str, password: str, address: str, names_in_use: set[str]) -> str:
    """The secret of the session of somebody who followed a link and chose a password, and a name where it is free.

    Args:   names_in_use: names in casefold under which answers are stored: only an invitation gives these away.
    Raises: AccessError: the link, the name or the password will not do. The link can be used again then.
    """
    store, open_one = accounts(), invitation(secret)
    by = Actor(open_one.by, "page", address)
    with store.db.write():
        if open_one.account is not None:
            account = store.accounts.by_id(open_one.account)
            if account is None or account.disabled_at:
                raise AccessError("The account of this link is disabled.")
            store.accounts.set_password(account.id, passwords.hashed(password, account.name))
            store.sessions.end_all(account.id, time.time())
            store.audit.record(Actor(account.name, "page", address), "password changed", {"name": account.name})
        else:
            if open_one.name is None and checked_name(name).casefold() in names_in_use:
                raise AccessError(
                    "Answers are stored under the name {name!r} already: choose another, or ask for an invitation for"
                    " this name if they are yours.",
                    name=name,
                )
            account = add_account(open_one.name or name, password, open_one.is_admin, by=by)
            if open_one.project and open_one.role:
                give_role(account, open_one.project, open_one.role, by)
        if not store.invitations.use(open_one.id, time.time()):
            raise AccessError("This link was used already, or has expired: ask for a new one.")
    return begin_session(account, address)


def _add_invitation(new: Invitation, by: Actor) -> str:
    secret, store = secrets.token_urlsafe(24), accounts()
    what = {"name": new.name, "project": new.project, "role": new.role, "admin": new.is_admin}
    with store.db.write():
        store.invitations.add(digest(secret), new)
        store.audit.record(by, "invited" if new.account is None else "link for a new password", what)
    return secret


# ---------------------------------------------------------------- limits


def _check_attempts(store: Accounts, name: str, address: str, at: float) -> None:
    """Raise where too many log-ins have failed. Raises: AccessError: it says in how many seconds one may try again."""
    since, name = at - WINDOW_SECONDS, name.strip()
    counted = [
        (store.failures.since(since, name=name, address=address), FREE_OF_BOTH),
        (store.failures.since(since, address=address), FREE_OF_ADDRESS),
        (store.failures.since(since, name=name), FREE_OF_NAME),
    ]
    wait = 0.0
    for (failures, last), free in counted:
        if failures >= free:
            wait = max(wait, min(last + 2.0 ** min(failures - free, 10) - at, WINDOW_SECONDS))
    if wait > 0:
        raise AccessError("Too many wrong passwords: try again in {seconds} seconds.", seconds=int(wait) + 1)


def digest(secret: str) -> str:
    """The SHA-256 of a secret: only this is stored, since a random secret cannot be guessed from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _idle_seconds() -> float:
    return 3600 * access_settings().session_hours
