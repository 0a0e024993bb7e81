"""Commands that change a project's classes: rename, merge, split, add, retire."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from labeler.cli.base import FOLDER, counted, main, of_project
from labeler.core.class_changes import ClassChangeKind
from labeler.projects import project as projects

if TYPE_CHECKING:
    from labeler.notebook.project import Project


@main.group()
def classes() -> None:
    """Show or change the classes of a project; no answer is lost."""


@classes.command("list")
@click.argument("project", type=FOLDER)
def list_classes(project: Path) -> None:
    """Show the classes, the labels outside of them, and all changes so far."""
    opened = projects.open_project(project)
    with opened.store() as store:
        counts, outside, changes = store.items.counts(), store.class_changes.outside(), store.class_changes.all()
    for name, n in counts.per_class.items():
        click.echo(f"{name}: {counted(n, 'pool label')}")
    for name, n in outside.items():
        have = "has" if n == 1 else "have"
        click.echo(f"{name}: {counted(n, 'item')} {have} this label, but it is none of the classes")
    for stored in changes:
        change = stored.change
        click.echo(
            f"{stored.at[:16].replace('T', ' ')}  {change.kind}  {', '.join(change.old) or '–'} →"
            f" {', '.join(change.new) or '–'}  by {stored.by}: {counted(stored.labels, 'answer')} changed,"
            f" {stored.asked_again} of them asked again"
        )


without_asking = click.option("--yes", is_flag=True, help="Do not ask before the change.")


@classes.command()
@of_project
@click.argument("old")
@click.argument("new")
@without_asking
def rename(project: "Project", old: str, new: str, yes: bool) -> None:
    """Rename a class: OLD becomes NEW, and all its labels with it."""
    _change(project, yes, "rename", (old,), (new,))


@classes.command()
@of_project
@click.argument("old", nargs=-1, required=True)
@click.option("--into", required=True, help="Name of the class that they become: a new one, or one of the classes.")
@without_asking
def merge(project: "Project", old: tuple[str, ...], into: str, yes: bool) -> None:
    """Merge classes: the labels of each OLD are labels of the one class that they become."""
    _change(project, yes, "merge", old, (into,))


@classes.command()
@of_project
@click.argument("old")
@click.argument("new", nargs=-1, required=True)
@without_asking
def split(project: "Project", old: str, new: tuple[str, ...], yes: bool) -> None:
    """Split a class: each NEW takes the place of OLD, and the items with its label are asked again."""
    _change(project, yes, "split", (old,), new)


@classes.command()
@of_project
@click.argument("new", nargs=-1, required=True)
@without_asking
def add(project: "Project", new: tuple[str, ...], yes: bool) -> None:
    """Add classes; the labels so far stay as they are."""
    _change(project, yes, "add", (), new)


@classes.command()
@of_project
@click.argument("old", nargs=-1, required=True)
@without_asking
def retire(project: "Project", old: tuple[str, ...], yes: bool) -> None:
    """Retire classes: nobody can choose them any more, and items with no other label are asked again."""
    _change(project, yes, "retire", old)


def _change(
    project: "Project", yes: bool, kind: ClassChangeKind, old: tuple[str, ...] = (), new: tuple[str, ...] = ()
) -> None:
    preview = project.preview_classes(kind, old, new)
    click.echo(f"Classes: {', '.join(preview['classes'])}.")
    click.echo(
        f"Labels that change: {preview['pool']} in the pool, {preview['holdout']} in the holdout"
        f" ({counted(preview['answers'], 'answer')})."
    )
    if preview["again_pool"] or preview["again_holdout"]:
        click.echo(
            f"Items asked again: {preview['again_pool']} in the pool, {preview['again_holdout']} in the holdout."
        )
    if lost := preview["unmeasurable"]:
        click.echo(f"Rounds that can no longer be measured: {lost}; the curve begins anew.")
    if too_old := preview["too_old"]:
        click.echo(f"Older rounds of which only predictions are kept, without a point from then on: {too_old}.")
    if not yes:
        click.confirm("Change the classes?", abort=True)
    project.change_classes(kind, old, new)
    click.echo("Changed. The next round learns and measures by the classes of today.")
