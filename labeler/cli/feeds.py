"""Commands on the feeds of a project, from which new items come by themselves: add, list, pull, pause, remove."""

from pathlib import Path

import click

from labeler.cli.base import FOLDER, main
from labeler.core.feeds import FeedState
from labeler.core.settings import FeedConfig, FeedKind
from labeler.projects import project as projects

# Imports of labeler.jobs are deferred: they load numpy, and `--help` should not wait for it.


@main.group()
def feeds() -> None:
    """Let new items come by themselves, see docs/feeds.md."""


@feeds.command()
@click.argument("project", type=FOLDER)
@click.argument("name")
@click.argument("kind", type=click.Choice(["folder", "bucket", "sql", "web"]))
@click.argument("place")
@click.option("--every", default=15, show_default=True, type=click.IntRange(1, 100_000), help="Minutes between looks.")
@click.option("--query", default="", help="Query of a database that gives the rows behind `:since`.")
@click.option("--cursor", default="", help="Column whose values only grow.")
@click.option("--start", default="0", show_default=True, help="What `:since` or `{since}` is before the first look.")
@click.option("--text", default="", help="Column of the texts.")
@click.option("--image", default="", help="Column with the addresses of the images.")
@click.option("--label", default="", help="Column of known labels.")
@click.option("--group", default="", help="Column of what items belong to.")
def add(  # wide: the options of a command
    project: Path, name: str, kind: FeedKind, place: str, every: int, **options: str
) -> None:
    """Let new items of PLACE come into PROJECT, under NAME: a folder, an address of objects, a database, or a web
    address.
    """
    from labeler.jobs import feeds as job

    job.add(projects.open_project(project), name, FeedConfig(kind, place, every, **options))  # type: ignore[arg-type]


@feeds.command("list")
@click.argument("project", type=FOLDER)
def show(project: Path) -> None:
    """Print the feeds of PROJECT, and what came of them."""
    opened = projects.open_project(project)
    with opened.store() as store:
        states = store.feeds.states()
    for name, feed in opened.config.feeds.items():
        every = "paused" if feed.paused else f"every {feed.every} min"
        click.echo(f"{name}  {feed.kind}  {feed.place}  {every}  {_came(states[name])}")
        for problem in states[name].refused:
            click.echo(f"    {problem.source}: {problem.reason}")


@feeds.command()
@click.argument("project", type=FOLDER)
@click.argument("name", required=False)
def pull(project: Path, name: str | None) -> None:
    """Look at the feed NAME of PROJECT now, or at all that are not paused."""
    from labeler.jobs import feeds as job

    opened = projects.open_project(project)
    names = [name] if name else [name for name, feed in opened.config.feeds.items() if not feed.paused]
    with opened.store() as store:
        for each in names:
            job.require(opened, each)
            store.feeds.look_now(each)
        job.look_once(opened)
        states = store.feeds.states()
    for each in names:
        click.echo(f"{each}  {_came(states[each])}")


@feeds.command()
@click.argument("project", type=FOLDER)
@click.argument("name")
def pause(project: Path, name: str) -> None:
    """Look at the feed NAME of PROJECT no more, until `resume`."""
    from labeler.jobs import feeds as job

    job.pause(projects.open_project(project), name, True)


@feeds.command()
@click.argument("project", type=FOLDER)
@click.argument("name")
def resume(project: Path, name: str) -> None:
    """Look at the feed NAME of PROJECT again."""
    from labeler.jobs import feeds as job

    job.pause(projects.open_project(project), name, False)


@feeds.command()
@click.argument("project", type=FOLDER)
@click.argument("name")
def remove(project: Path, name: str) -> None:
    """Remove the feed NAME of PROJECT. Its items stay."""
    from labeler.jobs import feeds as job

    job.remove(projects.open_project(project), name)


def _came(state: FeedState) -> str:
    """What came of a feed, on one line."""
    if state.problem:
        return f"fails since {state.failing_since}: {state.problem}"
    if state.looked_at is None:
        return "not looked at yet"
    return f"{state.items} items, the latest {state.latest} at {state.latest_at or '–'}; looked at {state.looked_at}"
