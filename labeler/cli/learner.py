"""Commands on the learner: adapt its backbone, search for better settings, predict, publish, reproduce."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from tqdm import tqdm

from labeler.access.users import local_user
from labeler.cli.base import ANY_PATH, FOLDER, Refusal, bar, counted, main, of_project
from labeler.core.errors import LabelerError
from labeler.core.jobs import AdaptationRequest, Sampler, TuningRequest
from labeler.projects import project as projects

if TYPE_CHECKING:
    from labeler.notebook.project import Project

# Imports of labeler and pandas are deferred: torch, pandas and optuna are slow to load, and `--help` should not wait.


@main.command()
@click.argument("project", type=FOLDER)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=AdaptationRequest.seconds,
    show_default=True,
    help="Seconds that the training takes, approximately.",
)
@click.option(
    "--blocks",
    type=click.IntRange(1),
    default=AdaptationRequest.blocks,
    show_default=True,
    help="Number of last blocks of the backbone that are trained.",
)
@click.option("--seed", type=int, default=AdaptationRequest.seed, show_default=True, help="Seed of all random numbers.")
@click.option("--use", is_flag=True, help="Use the adapted weights from the next round on.")
@click.option("--on/--off", "switch", default=None, help="Train nothing; switch the kept weights on or off.")
def adapt(project: Path, seconds: float, blocks: int, seed: int, use: bool, switch: bool | None) -> None:
    """Let the backbone learn from the pool before the first label, and measure what that brings."""
    from labeler.jobs import adaptations

    opened = projects.open_project(project)
    if switch is None:
        request = AdaptationRequest(seconds, blocks, seed, use)
        with bar("adapt") as report, opened.store() as store:
            click.echo(str(adaptations.run(opened, store, request, lambda step: report)))
        switch = projects.open_project(project).config.learner.adapted
    else:
        adaptations.use(opened, switch)
    state = "are used from the next round on" if switch else "are not used; `adapt --on` changes that"
    click.echo(f"The adapted weights {state}.")


@main.command()
@click.argument("project", type=FOLDER)
@click.option(
    "--sampler",
    type=click.Choice(get_args(Sampler)),
    default=TuningRequest.sampler,
    show_default=True,
    help="How the settings of a trial are chosen.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=TuningRequest.seconds,
    show_default=True,
    help="Time budget in seconds.",
)
@click.option(
    "--trials",
    type=click.IntRange(2),
    default=TuningRequest.trials,
    show_default=True,
    help="Highest number of trials.",
)
@click.option(
    "--lever", "levers", multiple=True, metavar="L", help="A lever to vary; may be given several times. All by default."
)
@click.option(
    "--backbone",
    "backbones",
    multiple=True,
    metavar="B",
    help="A backbone to try besides the project's; may be given several times.",
)
@click.option(
    "--augment",
    multiple=True,
    metavar="A",
    help="An augmentation of images to try; name only those that keep the meaning.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 10),
    default=TuningRequest.folds,
    show_default=True,
    help="Folds of the cross-validation.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=TuningRequest.seed, show_default=True, help="Seed of all random numbers."
)
@click.option("--apply", "take", is_flag=True, help="Write the proposed settings into the project.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def tune(project: Path, take: bool, as_json: bool, **request: Any) -> None:
    """Search for better settings of the learner by cross-validation on the labels at hand.

    A stopped search continues where it was, as long as there are no new labels.
    """
    from labeler.jobs import searches

    opened = projects.open_project(project)
    number = searches.ask(opened, TuningRequest(**request), local_user().name)
    with tqdm(disable=None, file=sys.stderr, leave=False, bar_format="{n}/{total} s {bar} {desc}") as progress:

        def show(message: str, done: int, total: int) -> None:
            progress.n, progress.total = done, total
            progress.set_description_str(message)

        try:
            job = searches.follow(opened, number, show)
        except KeyboardInterrupt:
            searches.cancel(opened, number)
            raise Refusal("Stopped. What was tried is kept: the same command goes on from there.") from None
    with opened.store() as store:
        report = store.tunings.report_of(number)
    if report is None:
        reason = job.error or "The search was cancelled from elsewhere; what was tried is kept."
        raise LabelerError("{reason}", reason=reason)
    taken_over = bool(take and report["proposal"] and searches.take_over(opened, number))
    if as_json:
        click.echo(json.dumps(report | {"taken_over": taken_over}, ensure_ascii=False, indent=2))
        return
    click.echo(_table_of_trials(report))
    click.echo(report["verdict"])
    if taken_over:
        click.echo("They are used from the next round on.")
    elif report["proposal"]:
        click.echo("Nothing is changed; `tune --apply` takes them over.")


def _table_of_trials(report: dict[str, Any]) -> str:
    """A table of how the settings that were tried compare, with a line on the search above it."""
    import pandas as pd

    from labeler.experiments import search_verdict

    frame = pd.DataFrame(search_verdict.table(report))
    formats = {"log likelihood": "{:.3f}".format, "accuracy": "{:.1%}".format, "seconds": "{:.1f}".format}
    head = f"{counted(report['labels'], 'label')}, {report['folds']} folds, {report['seconds']:.0f} s"
    return f"{head}\n{frame.to_string(index=False, na_rep='', formatters=formats)}"


@main.command()
@of_project
@click.argument("sources", type=ANY_PATH, nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--column", metavar="T", help="Column of the texts or image paths in a table; recognised by its name if not given."
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="Format of the output.",
)
def predict(project: "Project", sources: tuple[Path, ...], column: str | None, kind: str) -> None:
    """Predict the classes of new images or texts with the project's best model; probabilities go to standard output.

    INPUT is an image, a folder or zip of images, a table, or a .txt file with a text a line.
    """
    from labeler.files.csv_files import csv_text

    with bar("predict", "items") as report:
        frame = project.predict(sources, column, report)
    for problem in frame.attrs["problems"][:20]:
        click.echo(problem, err=True)
    text = csv_text(frame) if kind == "csv" else frame.to_json(orient="records", lines=True, force_ascii=False)
    click.echo(text, nl=False)


@main.command()
@click.argument("project", type=FOLDER)
@click.argument("out", type=FOLDER)
def publish(project: Path, out: Path) -> None:
    """Write the best model to the new folder OUT as ONNX and as a torch program, which work without the labeler."""
    from labeler.models.publish import publish as write

    weights = write(projects.open_project(project), out)
    click.echo(f"{weights.stem} is in {out}; its README.md has the lines that load it.")


@main.command()
@click.argument("project", type=FOLDER)
@click.argument("number", type=click.IntRange(1), metavar="ROUND")
@click.option("--out", type=ANY_PATH, metavar="M.safetensors", help="File that the model is written to.")
def reproduce(project: Path, number: int, out: Path | None) -> None:
    """Train the model of ROUND again from its card, and compare it with the model that was kept."""
    from labeler.learner.saved_models import save
    from labeler.models.reproduce import reproduce as run

    with bar("train", "epochs") as report:
        again = run(projects.open_project(project), number, report)
    if out:
        save(again.model, out)
    if again.difference:
        raise LabelerError(
            "Round {number} was trained anew, and its weights differ by up to {difference:.1e}{reasons}.",
            number=number,
            difference=again.difference,
            reasons="".join(f"; {reason}" for reason in again.reasons),
        )
    click.echo(f"Round {number} was trained anew; its weights are the same, bit for bit.")
