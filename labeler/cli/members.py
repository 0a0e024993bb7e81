"""Commands on the members of a project: list them, give a role."""

from typing import TYPE_CHECKING, cast, get_args

import click

from labeler.access.users import Role
from labeler.cli.base import main, of_project

if TYPE_CHECKING:
    from labeler.notebook.project import Project


@main.group()
def members() -> None:
    """Who has which role in a project of a home with accounts; `users` has the accounts themselves."""


@members.command("list")
@of_project
def show(project: "Project") -> None:
    """Print the members of PROJECT with their roles. Admins may do everything and need none."""
    for name, role in project.members().items():
        click.echo(f"{name}\t{role}")


@members.command("role")
@of_project
@click.argument("name")
@click.argument("role", type=click.Choice([*get_args(Role), "none"]))
def role(project: "Project", name: str, role: str) -> None:
    """Give NAME, who has an account, a ROLE in PROJECT; `none` ends the membership, and answers stay."""
    project.give_role(name, None if role == "none" else cast("Role", role))
