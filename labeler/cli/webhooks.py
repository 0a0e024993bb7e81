"""Commands on the webhooks of a project: add one, list them, remove one, see what was sent, send it again."""

from typing import TYPE_CHECKING, cast

import click

from labeler.cli.base import main, of_project
from labeler.core.events import EVENTS, Event

if TYPE_CHECKING:
    from labeler.notebook.project import Project

# Imports of labeler.events are deferred: they load numpy, and `--help` should not wait for it.


@main.group()
def webhooks() -> None:
    """Tell other programs of what happens in a project, see docs/events.md."""


@webhooks.command()
@of_project
@click.argument("url")
@click.option("--event", "events", multiple=True, help="An event that is told of; may be repeated. All by default.")
def add(project: "Project", url: str, events: tuple[str, ...]) -> None:
    """Send messages about PROJECT to URL. Prints the secret that they are signed with, this once."""
    number, secret = project.add_webhook(url, cast("tuple[Event, ...]", events) or EVENTS)
    click.echo(f"Webhook {number}. Its messages are signed with this secret, which is not shown again:\n{secret}")


@webhooks.command("list")
@of_project
def show(project: "Project") -> None:
    """Print the webhooks of PROJECT."""
    from labeler.events.addresses import shown

    for webhook in project.webhooks():
        click.echo(f"{webhook.id}  {shown(webhook.url)}  {', '.join(webhook.events)}  (by {webhook.added_by or '–'})")


@webhooks.command()
@of_project
@click.argument("number", type=int)
def remove(project: "Project", number: int) -> None:
    """Send no more to the webhook NUMBER of PROJECT."""
    project.remove_webhook(number)


@webhooks.command()
@of_project
@click.option("--last", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many messages.")
def log(project: "Project", last: int) -> None:
    """Print the latest messages of PROJECT, the latest first, with what came of them."""
    for delivery in project.webhook_messages(last):
        came = "received" if delivery.delivered_at else str(delivery.problem) or "waits"
        if delivery.problem:
            came += " – tried again" if delivery.next_at is not None else " – given up"
        click.echo(
            f"{delivery.id}  {delivery.at[:19].replace('T', ' ')}  {delivery.event}  {delivery.attempts}×  {came}"
        )


@webhooks.command("send-again")
@of_project
@click.argument("number", type=int)
def send_again(project: "Project", number: int) -> None:
    """Send the message NUMBER of PROJECT's log again; the worker sends it."""
    project.send_again(number)
