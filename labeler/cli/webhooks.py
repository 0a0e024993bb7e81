"""Commands on the webhooks of a project: add one, list them, remove one, see what was sent, send it again."""

from pathlib import Path

import click

from labeler.cli.base import FOLDER, main
from labeler.core.errors import LabelerError
from labeler.projects import project as projects

# Imports of labeler.events are deferred: they load numpy, and `--help` should not wait for it.


@main.group()
def webhooks() -> None:
    """Tell other programs of what happens in a project, see docs/events.md."""


@webhooks.command()
@click.argument("project", type=FOLDER)
@click.argument("url")
@click.option("--event", "events", multiple=True, help="An event that is told of; may be repeated. All by default.")
def add(project: Path, url: str, events: tuple[str, ...]) -> None:
    """Send messages about PROJECT to URL. Prints the secret that they are signed with, this once."""
    from labeler.events.webhooks import EVENTS, add_webhook

    number, secret = add_webhook(projects.open_project(project), url, events or EVENTS)  # type: ignore[arg-type]
    click.echo(f"Webhook {number}. Its messages are signed with this secret, which is not shown again:\n{secret}")


@webhooks.command("list")
@click.argument("project", type=FOLDER)
def show(project: Path) -> None:
    """Print the webhooks of PROJECT."""
    from labeler.events.addresses import shown

    with projects.open_project(project).store() as store:
        for webhook in store.webhooks.all():
            click.echo(
                f"{webhook.id}  {shown(webhook.url)}  {', '.join(webhook.events)}  (by {webhook.added_by or '–'})"
            )


@webhooks.command()
@click.argument("project", type=FOLDER)
@click.argument("number", type=int)
def remove(project: Path, number: int) -> None:
    """Send no more to the webhook NUMBER of PROJECT."""
    with projects.open_project(project).store() as store:
        if not store.webhooks.remove(number):
            raise LabelerError("There is no webhook {number}.", number=number)


@webhooks.command()
@click.argument("project", type=FOLDER)
@click.option("--last", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many messages.")
def log(project: Path, last: int) -> None:
    """Print the latest messages of PROJECT, the latest first, with what came of them."""
    with projects.open_project(project).store() as store:
        for delivery in store.webhooks.deliveries(last):
            came = "received" if delivery.delivered_at else str(delivery.problem) or "waits"
            if delivery.problem:
                came += " – tried again" if delivery.next_at is not None else " – given up"
            click.echo(
                f"{delivery.id}  {delivery.at[:19].replace('T', ' ')}  {delivery.event}  {delivery.attempts}×  {came}"
            )


@webhooks.command("send-again")
@click.argument("project", type=FOLDER)
@click.argument("number", type=int)
def send_again(project: Path, number: int) -> None:
    """Send the message NUMBER of PROJECT's log again; the worker sends it."""
    with projects.open_project(project).store() as store:
        if not store.webhooks.send_again(number):
            raise LabelerError("There is no message {number}, or its webhook was removed.", number=number)
