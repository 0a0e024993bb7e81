"""Commands on a project, from its creation to its export."""

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import click

from labeler.access.serving import LOOPBACK, Serving
from labeler.cli.base import ANY_PATH, FOLDER, MODALITY, bar, counted, main, of_columns, of_project
from labeler.cli.imports import show_beginning, source_named
from labeler.cli.predictions import of_predictions
from labeler.cli.predictions import say as say_predictions
from labeler.cli.predictions import wanted as predictions_wanted
from labeler.core.actor import SYSTEM, Actor, act_as
from labeler.core.errors import LabelerError
from labeler.core.items import ClassesAnItem, ImportReport, Modality
from labeler.core.logs import VARIABLE, keep_problems, set_up
from labeler.core.processes import end_with_starter, parent_is_gone, yield_to_others
from labeler.core.running import give_signs_of_life
from labeler.core.settings import Config
from labeler.files.addresses import Source
from labeler.files.sources import SourceColumns
from labeler.formats.base import Name, ReadAs
from labeler.formats.hugging_face import HUB
from labeler.i18n.messages import DEFAULT, LANGUAGES, use
from labeler.jobs import supervisor
from labeler.projects import project as projects
from labeler.projects.export_columns import Format, Rows

if TYPE_CHECKING:
    from labeler.notebook.project import Project

FORMATS_OF_TABLES = get_args(Format)

# Imports of labeler are deferred: torch, pandas and altair are slow to load, and `--help` should not wait for them.


@main.command()
@click.argument("project", type=FOLDER)
@click.option("--classes", help="Names of the classes, separated by commas.")
@click.option(
    "--like",
    type=ANY_PATH,
    help="File of another tool, such as a labeling configuration of Label Studio, whose classes, keys and kind of items"
    " the project gets.",
)
@click.option("--modality", type=MODALITY, default="image", show_default=True, help="What is labeled.")
@click.option(
    "--answers",
    type=click.Choice(get_args(ClassesAnItem)),
    default="one",
    show_default=True,
    help="Number of classes of an item: exactly one, or any number of them.",
)
@click.option("--name", help="Name that people see; the folder's name by default.")
def init(  # wide: click passes each option as a parameter of its own
    project: Path, classes: str | None, like: Path | None, modality: Modality, answers: ClassesAnItem, name: str | None
) -> None:
    """Create a project folder."""
    from labeler.projects.other_tools import config_like

    if (classes is None) == (like is None):
        raise LabelerError("Name the classes with --classes, or a file that has them with --like.")
    name = name or project.resolve().name
    if like is not None:
        config = config_like(like, name)
    else:
        names = tuple(c.strip() for c in (classes or "").split(",") if c.strip())
        config = Config(name, names, modality, answers)
    projects.create(project, config)
    click.echo(f"Created {project}. Next: python -m labeler import {project} SOURCE")


