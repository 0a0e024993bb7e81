"""Commands on pretrained encoders: what there is, and what is on this machine."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from labeler.access.users import local_user
from labeler.backbones.catalogue import ENCODERS, Hub, is_here
from labeler.backbones.weights import Package
from labeler.cli.base import FOLDER, Group, counted, main
from labeler.core.errors import LabelerError
from labeler.experiments import encoder_verdict
from labeler.projects import project as projects

# Imports of labeler.backbones.fetch, labeler.jobs and pandas are deferred: they are slow to load.


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
    """Bring an encoder to this machine and check its SHA-256; `learner.backbone` can name it then.

    NAME is one of the catalogue, or `organisation/model` of any other encoder at Hugging Face.
    """
    from labeler.backbones.fetch import fetch

    folder = fetch(name)
    licence = ENCODERS[name].licence if name in ENCODERS else "see its page"
    click.echo(f"{name} is in {folder} (licence: {licence}).")


@models.command("compare")
@click.argument("project", type=FOLDER)
@click.option("--use", is_flag=True, help="Use the encoder that is proposed from the next round on.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def compare(project: Path, use: bool, as_json: bool) -> None:
    """Compare the encoders on this machine on the project's own labels, by cross-validation.

    The worker does the same beside the rounds as labels double, see `learner.backbone_search`.
    """
    from labeler.jobs import encoder_comparisons

    opened = projects.open_project(project)
    with tqdm(disable=None, file=sys.stderr, leave=False, bar_format="{n}/{total} {bar} {desc}") as progress:

        def show(message: str, done: int, total: int) -> None:
            progress.n, progress.total = done, total or None
            progress.set_description_str(message)

        number = encoder_comparisons.compare_now(opened, local_user().name, show)
    with opened.store() as store:
        report, job = store.encoder_comparisons.report_of(number), store.encoder_comparisons.get(number)
        if report is None:
            raise LabelerError("{reason}", reason=job.error or "The comparison was cancelled from elsewhere.")
        taken = bool(use and report["proposal"])
        if taken:
            encoder_comparisons.accept(opened, store, number, report, local_user().name)
    if as_json:
        click.echo(json.dumps(report | {"taken_over": taken}, ensure_ascii=False, indent=2))
        return
    click.echo(_table_of_encoders(report))
    click.echo(report["verdict"])
    if report["proposal"]:
        click.echo(encoder_verdict.cost(report))
        click.echo("It is used from the next round on." if taken else "Nothing is changed; `--use` takes it over.")


def _table_of_encoders(report: dict[str, Any]) -> str:
    """The encoders, each with how much more of the pool it gets right than the present one."""
    import pandas as pd

    rows = [
        {
            "encoder": row["name"],
            "accuracy": f"{row['gain']:+.1%}" if "gain" in row else "",
            "interval": f"{row['low']:+.1%} to {row['high']:+.1%}" if "gain" in row else "",
            "s to read all": f"{row['reading_seconds']:.0f}" if "reading_seconds" in row else "",
            "note": row.get("note", ""),
        }
        for row in report["encoders"]
    ]
    head = f"In place of {report['present']}, {counted(report['labels'], 'label')}, {report['queried']} of them queried"
    return f"{head}\n{pd.DataFrame(rows).to_string(index=False)}" if rows else head
