"""Commands on the changes of a project's settings: list them, go back."""

from pathlib import Path

import click

from labeler.cli.base import FOLDER, main
from labeler.core.errors import ConfigError, ProjectError
from labeler.core.settings_changes import changed_names, flat
from labeler.projects import project as projects
from labeler.projects import settings_history
from labeler.report.sentences.settings import changes_in_words


@main.group()
def settings() -> None:
    """List the changes of a project's settings, or go back to earlier ones."""


@settings.command()
@click.argument("project", type=FOLDER)
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="Changes that are listed.")
def history(project: Path, most: int) -> None:
    """List who changed which settings of PROJECT and when, the latest change first, each with its number."""
    rows = settings_history.history(projects.open_project(project), most)
    for row in rows:
        click.echo(
            f"{row.id}  {row.at[:19].replace('T', ' ')}  {row.by or 'in the file'}  {changes_in_words(row).plain}"
        )
    if not rows:
        click.echo("Nobody has changed the settings yet.")


@settings.command()
@click.argument("project", type=FOLDER)
@click.argument("change", type=int, required=False)
@click.option("--yes", is_flag=True, help="Do not ask before the settings change.")
def restore(project: Path, change: int | None, yes: bool) -> None:
    """Go back to the settings from before CHANGE, a number of `settings history`; the classes stay as they are.

    Without CHANGE, the latest change is taken back. Where project.toml cannot be read, the last good settings are put
    back, and the unreadable file is kept beside it.
    """
    try:
        opened = projects.open_project(project)
    except ConfigError as error:
        _put_back(project, error, yes)
        return
    rows = settings_history.history(opened)
    if not rows:
        raise ProjectError("Nobody has changed the settings yet.")
    row = rows[0].id if change is None else change
    now, before = flat(opened.config.as_dict()), flat(settings_history.settings_before(opened, row).as_dict())
    names = changed_names(now, before)
    if not names:
        raise ProjectError("The settings are already as they were then; classes have their own way back.")
    for name in names:
        click.echo(f"{name}: {now.get(name)!r} → {before.get(name)!r}")
    if not yes:
        click.confirm("Change these settings?", abort=True)
    settings_history.go_back(opened, row)
    click.echo("Changed. It counts from the next round on, and can be taken back the same way.")


def _put_back(project: Path, problem: ConfigError, yes: bool) -> None:
    click.echo(str(problem), err=True)
    good = settings_history.last_good(project)
    if good is None:
        raise ProjectError("The project has no record of earlier settings: mend the file by hand.")
    by = f" by {good.by}" if good.by else ""
    click.echo(f"The last good settings were saved at {good.at[:19].replace('T', ' ')}{by}.")
    if not yes:
        click.confirm("Put them back?", abort=True)
    kept = settings_history.put_back(good)
    click.echo(f"They are back. The unreadable file is kept as {kept}.")
