"""Commands that erase a person or items from a project, for good."""

from pathlib import Path

import click

from labeler.cli.base import FOLDER, counted, main
from labeler.projects import project as projects

# Imports of labeler.models are deferred: they load numpy and PIL.

REMAINS = (
    "Backups, files that were taken out and published models are not changed. Kept models are as they were trained:"
    " ask for a round, and delete older ones from the folder models."
)


@main.group()
def erase() -> None:
    """Erase a person's name or an item's content from a project; nothing brings it back."""


without_asking = click.option("--yes", is_flag=True, help="Do not ask before it is erased.")


@erase.command()
@click.argument("project", type=FOLDER)
@click.argument("name")
@click.option("--notes", is_flag=True, help="Delete the notes beside the person's answers too.")
@without_asking
def person(project: Path, name: str, notes: bool, yes: bool) -> None:
    """Replace the name NAME by an opaque one, in answers, decisions, settings and the audit log."""
    from labeler.models.erasure import erase_person

    opened = projects.open_project(project)
    with opened.store() as store:
        about = store.erasure.about(name)
    if about is not None:
        click.echo(
            f"{counted(about.answers, 'answer')} and {counted(about.decisions, 'decision')} stay, under another name;"
            f" {counted(about.notes, 'note')} {_fate(about.notes, notes)}."
        )
    if not yes:
        click.confirm(f"Erase the name {name} from the project?", abort=True)
    erased = erase_person(opened, name, notes)
    click.echo(f"In its place stands {erased.name}. {REMAINS}")
    _say_whether_complete(erased.complete)


@erase.command()
@click.argument("project", type=FOLDER)
@click.argument("ids", type=int, nargs=-1, required=True)
@without_asking
def item(project: Path, ids: tuple[int, ...], yes: bool) -> None:
    """Delete what the items with these IDS hold: text, image, features, explanations. Their labels stay counted."""
    from labeler.models.erasure import erase_items

    if not yes:
        click.confirm(f"Erase the content of {counted(len(set(ids)), 'item')}?", abort=True)
    erased = erase_items(projects.open_project(project), ids)
    click.echo(
        f"{counted(erased.items, 'item')} {'has' if erased.items == 1 else 'have'} no content any more. {REMAINS}"
    )
    if erased.in_store:
        click.echo(f"The objects of {erased.in_store} of them are still in their store: delete them there.")
    _say_whether_complete(erased.complete)


def _say_whether_complete(complete: bool) -> None:
    if not complete:
        click.echo("Another process reads the database: older pages leave its log once that has ended.", err=True)


def _fate(notes: int, deleted: bool) -> str:
    """What becomes of so many notes."""
    if notes == 1:
        return "is deleted" if deleted else "stays"
    return "are deleted" if deleted else "stay"
