"""Commands that keep and bring back what a project or home holds: back it up, restore it, check it."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from labeler.cli.base import ANY_PATH, FOLDER, bar, counted, main
from labeler.core.processes import yield_to_others
from labeler.i18n.messages import load

# What `check` rescues from a damaged database, by its table, and its name here.
RESCUED = {
    "class_changes": "changes of the classes",
    "annotators": "settings of annotators",
    "annotations": "answers",
    "adjudications": "decisions",
    "asked_next": "items asked next",
    "stops": "stops",
    "refused_answers": "refused answers",
}

# Imports of labeler are deferred: pandas and numpy are slow to load, and `--help` should not wait for them.


@main.command()
@click.argument("folder", type=FOLDER)
@click.option("--to", "where", type=ANY_PATH, help="Folder of backups; `.backups` in the home by default.")
def backup(folder: Path, where: Path | None) -> None:
    """Back up the project or home FOLDER, also while it is served, and verify what was written."""
    from labeler.projects import backup_settings
    from labeler.projects import project as projects
    from labeler.projects.backing_up import back_up

    if where is None and not projects.is_project(folder):
        where = backup_settings.place(folder)
    with bar("back up", "files") as report:
        made = back_up(folder, where, report)
    manifest = made.manifest
    linked = sum(file.size for file in manifest.files if file.linked)
    click.echo(
        f"{made.folder}: {counted(len(manifest.files), 'file')}, {manifest.size / 1e6:,.1f} MB, of them"
        f" {linked / 1e6:,.1f} MB as links; verified in {manifest.seconds:.1f} s."
    )
    for name, reason in manifest.left_out.items():
        click.echo(f"{name} is NOT in it: {load(reason)}", err=True)
    sys.exit(1 if manifest.left_out else 0)


@main.command()
@click.argument("backup", type=FOLDER)
@click.argument("folder", type=FOLDER)
@click.option("--project", help="One project of a home's backup, by its folder's name.")
def restore(backup: Path, folder: Path, project: str | None) -> None:
    """Verify BACKUP, and restore it into the new folder FOLDER."""
    from labeler.projects import backups

    with bar("verify", "files") as report:
        read = backups.read(backup)
        restored = backups.restore(read, folder, project, on_progress=report)
    names = ", ".join(each.name for each in restored)
    click.echo(f"{folder} is as it was at {read.made_at.astimezone():%Y-%m-%d %H:%M}: {names}.")


@main.command("restore-answers")
@click.argument("project", type=FOLDER)
@click.argument("file", type=ANY_PATH)
def restore_answers(project: Path, file: Path) -> None:
    """Put the answers and decisions of FILE, which `check` rescued from a damaged database, back into PROJECT."""
    from labeler.jobs.rescue import put_back
    from labeler.projects import project as projects

    result = put_back(projects.open_project(project), file)
    for table, kind in RESCUED.items():
        stored, there = result.stored.get(table, 0), result.there.get(table, 0)
        if stored or there:
            click.echo(f"{kind}: {stored:,} put back, {there:,} there already")
    click.echo(f"Not put back: {len(result.unfit):,}.")
    for place, reason in result.unfit.items():
        click.echo(f"  line {place}: {reason}")
    sys.exit(1 if result.unfit else 0)


@main.command()
@click.argument("folder", type=FOLDER)
def check(folder: Path) -> None:
    """Look for what is broken in the project or home FOLDER, set it aside, and say what it costs and what to do."""
    from labeler.jobs.checkups import check as check_all
    from labeler.store.copies import sqlite_version

    sqlite = sqlite_version()
    if sqlite.loses:
        click.echo(
            f"SQLite {sqlite.number} can, very rarely, lose a stored answer when two processes write at once (mended in"
            " 3.51.3). `pip install pysqlite3` brings a newer one where there is a wheel; else update the system's.",
            err=True,
        )
    with bar("check", "projects") as report:
        checkups = check_all(folder, report)
    for place, checkup in checkups.items():
        counts = ", ".join(f"{kind} {n:,}" for kind, n in checkup.looked_at.items() if n)
        click.echo(f"{place}: problems {len(checkup.findings)}, looked at: {counts or 'nothing'}.")
        for finding in checkup.findings:
            click.echo(f"  {finding.what}\n    costs: {finding.costs}")
            if finding.aside:
                click.echo(f"    set aside: {finding.aside}")
            if finding.todo:
                click.echo(f"    to do: {finding.todo}")
    sys.exit(0 if all(checkup.is_well for checkup in checkups.values()) else 1)


@main.command(hidden=True)
@click.argument("home", type=FOLDER)
@click.option("--check", "checks", is_flag=True, help="Check the databases as well.")
def keep(home: Path, checks: bool) -> None:
    """What `serve` runs from time to time: the check of the databases, the backup that is due."""
    from labeler.jobs.keeper import keep as keep_home

    yield_to_others(19)  # annotators and rounds come first
    keep_home(home, checks, datetime.now(UTC))
