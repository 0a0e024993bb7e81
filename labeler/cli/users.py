"""Commands on the accounts of a home. Whoever can run them on the server's machine needs no account."""

import os
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import click

from labeler.access import accounts as access
from labeler.access import api_tokens
from labeler.access.api_tokens import MOST_DAYS, SIGNED_DAYS, Scope
from labeler.access.settings import FILE, access_mode
from labeler.access.users import Role
from labeler.cli.base import FOLDER, main
from labeler.core.actor import actor_of_process
from labeler.core.errors import AccessError
from labeler.core.whole_files import write_whole

if TYPE_CHECKING:
    from labeler.client.server import Server
    from labeler.projects.home_accounts import HomeAccounts

    Home = Server | HomeAccounts

# Imports of labeler.projects are deferred: pandas is slow to load, and `--help` should not wait for it.


@main.group()
def users() -> None:
    """Accounts of a home: who may log in, and who does what in which project."""


def of_home(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the argument HOME, whose accounts it then works on."""

    @click.argument("home", type=FOLDER)
    @wraps(command)
    def with_home(home: Path, **options: object) -> None:
        os.environ["LABELER_HOME"] = str(home.resolve())
        command(**options)

    return with_home


def of_home_or_server(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the argument HOME, a folder or the address of a server: it gets what can be asked of its
    accounts, with the same methods for both.
    """

    @click.argument("home")
    @click.option("--token", envvar="LABELER_TOKEN", help="API token for a server; that of LABELER_TOKEN by default.")
    @wraps(command)
    def at_place(home: str, token: str | None, **options: object) -> None:
        from labeler.client.server import Server
        from labeler.client.session import is_address
        from labeler.projects.home_accounts import HomeAccounts

        if not is_address(home):
            os.environ["LABELER_HOME"] = str(Path(home).resolve())
        command(Server(home, token) if is_address(home) else HomeAccounts(actor_of_process()), **options)

    return at_place


@users.command("add")
@of_home
@click.argument("name")
@click.option("--admin", is_flag=True, help="May do everything, and manages accounts.")
@click.option("--password", envvar="LABELER_PASSWORD", help="Password; asked for by default.")
@click.option("--identity", nargs=2, metavar="ISSUER SUBJECT", help="Identity at an OpenID provider, and no password.")
def add(name: str, admin: bool, password: str | None, identity: tuple[str, str] | None) -> None:
    """Add the account NAME. Answers that are stored under this name are then this person's.

    The first account makes the home one with passwords: `mode = "local"` in access.toml.
    """
    if identity:
        account = access.add_account(name, is_admin=admin, identity=identity)
    else:
        password = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
        account = access.add_account(name, password, admin)
    click.echo(f"{account.name} can log in{' and is an admin' if account.is_admin else ''}.")
    path = access.home() / FILE
    if not identity and not path.exists():
        write_whole(path, 'mode = "local"\n')
        click.echo(f"People log in with a password from now on ({path}).")
    if not access.accounts().accounts.admins():
        click.echo(f"Nobody is an admin yet: `labeler users admin {access.home()} {account.name}`.")


@users.command("list")
@of_home_or_server
def list_all(home: "Home") -> None:
    """List the accounts, with their roles."""
    for account in home.accounts():
        roles = [f"{each.folder or 'a project that is gone'}: {each.role}" for each in account.roles]
        marks = [word for word, holds in (("admin", account.is_admin), ("disabled", account.is_disabled)) if holds]
        click.echo(f"{account.name}\t{', '.join([*marks, *roles])}")


@users.command("role")
@of_home
@click.argument("name")
@click.argument("project")
@click.argument("role", type=click.Choice([*get_args(Role), "none"]))
def role(name: str, project: str, role: str) -> None:
    """Give NAME a ROLE in the project of the folder PROJECT; `none` ends the membership."""
    from labeler.projects import project as projects

    opened = projects.serve_folder(access.home(), project)
    access.give_role(
        access.account_named(name), opened.uid, None if role == "none" else cast(Role, role), actor_of_process()
    )


@users.command("admin")
@of_home_or_server
@click.argument("name")
@click.option("--take-away", is_flag=True, help="The account is no admin any more.")
def admin(home: "Home", name: str, take_away: bool) -> None:
    """Make NAME an admin."""
    home.change_account(name, admin=not take_away)


@users.command("disable")
@of_home_or_server
@click.argument("name")
@click.option("--enable", is_flag=True, help="Let the account in again.")
def disable(home: "Home", name: str, enable: bool) -> None:
    """Disable the account NAME: all its log-ins end at once, and its answers stay."""
    home.change_account(name, disabled=not enable)


@users.command("erase")
@of_home
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask before it is erased.")
def erase(name: str, yes: bool) -> None:
    """Erase the account NAME for good: its name, password, identity, log-ins and roles.

    Its answers stay in the projects: `erase person PROJECT NAME` takes the name out of one.
    """
    account = access.account_named(name)
    if not yes:
        click.confirm(f"Erase the account {account.name}?", abort=True)
    click.echo(f"In its place stands {access.erase(account, actor_of_process())}. Backups are not changed.")


@users.command("invite")
@of_home_or_server
@click.argument("name", required=False)
@click.option("--project", help="Folder of a project that the account is a member of.")
@click.option("--role", type=click.Choice(get_args(Role)), default="annotator", show_default=True, help="Role in it.")
@click.option("--admin", is_flag=True, help="The account is an admin.")
def invite(home: "Home", name: str | None, project: str | None, role: Role, admin: bool) -> None:
    """Print the last part of a link by which somebody makes an account, within a week. Without NAME they choose it."""
    click.echo(home.invite(name, project=project, role=role, admin=admin))


@users.command("reset")
@of_home_or_server
@click.argument("name")
def reset(home: "Home", name: str) -> None:
    """Print the last part of a link by which NAME chooses a new password, within a day."""
    click.echo(home.password_link(name))


@users.command("token")
@of_home
@click.argument("name")
@click.option("--for", "purpose", required=True, help="What it is for, in words.")
@click.option("--project", "folders", multiple=True, help="Folder of a project that it opens; may be given again.")
@click.option("--all-projects", is_flag=True, help="It opens all projects, also those that are made later.")
@click.option("--scope", type=click.Choice(get_args(Scope)), default="read", show_default=True, help="What it may do.")
@click.option(
    "--days",
    type=click.FloatRange(0, MOST_DAYS, min_open=True),
    help=f"For how long it is valid; 90 by default, and {SIGNED_DAYS} at most in a home without accounts.",
)
# wide: each option of the command
def make_token(
    name: str, purpose: str, folders: tuple[str, ...], all_projects: bool, scope: Scope, days: float | None
) -> None:
    """Print a new API token of the account NAME, with which a program uses the API. It is shown this once.

    A token never does more than its account may. In a home without accounts, NAME is the name that answers are stored
    under; the token is signed then and cannot be revoked.
    """
    from labeler.projects import project as projects

    uids = [projects.serve_folder(access.home(), folder).uid for folder in folders]
    opens = [api_tokens.ALL_PROJECTS] if all_projects else uids
    if access_mode() == "none":
        click.echo(api_tokens.signed(name, purpose, scope, opens, SIGNED_DAYS if days is None else days))
    else:
        by, lives = actor_of_process(), 90 if days is None else days
        click.echo(api_tokens.make(access.account_named(name), purpose, scope, opens, lives, by))


@users.command("tokens")
@of_home
def list_tokens() -> None:
    """Print all API tokens: number, account, what for, scope, until when, and when it was used last."""
    for each in access.accounts().api_tokens.all():
        until = "revoked" if each.revoked_at else f"until {_day(each.expires_at)}"
        used = f"used {_day(each.used_at)}" if each.used_at else "never used"
        click.echo(f"{each.id}  {each.account.name}  {each.purpose}  {each.scope}  {until}  {used}")


@users.command("revoke")
@of_home
@click.argument("number", type=int)
def revoke_token(number: int) -> None:
    """End the API token with this NUMBER at once."""
    for each in access.accounts().api_tokens.all():
        if each.id == number:
            api_tokens.revoke(each, actor_of_process())
            return
    raise AccessError("There is no API token {number}.", number=number)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d")
