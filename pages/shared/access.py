"""Who works, and on which project: the checks that every page begins with."""

import html
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

import streamlit as st

from labeler.access import accounts, identity
from labeler.access.home import home
from labeler.access.roles import Action, HomeAction, is_member, may
from labeler.access.settings import access_mode, access_settings
from labeler.access.users import User, is_reserved, local_user
from labeler.api.account import COOKIE as SESSION_COOKIE
from labeler.core.actor import Actor
from labeler.core.class_changes import labels_outside
from labeler.core.errors import ConfigError, DatabaseError, LabelerError
from labeler.cycle.class_changes import settled
from labeler.i18n.messages import _, mark, translate
from labeler.projects import people
from labeler.projects import project as projects
from labeler.projects.project import Project
from pages.shared.broken_settings import broken_settings, settings_are_back
from pages.shared.choices import choose, chosen, use_language
from pages.shared.left_out import left_out
from pages.shared.next_step import link_to
from pages.shared.style import run_script

Width = Literal["content", "stretch"]
COOKIE = "labeler-name"
YEAR = 365 * 86_400  # seconds
NOT_HERE = mark("You may not do this here: ask somebody who leads the project.")


def require_user() -> User:
    """The user of this browser session; the page ends with the way to log in where nobody is logged in.

    Without accounts, one person on this machine types a name and needs no password.
    """
    user = visitor()
    if user is None:
        _log_in()
        st.stop()
    return user


def visitor() -> User | None:
    """Who looks at the page; None for somebody who has to log in, also after a log-in that has ended meanwhile."""
    address = st.context.ip_address or ""
    match access_mode():
        case "none":
            return User(_chosen_name() or local_user().name)
        case "local":
            secret = st.context.cookies.get(SESSION_COOKIE, "")
            return accounts.user_of_secret(secret if isinstance(secret, str) else "")
        case "proxy":
            name = st.context.headers.get(access_settings().proxy.header, "")
            return identity.user_of_proxy(name, address, partial(people.names_in_use, home())) if name else None
        case "oidc":
            if not st.user.to_dict().get("is_logged_in"):
                return None
            in_use, uids = partial(people.names_in_use, home()), partial(people.uids, home())
            return identity.user_of_provider(st.user.to_dict(), address, in_use, uids)


def _log_in() -> None:
    """What stands in place of a page for somebody who is not logged in."""
    st.title(_("Log in"))
    match access_mode():
        case "local":
            st.info(_("You are not logged in, or not any more. No answer is lost."), icon=":material/lock:")
            own_page("account/login", _("Log in"))
        case "proxy":
            st.error(_("The proxy in front of this labeler does not say who you are."), icon=":material/lock:")
        case _:
            if st.button(_("Log in"), type="primary"):
                st.login()


def own_page(address: str, words: str) -> None:
    """A link to a page of accounts. These pages are outside Streamlit, whose links would open another tab."""
    st.html(f'<a href="{address}" target="_self" style="color: inherit">{html.escape(words)}</a>', width="content")


def is_allowed(project: Project | None, action: Action | HomeAction) -> bool:
    """Whether the visitor may do something in a project, or in the home."""
    user = visitor()
    return user is not None and may(user, project, action)


def require_right(project: Project | None, action: Action | HomeAction, instead: str = "") -> None:
    """End the page with a sentence where the visitor may not do this.

    Args: instead: the sentence, where the page has one of its own.
    """
    if not is_allowed(project, action):
        st.info(instead or _(NOT_HERE), icon=":material/lock:")
        st.stop()