@main.command("import")
@of_project
@click.argument("source")
@of_columns
@click.option(
    "--format",
    type=click.Choice(get_args(ReadAs)),
    help="What the file is, where that is not recognised; a `table` is read by its columns.",
)
@click.option(
    "--keep-labels",
    type=click.Choice(["all", "holdout"]),
    default="all",
    show_default=True,
    help="`holdout` forgets the known labels of the pool and asks for them.",
)
@click.option(
    "--deidentify",
    is_flag=True,
    help="Remove from DICOM files what identifies patients, now and in later imports (`dicom.deidentify`).",
)
@click.option(
    "--drop-column",
    "dropped",
    multiple=True,
    metavar="NAME",
    help="Column of a table that is not stored, now and in later imports (`dicom.drop_columns`); `*` for all. Groups"
    " get pseudonyms. Can be given several times.",
)
@click.option(
    "--prior-column",
    metavar="NAME",
    help="Column with a class for each item that somebody or something predicted; the model starts from it, and labels"
    " decide how much it counts (`learner.prior_column`). Annotators do not see it.",
)
@of_predictions
@click.option("--preview", "only_look", is_flag=True, help="Show the first rows, and import nothing.")
@click.option(
    "--background", is_flag=True, help="Leave the import to the worker of `serve`; `imports` shows how far it is."
)
def import_(
    project: "Project",
    source: str,
    keep_labels: Literal["all", "holdout"],
    deidentify: bool,
    dropped: tuple[str, ...],
    prior_column: str | None,
    only_look: bool,
    background: bool,
    **names: Any,
) -> None:
    """Import a folder of images, a zip of one, or a table (CSV, TSV, JSONL, Parquet, XLSX); or images that stay in an
    object store, by their address (s3://BUCKET/PREFIX).

    Files of Label Studio, Hugging Face, Prodigy, doccano, COCO, Argilla, RIS and PubMed are recognised by their
    content, with who answered and what models said; hf:NAME is a data set of the Hugging Face hub.

    Ctrl+C ends an import, of which nothing is left then.
    """
    # wide: click passes each option as a parameter of its own
    from labeler.projects.staging import NICENESS

    if background and source.startswith(HUB):
        raise LabelerError("A data set of the hub is downloaded first: leave out --background.")
    place = click.get_current_context().with_resource(source_named(source))
    if only_look:
        show_beginning(place, SourceColumns(format=names["format"]))
        return
    options = {option: names.pop(option) for option in [*names] if option.startswith("foreign_")}
    foreign = predictions_wanted(project.settings, place, options)
    if foreign and not foreign.only:
        dropped = (*dropped, *foreign.names)  # they are kept as predictions
    _set(project, place, deidentify, dropped, prior_column)
    columns = {option.removesuffix("_column"): name for option, name in names.items()}
    if background:
        number = project.start_import(str(place), **columns, keep_labels=keep_labels, predictions=foreign)
        click.echo(f"Import job {number} waits for the worker; `imports` shows how far it is.")
        return
    yield_to_others(NICENESS)  # people who label go first
    if not foreign or not foreign.only:
        with bar("import", "rows") as report:
            result = project.import_(str(place), **columns, keep_labels=keep_labels, apart=True, on_progress=report)
        _say(result, project.status()["about_encoder"])
    if foreign:
        with bar("predictions", "rows") as report:
            added = project.import_predictions(str(place), foreign, apart=True, on_progress=report)
        say_predictions(added)


def _set(
    project: "Project", source: Source, deidentify: bool, dropped: tuple[str, ...], prior_column: str | None
) -> None:
    """Change the settings that the options of an import change."""
    from labeler.projects.scans import EVERY

    settings = project.settings
    if deidentify:
        settings = replace(settings, dicom=replace(settings.dicom, deidentify=True))
    if dropped:
        _check_columns(source, dropped, also=(EVERY,))
        together = tuple(dict.fromkeys((*settings.dicom.drop_columns, *dropped)))
        settings = replace(settings, dicom=replace(settings.dicom, drop_columns=together))
    if prior_column is not None:
        _check_columns(source, (prior_column,))
        settings = replace(settings, learner=replace(settings.learner, prior_column=prior_column))
    if settings != project.settings:
        project.settings = settings


def _say(result: ImportReport, about_encoder: list[str]) -> None:
    """Print what an import has brought; on the error stream what it has left out."""
    from labeler.report.sentences.groups import of_import
    from labeler.report.sentences.scans import of_scans, of_table
    from labeler.report.sentences.tools import of_tool

    for problem in result.problems[:20]:
        click.echo(str(problem), err=True)
    if result.not_imported > 20:
        click.echo(f"… and {result.not_imported - 20} more.", err=True)
    click.echo(
        f"{counted(result.added, 'item')} added, {result.duplicates} already there, {result.not_imported} not imported,"
        f" {counted(result.labels_added, 'label')}. Pool {result.pool}, holdout {result.holdout}."
    )
    for sentence in (
        *of_import(result),
        *of_table(result),
        *of_tool(result),
        *(of_scans(result.dicom) if result.dicom else []),
        *about_encoder,
    ):
        click.echo(sentence)


def _check_columns(source: Source, names: tuple[str, ...], also: tuple[str, ...] = ()) -> None:
    """Refuse columns that the table does not have: a misspelt one would be stored, or say nothing.

    Args: also: other names that are allowed.
    """
    from labeler.formats.preview import preview

    columns = preview(source).columns
    for name in names:
        if name not in (*columns, *also):
            raise LabelerError(
                "{source} has no column {name!r}; it has {columns}.",
                source=source.name,
                name=name,
                columns=", ".join(columns) or "none",
            )


