"""Commands on the audit log of a project or of a home: show it, check that nobody changed it."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from labeler.access.accounts import FILE
from labeler.cli.base import FOLDER, main
from labeler.core.errors import ProjectError
from labeler.files.csv_files import csv_text
from labeler.projects import project as projects
from labeler.store.accounts import Accounts
from labeler.store.audit import AuditLog, AuditRow, canonical
from labeler.store.database import Connection


@main.group()
def audit() -> None:
    """Show or check the audit log of a project, or of a home's accounts."""


@audit.command()
@click.argument("folder", type=FOLDER)
@click.option("--by", help="Only what this person did.")
@click.option("--action", help="Only rows of this action, such as `settings changed`.")
@click.option("--csv", "kind", flag_value="csv", help="Print CSV, for spreadsheets.")
@click.option("--jsonl", "kind", flag_value="jsonl", help="Print JSON Lines, for programs.")
def show(folder: Path, by: str | None, action: str | None, kind: str | None) -> None:
    """Print the log of the project or home FOLDER, the oldest row first."""
    with _database(folder) as db:
        rows = AuditLog(db).rows(by=by, action=action)[::-1]
    if kind == "jsonl":
        for row in rows:
            click.echo(json.dumps(asdict(row), ensure_ascii=False))
    elif kind == "csv":
        click.echo(_as_csv(rows), nl=False)
    else:
        for row in rows:
            means = ", ".join(part for part in (row.how, row.address) if part)
            click.echo(
                f"{row.id}  {row.at[:19].replace('T', ' ')}  {row.by or '–'} ({means})  {row.action}{_said(row)}"
            )


@audit.command()
@click.argument("folder", type=FOLDER)
@click.option("--head", default="", help="A hash that this command printed earlier: the log must still have it.")
def verify(folder: Path, head: str) -> None:
    """Check the log of the project or home FOLDER; the exit code is 1 where it was changed."""
    with _database(folder) as db:
        result = AuditLog(db).verify(head)
    if result.broken is not None:
        click.echo(f"Row {result.broken} is not as it was written, or a row before it is missing.", err=True)
    elif not result.has_noted:
        click.echo(f"The log has no row with the hash {head}: its end was cut off, or it was written anew.", err=True)
    else:
        rows = "The one row holds" if result.rows == 1 else f"All {result.rows} rows follow from each other"
        click.echo(f"{rows}. Note the head: {result.head}")
    sys.exit(0 if result.holds else 1)


def _database(folder: Path) -> Connection:
    """The database with the folder's log; close it."""
    if projects.is_project(folder):
        return projects.open_project(folder).store().db
    if (folder / FILE).exists():
        return Accounts(folder / FILE).db
    raise ProjectError("{folder} is neither a project nor a home with accounts, so it has no audit log.", folder=folder)


def _as_csv(rows: list[AuditRow]) -> str:
    import pandas as pd  # slow to load

    cells = [
        {name: canonical(cell) if isinstance(cell, dict | list) else cell for name, cell in asdict(row).items()}
        for row in rows
    ]
    return csv_text(pd.DataFrame(cells, columns=[*AuditRow.__dataclass_fields__]))


def _said(row: AuditRow) -> str:
    """What a row says of its object, on one line."""
    what = ", ".join(f"{name} {value}" for name, value in row.what.items() if value != "")
    change = "" if row.before is None and row.after is None else f"{_text(row.before)} → {_text(row.after)}"
    return "".join(f": {part}" for part in (what, change) if part)


def _text(value: object) -> str:
    return "–" if value is None else value if isinstance(value, str) else canonical(value)