def only_with(action: Action | HomeAction) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A callback of a widget that does nothing for somebody who may not do `action` in the chosen project any more.

    Streamlit runs callbacks before the page, which would find that out, and which sets the language.
    """

    def decorate(callback: Callable[..., None]) -> Callable[..., None]:
        @wraps(callback)
        def checked(*args: object, **kwargs: object) -> None:
            use_language()
            project = visible_project()
            try:
                if project is not None and is_allowed(project, action):
                    callback(*args, **kwargs)
                else:
                    st.toast(_(NOT_HERE), icon=":material/lock:")
            except DatabaseError as error:  # the page says more
                st.toast(translate(error), icon=":material/error:")

        return checked

    return decorate


def acting() -> Actor:
    """Who uses this page, and from where, for the audit log."""
    address = st.context.ip_address
    return Actor(require_user().name, "page", address if isinstance(address, str) else "")


def remembered_name() -> str:
    """The name that was given in this browser before; "" if there is none."""
    cookie = st.context.cookies.get(COOKIE, "")
    return unquote(cookie) if isinstance(cookie, str) else ""  # Streamlit's test runner has no cookies


def remember_name(name: str) -> None:
    """Keep the name for later visits of this browser, in which no address names anybody."""
    if name != remembered_name():
        cookie = f"{COOKIE}={quote(name)}; path=/; max-age={YEAR}; samesite=lax"
        run_script(cookie=cookie)


def require_name(button: str) -> User:
    """The user, who has said who they are; the page ends with the question where nobody has in this browser.

    Args: button: what stands on the button that answers it.
    """
    if not name_is_known(button, "page"):
        st.stop()
    return require_user()


def name_is_known(button: str, place: str) -> bool:
    """Whether it is known who works here; where it is not, the question stands in place of what only they may change.

    Pages that are only read ask nobody: they ask where something is changed.

    Args: button: what stands on the button that answers the question. place: tells questions on one page apart.
    """
    if known_name():
        return True
    with st.form(f"name-{place}", width=420):
        name = name_field(place)
        is_sent = st.form_submit_button(button, type="primary")
    if is_sent and name_is_taken_over(name):
        st.rerun()
    return False


def named_button(label: str, key: str, icon: str | None = None, width: Width = "content") -> bool:
    """Whether a button was clicked that only somebody with a name may click; it asks for the name while there is none.

    Args: key: tells questions and buttons on one page apart.
    """
    if known_name():
        return st.button(label, key=key, icon=icon, width=width)
    with st.popover(label, icon=icon, width=width):
        name_is_known(_("Go on"), key)
    return False


def known_name() -> str:
    """The account's name, or the one given in this session, its address or this browser; "" while there is none."""
    if access_mode() != "none":
        return require_user().name
    return _chosen_name()


def _chosen_name() -> str:
    """The name of this session, its address or this browser; "" where there is none, or one that nobody may have."""
    name = chosen("annotator", remembered_name())
    return "" if is_reserved(name) else name


def name_field(place: str) -> str:
    """What is typed into the field that asks for the name."""
    return st.text_input(
        _("Your name"),
        max_chars=60,
        key=f"name-field-{place}",
        help=_("Stored with every answer and decision, so that the team knows whose it is."),
    ).strip()


def name_is_taken_over(name: str) -> bool:
    """Whether the session has this name from now on; the reason is shown where it cannot."""
    if access_mode() != "none":
        return True  # the account has one
    if not name:
        st.error(_("Type your name first."))
    elif is_reserved(name):
        st.error(_("The name {name!r} is reserved: choose another.", name=name))
    else:
        choose("annotator", name)
        return True
    return False


def lead_what_is_new(project: Project) -> None:
    """Make the visitor the lead of a project that they have just created."""
    accounts.lead(require_user(), project.uid, acting())


def project_folders() -> dict[str, Path]:
    """The folders of the projects that are there for the visitor, by name."""
    user, folders = visitor(), {folder.name: folder for folder in projects.in_home(home())}
    if user is None or user.account is None or user.is_admin:
        return folders if user else {}
    mine = {project.slug for project in people.readable(home()) if is_member(user, project)}
    return {name: folder for name, folder in folders.items() if name in mine}


def visible_project() -> Project | None:
    """The project that is chosen, else the first that is there for the visitor; None if it cannot be read."""
    folders = project_folders()
    try:
        return projects.open_project(folders.get(chosen("project", "")) or next(iter(folders.values())))
    except (StopIteration, LabelerError):
        return None


def require_project() -> Project:
    """The project chosen in the sidebar; the page ends with a hint where there is none."""
    folders, slug = project_folders(), chosen("project", "")
    if slug not in folders:
        if is_allowed(None, "create_project"):
            st.info(_("There is no project yet. Create one on the **Project** page."), icon=":material/info:")
            st.page_link("project/page.py", label=_("Create a project"), icon=":material/add:")
        elif people.is_any_unreadable(home()):
            st.error(
                _("A project here cannot be read, yours perhaps: tell those who run this server."),
                icon=":material/database_off:",
            )
        else:
            st.info(_("You are in no project yet: ask somebody who leads one to add you."), icon=":material/info:")
        st.stop()
    try:
        try:
            project = projects.open_project(folders[slug], acting())
        except ConfigError as error:
            broken_settings(folders[slug], error, require_user(), acting())
            st.stop()
        with project.store() as store:
            project = settled(project, store)
            project.notice_changes(store)
            outside = store.class_changes.outside()
    except DatabaseError:  # pages/app.py says what it means
        raise
    except LabelerError as error:
        st.error(translate(error))
        left_out(folders[slug], error)
        st.stop()
    settings_are_back()
    if is_allowed(project, "run_round"):
        left_out(project.folder)
    if outside:
        st.error(translate(labels_outside(outside)), icon=":material/error:")
        link_to("classes")
    return project
