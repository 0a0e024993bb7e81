"""Commands on pretrained encoders: what there is, and what is on this machine."""

import click

from labeler.backbones.catalogue import ENCODERS, Hub, is_here
from labeler.backbones.weights import Package
from labeler.cli.base import Group, main

# Imports of labeler.backbones.fetch are deferred: what reads the weights is slow to load.


@main.group(cls=Group, invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the pretrained encoders of the catalogue: what each reads, and whether it is on this machine."""
    if context.invoked_subcommand:
        return
    header = ("encoder", "reads", "here", "MB", "numbers", "licence", "source")
    rows = [header]
    for entry in ENCODERS.values():
        source = entry.source
        origin = f"hub: {source.repository}" if isinstance(source, Hub) else f"wheel: {source.project}"
        here = "yes" if is_here(entry) else "pip install" if isinstance(source, Package) else "no"
        reads = f"{entry.modality}s: {entry.reads}"
        rows.append((entry.name, reads, here, str(entry.megabytes), str(entry.dims), entry.licence, origin))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for entry in ENCODERS.values():
        if entry.note:
            click.echo(f"{entry.name}: {entry.note}")


@models.command("fetch")
@click.argument("name")
def fetch_(name: str) -> None:
    """Bring an encoder to this machine and check its SHA-256; `learner.backbone` can name it then."""
    from labeler.backbones.fetch import entry_of, fetch

    entry = entry_of(name)
    folder = fetch(name)
    click.echo(f"{name} is in {folder} (licence: {entry.licence}).")
