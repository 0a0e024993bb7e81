"""Commands on the feeds of a project, from which new items come by themselves."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from labeler.cli.base import counted, main, of_project
from labeler.core.feeds import FeedState
from labeler.core.settings import FeedConfig, FeedKind
from labeler.i18n.messages import Message

if TYPE_CHECKING:
    from labeler.notebook.project import Project


@main.group()
def feeds() -> None:
    """Let new items come by themselves, see docs/feeds.md."""


def of_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options for the settings of a feed; those that are not given are None."""
    for name, kind, help in (
        ("--group", str, "Column of what items belong to; `folder`: their folder."),
        ("--label", str, "Column of known labels."),
        ("--image", str, "Column with the addresses of the images."),
        ("--text", str, "Column of the texts."),
        ("--start", str, "What `:since` or `{since}` is before the first look; 0 by default."),
        ("--cursor", str, "Column whose values only grow."),
        ("--query", str, "Query of a database that gives the rows behind `:since`."),
        ("--every", click.IntRange(1, 100_000), f"Minutes between looks; {FeedConfig.every} by default."),
    ):
        command = click.option(name, type=kind, help=help)(command)
    return command


@feeds.command()
@of_project
@click.argument("name")
@click.argument("kind", type=click.Choice(["folder", "bucket", "sql", "web"]))
@click.argument("place")
@of_settings
def add(project: "Project", name: str, kind: FeedKind, place: str, **options: Any) -> None:
    """Let new items of PLACE come into PROJECT, under NAME: a folder, an address of objects, a database, or a web
    address.
    """
    project.add_feed(name, FeedConfig(kind, place, **_given(options)))


@feeds.command("list")
@of_project
def show(project: "Project") -> None:
    """Print the feeds of PROJECT, and what came of them."""
    for feed in project.feeds():
        every = "paused" if feed.settings.paused else f"every {feed.settings.every} min"
        click.echo(f"{feed.name}  {feed.settings.kind}  {feed.settings.place}  {every}  {_came(feed.state)}")
        for problem in feed.state.refused:
            click.echo(f"    {Message.of(problem)}")


@feeds.command()
@of_project
@click.argument("name")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 50), help="How many looks.")
def looks(project: "Project", name: str, last: int) -> None:
    """Print the latest looks at the feed NAME of PROJECT, the latest first."""
    for look in project.feed_looks(name, last):
        came = f"{counted(look.added, 'item')}, {look.refused} refused"
        if look.ended_at is None:
            came = f"{look.step or 'reading'}: {look.done}{f' of {look.total}' if look.total else ' so far'}"
        click.echo(f"{look.began_at[:19].replace('T', ' ')}  {look.problem or came}")


@feeds.command()
@of_project
@click.argument("name", required=False)
def pull(project: "Project", name: str | None) -> None:
    """Look at the feed NAME of PROJECT now, or at all that are not paused, until all that is new has come."""
    for each in [name] if name else [feed.name for feed in project.feeds() if not feed.settings.paused]:
        click.echo(f"{each}  {_came(project.pull_feed(each).state)}")


@feeds.command()
@of_project
@click.argument("name")
@click.option("--place", help="Where it reads; it begins anew there.")
@of_settings
def change(project: "Project", name: str, **options: Any) -> None:
    """Change settings of the feed NAME of PROJECT: those that are given."""
    project.change_feed(name, **_given(options))


@feeds.command()
@of_project
@click.argument("name")
def pause(project: "Project", name: str) -> None:
    """Look at the feed NAME of PROJECT no more, until `resume`."""
    project.change_feed(name, paused=True)


@feeds.command()
@of_project
@click.argument("name")
def resume(project: "Project", name: str) -> None:
    """Look at the feed NAME of PROJECT again."""
    project.change_feed(name, paused=False)


@feeds.command()
@of_project
@click.argument("name")
def remove(project: "Project", name: str) -> None:
    """Remove the feed NAME of PROJECT. Its items stay."""
    project.remove_feed(name)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _came(state: FeedState) -> str:
    """What came of a feed, on one line."""
    if state.problem:
        return f"fails since {state.failing_since}: {state.problem}"
    if state.looked_at is None:
        return "not looked at yet"
    items = counted(state.items, "item")
    return f"{items}, the latest {state.latest} at {state.latest_at or '–'}; looked at {state.looked_at}"
