"""Commands on the imports of a project: list them, undo one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from labeler.access.users import local_user
from labeler.cli.base import FOLDER, counted, main
from labeler.core.errors import LabelerError
from labeler.files.addresses import Source, source_of
from labeler.files.sources import OBVIOUS, SourceColumns
from labeler.formats.hugging_face import HUB, download
from labeler.projects import project as projects

ROWS, LETTERS = 5, 120  # of a table that are shown, and of a cell


@main.command()
@click.argument("project", type=FOLDER)
def imports(project: Path) -> None:
    """List the imports with their numbers, the latest first; before them the jobs that wait, run or have failed."""
    with projects.open_project(project).store() as store:
        records, jobs = store.imports.all(), store.import_jobs.all()
    for job in jobs:
        if job.state in ("queued", "running", "failed"):
            so_far = f", {counted(job.done, 'row')} read" if job.done else ""
            click.echo(f"job {job.id}  {job.request.name}: {job.error or job.state}{so_far}")
    for record in records:
        undone = f", {'being ' * record.undoing}undone by {record.undone_by}" if record.undone_at else ""
        items = counted(record.items, "item")
        click.echo(f"{record.id}  {record.source}: {items}, {record.answered} of them answered{undone}")
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
    items = counted(taken, "item")
    click.echo(f"{items} taken out; what people answered stays. Importing the same file again brings all back.")


@main.command("cancel-import")
@click.argument("project", type=FOLDER)
@click.argument("job", type=int)
def cancel_import(project: Path, job: int) -> None:
    """Cancel the import JOB that waits or runs; nothing of it is left."""
    with projects.open_project(project).store() as store:
        if job not in {entry.id for entry in store.import_jobs.all()}:
            raise LabelerError("There is no import job {number}.", number=job)
        is_cancelled = store.import_jobs.cancel(job)
    click.echo(f"Import job {job} is cancelled." if is_cancelled else f"Import job {job} has ended already.")


@contextmanager
def source_named(text: str) -> Iterator[Source]:
    """The source that a person has named; a data set of the Hugging Face hub is downloaded for the block."""
    if not text.startswith(HUB):
        yield source_of(text)
        return
    name = text.removeprefix(HUB)
    with tempfile.TemporaryDirectory() as scratch:
        yield download(name, Path(scratch) / name.replace("/", "-"))


def show_beginning(source: Source, columns: SourceColumns = OBVIOUS) -> None:
    """Print the first rows of a table, or how many images lie in which folder."""
    from labeler.formats.preview import preview  # here, because Pillow is slow to load

    beginning = preview(source, columns)
    if beginning.title:
        click.echo(f"A file of {beginning.title}.")
    if not beginning.is_table:
        for folder, n in beginning.folders:
            click.echo(f"{counted(n, 'image')} in {folder or beginning.name}")
        return
    for number, row in enumerate(beginning.rows[:ROWS], start=1):
        click.echo(f"row {number}")
        for column, cell in zip(beginning.columns, row, strict=True):
            click.echo(f"  {column}: {cell[:LETTERS]}{'…' if len(cell) > LETTERS else ''}")
