"""Commands on the imports of a project: list them, undo one."""

from pathlib import Path

import click

from labeler.access.users import local_user
from labeler.cli.base import FOLDER, main
from labeler.projects import project as projects


@main.command()
@click.argument("project", type=FOLDER)
def imports(project: Path) -> None:
    """List the imports with their numbers, the latest first."""
    with projects.open_project(project).store() as store:
        records = store.imports.all()
    for record in records:
        undone = f", undone by {record.undone_by}" if record.undone_at else ""
        click.echo(f"{record.id}  {record.source}: {record.items} items, {record.answered} of them answered{undone}")
    if not records:
        click.echo("Nothing has been imported.")


@main.command("undo-import")
@click.argument("project", type=FOLDER)
@click.argument("number", type=int)
@click.option("--by", help="Name that is stored with it; your user name by default.")
def undo_import(project: Path, number: int, by: str | None) -> None:
    """Take out the items of import NUMBER that nobody has answered, with the labels that came with them."""
    from labeler.projects import importer  # here, because Pillow is slow to load

    taken = importer.undo_import(projects.open_project(project), number, by or local_user().name)
    click.echo(f"{taken} items taken out; what people answered stays. Importing the same file again brings all back.")