@main.command()
@click.argument("home", type=FOLDER, default="projects", envvar="LABELER_HOME")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8501,
    show_default=True,
    envvar="LABELER_PORT",
    help="Port of the app.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    envvar="LABELER_PROCESSES",
    help="Processes that answer the desk's requests on this port; about one a core where hundreds of people label.",
)
@click.option(
    "--address",
    default=LOOPBACK,
    show_default=True,
    envvar="LABELER_ADDRESS",
    help="IP address to listen on; others need accounts.",
)
@click.option(
    "--host-name",
    "host_names",
    multiple=True,
    envvar="LABELER_HOST_NAME",
    help="Name that people reach the app by. May be repeated.",
)
@click.option(
    "--trust-proxy",
    "--behind-proxy",
    "proxies",
    multiple=True,
    envvar="LABELER_TRUST_PROXY",
    help="Address or network of a proxy whose X-Forwarded-For, -Proto and -Host count. May be repeated.",
)
@click.option(
    "--base-path",
    default="",
    envvar="LABELER_BASE_PATH",
    help="Path below which the app lies, such as /labeler.",
)
@click.option(
    "--embedded-in",
    multiple=True,
    envvar="LABELER_EMBEDDED_IN",
    help="Origin whose pages may show the app in a frame, such as https://example.org. May be repeated.",
)
@click.option(
    "--front-end",
    "front_ends",
    multiple=True,
    envvar="LABELER_FRONT_END",
    help="Origin whose pages may use the public API with a token, such as https://example.org. May be repeated.",
)
@click.option(
    "--log",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    envvar=VARIABLE,
    help="`json`: one JSON object a line, with ids of requests and jobs and without contents.",
)
@click.option(
    "--worker-elsewhere",
    is_flag=True,
    envvar="LABELER_WORKER_ELSEWHERE",
    help="Start no worker: `labeler worker HOME` runs beside this command, such as in a container with the GPU.",
)
# wide: click passes each option as a parameter of its own
def serve(home: Path, port: int, processes: int, log: str, worker_elsewhere: bool, **reached: Any) -> None:
    """Serve the app, with a worker and an explainer; HOME is the folder of all projects.

    In the environment, several values of an option have spaces between.
    """
    os.environ[VARIABLE] = log  # for the processes that it starts
    set_up("serve")
    supervisor.serve(home, port, Serving(**reached), processes, worker_elsewhere)


@main.command()
@click.argument("home", type=FOLDER, envvar="LABELER_HOME")
@click.option("--once", is_flag=True, help="Run all that is asked for or due, then end.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the process that started this one ends.")
def worker(home: Path, once: bool, with_parent: bool) -> None:
    """Run rounds and all other jobs of a project, or of all projects in a folder."""
    from labeler.jobs.rounds import NICENESS, work, work_through

    act_as(Actor(SYSTEM, "job"))
    if not home.is_dir():
        raise LabelerError("{home} does not exist: create a project with `init` first.", home=home)
    if once:
        for folder in projects.in_home(home):
            work_through(projects.open_project(folder))
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that what it started is ended in order
        give_signs_of_life(home, "worker")
        keep_problems(home, "worker")
        if with_parent:
            end_with_starter()
            yield_to_others(NICENESS)
        work(home, should_stop=parent_is_gone() if with_parent else lambda: False)


@main.command(hidden=True)
@click.argument("home", type=FOLDER)
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the process that started this one ends.")
def explainer(home: Path, with_parent: bool) -> None:
    """Compute explanations for annotators who ask for them; `serve` starts this process."""
    from labeler.jobs.explanations import work

    give_signs_of_life(home, "explainer")
    keep_problems(home, "explainer")
    if with_parent:
        end_with_starter()
    work(home, should_stop=parent_is_gone() if with_parent else lambda: False)


