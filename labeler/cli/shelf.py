"""Commands that rename a project, put it away and bring it back."""

from pathlib import Path

import click

from labeler.cli.base import FOLDER, main
from labeler.projects import project as projects
from labeler.projects import shelf


@main.command()
@click.argument("project", type=FOLDER)
@click.argument("name")
def rename(project: Path, name: str) -> None:
    """Change the name that people see; the folder and the address stay."""
    click.echo(f"The project is now called {shelf.rename(projects.open_project(project), name).config.name}.")


@main.command()
@click.argument("project", type=FOLDER)
def archive(project: Path) -> None:
    """Put a project away: it leaves the list, and nothing in it changes."""
    opened = projects.open_project(project.resolve())
    click.echo(
        f"The project is in {shelf.put_away(opened, opened.folder.parent, 'archive')}; `restore` brings it back."
    )


@main.command()
@click.argument("project", type=FOLDER)
@click.confirmation_option(prompt="Move the project with all its answers to the trash?")
def delete(project: Path) -> None:
    """Move a project to the folder .trash in its home, from which it can be brought back."""
    opened = projects.open_project(project.resolve())
    click.echo(f"The project is in {shelf.put_away(opened, opened.folder.parent, 'trash')}; `restore` brings it back.")


@main.command()
@click.argument("folder", type=FOLDER)
def restore(folder: Path) -> None:
    """Bring back the project in FOLDER, which is in the folder .archive or .trash of a home."""
    opened = projects.open_project(folder.resolve())
    click.echo(f"The project is in {shelf.bring_back(opened.folder, opened.folder.parent.parent)}.")