@main.command()
@of_project
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def status(project: "Project", as_json: bool) -> None:
    """Show items, labels, rounds, and the latest accuracy with its interval."""
    values = project.status()
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False, indent=2))
        return
    if values["error"]:
        click.echo(f"ERROR: {values['error']}", err=True)
    click.echo(
        f"{values['name']}: {values['labeled']} of {values['pool']} pool items and {values['holdout_labeled']} of"
        f" {values['holdout']} holdout items labeled, {counted(values['rounds'], 'round')}"
    )
    for sentence in (*values["sentences"], *values["about_encoder"]):
        click.echo(sentence)
    if values["accuracy"] is not None:
        groups = values["measured_on_groups"]
        click.echo(
            f"{values['measure']}: {values['accuracy']:.1%} (95% interval {values['accuracy_low']:.1%} to"
            f" {values['accuracy_high']:.1%}, n = {values['measured_on']}{f' of {groups} groups' if groups else ''});"
            f" target {100 * values['target_accuracy']:g}%"
        )
    for model in values["models"]:
        click.echo(model["in_words"])
    job = values["job"]
    if job and job["state"] != "done":
        click.echo(f"round {job['state']}: {job['error'] or job['message'] or job['reason']}")


@main.command("round")
@of_project
def run_round(project: "Project") -> None:
    """Run a round now: train on all labels, measure on the holdout, rank what is asked next."""
    latest = project.run_round()
    measured = latest.metrics
    words = f": {measured.accuracy:.1%} ({measured.low:.1%} to {measured.high:.1%})" if measured else ", not measured"
    click.echo(f"Round {latest.number} on {counted(latest.labels, 'label')}{words}.")


@main.command()
@of_project
@click.argument("out", type=ANY_PATH)
@click.option(
    "--rows",
    type=click.Choice(get_args(Rows)),
    default="answers",
    show_default=True,
    help="What a row is: an item with its label, or an answer.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice([*FORMATS_OF_TABLES, *get_args(Name)]),
    help="Format of the file, or the tool that it is for; OUT's suffix decides if it is not given. For a tool OUT is a"
    " folder, a .zip, or without images its file.",
)
@click.option(
    "--predictions", is_flag=True, help="Add the best model's probabilities for items without a label (`--rows items`)."
)
@click.option("--other-models", is_flag=True, help="Add what other models predicted for each item (`--rows items`).")
def export(
    project: "Project", out: Path, rows: Rows, kind: Format | Name | None, predictions: bool, other_models: bool
) -> None:
    """Write the labels, one row an item or one row an answer; docs/export.md says what each column means, and
    docs/formats.md what the files for other tools can hold.
    """
    if kind is not None and kind not in FORMATS_OF_TABLES:
        _write_for(project, cast("Name", kind), out)
        return
    if (predictions or other_models) and rows != "items":
        raise LabelerError("Predictions are of items: add --rows items.")
    with bar("predict" if predictions else "export") as report:
        count = project.write(out, rows, cast("Format | None", kind), predictions, report, other_models)
    click.echo(f"{counted(count, rows.removesuffix('s'))} written to {out}.")


def _write_for(project: "Project", tool: Name, out: Path) -> None:
    """Write the file of another tool, and print what it cannot hold."""
    from labeler.report.sentences.tools import left_out_in_words

    written = project.write_for(tool, out)
    click.echo(f"{counted(written.items, 'item')} written to {out}.")
    for sentence in left_out_in_words(written.left_out):
        click.echo(sentence)


@main.command()
@click.argument("project", type=FOLDER)
@click.argument("out", type=ANY_PATH)
@click.option(
    "--language", type=click.Choice([*LANGUAGES]), default=DEFAULT, show_default=True, help="Language of the page."
)
def report(project: Path, out: Path, language: str) -> None:
    """Write the state of the project as one self-contained HTML page, or as JSON if OUT ends in .json."""
    from labeler.report.write import write

    use(language)
    write(projects.open_project(project), out)
    click.echo(f"The report is in {out}.")


@main.command()
@click.argument("folder", type=FOLDER, default="projects/demo")
def demo(folder: Path) -> None:
    """Create the demo project: 1,797 handwritten digits."""
    from labeler.projects.demo import create_demo

    with bar("import", "images") as report:
        project = create_demo(folder, report)
    click.echo(f"The demo project is in {project.folder}.")
