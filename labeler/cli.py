"""`python -m labeler …`: every verb of the house from a terminal. Errors are one sentence and exit code 2."""

import json
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import click
from tqdm import tqdm

import strategies
from labeler import project as projects
from labeler.config import Config, LearnerConfig, QueryConfig
from labeler.errors import LabelerError
from labeler.types import AdaptationRequest, Modality, Progress, Sampler, TuningRequest

FOLDER = click.Path(path_type=Path, file_okay=False)
ANY_PATH = click.Path(path_type=Path)
MODALITY = click.Choice(get_args(Modality))


class Refusal(click.ClickException):
    """One sentence on what is wrong, and exit code 2."""

    exit_code = 2


class Group(click.Group):
    """Commands in the order of a first use, and errors as one sentence."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except (LabelerError, strategies.StrategyError) as error:
            raise Refusal(str(error)) from error
        except BrokenPipeError:  # the reader, e.g. `head`, has seen enough
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise Refusal(f"{where}{error.strerror or error}.") from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Label the few items that teach the model most."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    for chatty in ("onnxscript", "torch.onnx", "httpx", "onnx_ir"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@contextmanager
def _bar(what: str, unit: str = "") -> Iterator[Progress]:
    """A progress bar on the terminal's error stream, with the time left."""
    with tqdm(desc=what, unit=unit, disable=None, file=sys.stderr, leave=False) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report


def _of_columns(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--split-column", metavar="S", help="Column that says what is held out (`test`, `holdout`)."),
        click.option("--label-column", metavar="L", help="Column of known labels."),
        click.option("--image-column", metavar="F", help="Column of image paths, relative to the table."),
        click.option("--text-column", metavar="T", help="Column of texts."),
    ):
        command = option(command)
    return command


@main.command()
@click.argument("project", type=FOLDER)
@click.option("--classes", required=True, help="Names of the classes, separated by commas.")
@click.option("--modality", type=MODALITY, default="image", show_default=True, help="What is labeled.")
@click.option("--name", help="What people see; the folder's name by default.")
def init(project: Path, classes: str, modality: Modality, name: str | None) -> None:
    """Create a project folder."""
    names = tuple(c.strip() for c in classes.split(",") if c.strip())
    projects.create(project, Config(name or project.resolve().name, names, modality))
    click.echo(f"Created {project}. Next: python -m labeler import {project} SOURCE")


@main.command("import")
@click.argument("project", type=FOLDER)
@click.argument("source", type=ANY_PATH)
@_of_columns
@click.option(
    "--keep-labels",
    type=click.Choice(["all", "holdout"]),
    default="all",
    show_default=True,
    help="`holdout` forgets the known labels of the pool and asks for them.",
)
def import_(project: Path, source: Path, **options: Any) -> None:
    """Import a folder of images, a zip of one, or a table (CSV, TSV, JSONL, Parquet, XLSX)."""
    from labeler.importer import import_source

    opened = projects.open_project(project)
    with _bar("import", "rows") as report:
        result = import_source(opened, source, on_progress=report, **options)
    for problem in result.problems[:20]:
        click.echo(str(problem), err=True)
    if len(result.problems) > 20:
        click.echo(f"… and {len(result.problems) - 20} more.", err=True)
    click.echo(
        f"{result.added} items added, {result.duplicates} already there, {len(result.problems)} not imported,"
        f" {result.labels_added} labels. Pool {result.pool}, holdout {result.holdout}."
    )


@main.command()
@click.argument("home", type=FOLDER, default="projects")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="On 127.0.0.1.")
def serve(home: Path, port: int) -> None:
    """Serve the app on 127.0.0.1, with a worker; HOME holds the projects."""
    from labeler.serve import serve as run

    run(home, port)


@main.command()
@click.argument("home", type=FOLDER)
@click.option("--once", is_flag=True, help="Run what is asked for, rounds first, then end.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when the process that started this one ends.")
def worker(home: Path, once: bool, with_parent: bool) -> None:
    """Run rounds for a project, or for all projects in a folder."""
    from labeler.worker import BESIDE, parent_is_gone, work, work_once

    if not home.is_dir():
        raise LabelerError(f"{home} does not exist: create a project with `init` first.")
    if once:
        for folder in projects.in_home(home):
            project = projects.open_project(folder)
            while work_once(project) or any(run(project) for run in BESIDE):
                pass
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that what it started is ended in order
        work(home, should_stop=parent_is_gone() if with_parent else lambda: False)


@main.command()
@click.argument("project", type=FOLDER)
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    default=AdaptationRequest.seconds,
    show_default=True,
    help="That the training may take, about.",
)
@click.option(
    "--blocks",
    type=click.IntRange(1),
    default=AdaptationRequest.blocks,
    show_default=True,
    help="Last blocks of the backbone that are trained.",
)
@click.option("--seed", type=int, default=AdaptationRequest.seed, show_default=True, help="Of everything random.")
@click.option("--use", is_flag=True, help="Use the adapted weights from the next round on.")
@click.option("--on/--off", "switch", default=None, help="Train nothing; use the weights that are kept, or not.")
def adapt(project: Path, seconds: float, blocks: int, seed: int, use: bool, switch: bool | None) -> None:
    """Let the backbone learn from the pool before the first label, and measure what that brings."""
    from labeler import adaptation

    opened = projects.open_project(project)
    if switch is None:
        request = AdaptationRequest(seconds, blocks, seed, use)
        with _bar("adapt") as report, opened.store() as store:
            click.echo(str(adaptation.run(opened, store, request, lambda step: report)))
        switch = projects.open_project(project).config.learner.adapted
    else:
        adaptation.use(opened, switch)
    said = "are used from the next round on" if switch else "are not used; `adapt --on` changes that"
    click.echo(f"The adapted weights {said}.")


@main.command()
@click.argument("project", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(project: Path, as_json: bool) -> None:
    """Items, labels, rounds, and the latest accuracy with its interval."""
    opened = projects.open_project(project)
    with opened.store() as store:
        counts, rounds, job = store.counts(), store.rounds(), store.latest_job()
    latest = next((r.metrics for r in reversed(rounds) if r.metrics), None)
    values = {
        "name": opened.config.name,
        "pool": counts.pool,
        "labeled": counts.labeled,
        "holdout": counts.holdout,
        "holdout_labeled": counts.holdout_labeled,
        "labels_spent": counts.answers_by_people,
        "budget": opened.config.budget,
        "rounds": len(rounds),
        "accuracy": latest and latest.accuracy,
        "accuracy_low": latest and latest.low,
        "accuracy_high": latest and latest.high,
        "measured_on": latest and latest.n,
        "target_accuracy": opened.config.target_accuracy,
        "job": job and {"state": job.state, "message": job.message, "error": job.error},
    }
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False, indent=2))
        return
    click.echo(f"{opened.config.name}: {counts.labeled} of {counts.pool} pool items labeled, {len(rounds)} rounds")
    click.echo(f"holdout: {counts.holdout_labeled} of {counts.holdout} items labeled")
    click.echo(f"budget: {counts.answers_by_people} of {opened.config.budget} labels spent")
    if latest:
        click.echo(
            f"accuracy: {latest.accuracy:.1%} (95 % interval {latest.low:.1%} to {latest.high:.1%},"
            f" n = {latest.n}); target {opened.config.target_accuracy:.0%}"
        )
    if job and job.state != "done":
        click.echo(f"round {job.state}: {job.error or job.message or job.reason}")


@main.command()
@click.argument("source", type=ANY_PATH)
@click.option("--strategy", "names", multiple=True, metavar="A", help="May be given several times.")
@click.option("--modality", type=MODALITY, help="Which column is meant where a table has both kinds.")
@click.option("--image-column", metavar="F", help="Column of image paths, relative to the table.")
@click.option("--text-column", metavar="T", help="Column of texts.")
@click.option("--label-column", default="label", show_default=True, help="The oracle.")
@click.option("--split-column", metavar="S", help="`split` if there is one: `test` is held out; else a seeded 20 %.")
@click.option("--seed-size", type=click.IntRange(2), default=20, show_default=True, help="First labels.")
@click.option("--batch", type=click.IntRange(1), default=20, show_default=True, help="Labels a round.")
@click.option("--rounds", type=click.IntRange(1), default=24, show_default=True, help="Queries after the first labels.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Runs of each strategy.")
@click.option(
    "--learner",
    type=click.Choice(["auto", "frozen", "finetune"]),
    default="frozen",
    show_default=True,
    help="What is trained; the others take up to a minute a round.",
)
@click.option("--backbone", default="auto", show_default=True, help="A timm or Hugging Face name, or a folder.")
@click.option("--processes", type=click.IntRange(1), help="Runs at once; one a core by default.")
@click.option("--plugins", type=FOLDER, help="A folder of strategies of your own, e.g. a project's `strategies`.")
@click.option("--out", type=ANY_PATH, metavar="R.json", help="Write the whole report.")
@click.option("--plot", type=ANY_PATH, metavar="P.png", help="Draw curves and gains: .png, .svg or .html.")
def simulate(
    source: Path,
    names: tuple[str, ...],
    seed_size: int,
    batch: int,
    rounds: int,
    seeds: int,
    learner: Any,
    backbone: str,
    processes: int | None,
    plugins: Path | None,
    out: Path | None,
    plot: Path | None,
    **columns: Any,
) -> None:
    """Compare query strategies on labels that are known; `random` always runs as the control."""
    from labeler import comparison_charts
    from labeler.simulate import check_names, compare, load_task

    if plugins and not plugins.is_dir():
        raise LabelerError(f"{plugins} does not exist: give --plugins a folder of Python files.")
    # a typing error should not cost the time that embedding takes
    check_names(names, plugins or Path("none"))
    if plot:
        comparison_charts.check_name(plot)
    with _bar("embed", "items") as report:
        task, problems = load_task(
            source,
            query=QueryConfig(seed_size=seed_size, batch=batch),
            learner=LearnerConfig(kind=learner, backbone=backbone),
            on_progress=report,
            **columns,
        )
    for problem in problems[:20]:
        click.echo(str(problem), err=True)
    with _bar("simulate", "rounds") as report:
        result = compare(task, names, seeds, rounds, processes, report, plugins)
    if out:
        out.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    if plot:
        comparison_charts.save(comparison_charts.picture(result), plot)
    click.echo(_summary(result))


def _summary(result: dict[str, Any]) -> str:
    import pandas as pd

    found, first = result["dataset"], result["runs"][0]["labels"]
    rows = []
    for row in result["summary"]:
        gain, low, high, saved = (row[k] for k in ("gain_over_random", "gain_low", "gain_high", "labels_saved_percent"))
        rows.append(
            {
                "strategy": row["strategy"],
                "area": f"{row['aulc_mean']:.4f} ± {row['aulc_std']:.4f}",
                "gain over random": f"{gain:+.4f}" if row["strategy"] != "random" else "",
                "95 % interval": f"{low:+.4f} to {high:+.4f}"
                if low is not None and row["strategy"] != "random"
                else "",
                "labels saved": "never reached" if saved is None else f"{saved:.0f} %",
            }
        )
    head = (
        f"{found['name']}: pool {found['pool']}, holdout {found['holdout']}, {len(found['classes'])} classes;"
        f" {first[0]} to {first[-1]} labels, {result['config']['seeds']} seeds"
    )
    return head + "\n" + pd.DataFrame(rows).to_string(index=False)


@main.command()
@click.argument("project", type=FOLDER)
@click.option(
    "--sampler",
    type=click.Choice(get_args(Sampler)),
    default=TuningRequest.sampler,
    show_default=True,
    help="How settings are drawn.",
)
@click.option(
    "--seconds", type=click.FloatRange(1), default=TuningRequest.seconds, show_default=True, help="For all of it."
)
@click.option(
    "--trials", type=click.IntRange(2), default=TuningRequest.trials, show_default=True, help="Settings at most."
)
@click.option("--lever", "levers", multiple=True, metavar="L", help="To vary; several times. By default all.")
@click.option("--backbone", "backbones", multiple=True, metavar="B", help="To try besides the project's.")
@click.option("--augment", multiple=True, metavar="A", help="Of images, to try; what changes no meaning only.")
@click.option("--folds", type=click.IntRange(2, 10), default=TuningRequest.folds, show_default=True, help="Of labels.")
@click.option("--seed", type=click.IntRange(0), default=TuningRequest.seed, show_default=True, help="Of all chance.")
@click.option("--apply", "take", is_flag=True, help="Take over what is proposed.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def tune(project: Path, take: bool, as_json: bool, **wanted: Any) -> None:
    """Search for better settings of the learner by cross-validation on the labels at hand.

    One that was stopped goes on from where it was, as long as there are no new labels.
    """
    from labeler import tunings
    from labeler.access import local_user

    opened = projects.open_project(project)
    number = tunings.ask(opened, TuningRequest(**wanted), local_user().name)
    with tqdm(disable=None, file=sys.stderr, leave=False, bar_format="{n}/{total} s {bar} {desc}") as bar:

        def tell(message: str, done: int, total: int) -> None:
            bar.n, bar.total = done, total
            bar.set_description_str(message)

        try:
            job = tunings.follow(opened, number, tell)
        except KeyboardInterrupt:
            tunings.cancel(opened, number)
            raise Refusal("Stopped. What was tried is kept: the same command goes on from there.") from None
    with opened.store() as store:
        report = store.tunings.report_of(number)
    if report is None:
        raise LabelerError(job.error or "The search was cancelled from elsewhere; what was tried is kept.")
    taken = bool(take and report["proposal"] and tunings.take_over(opened, number))
    if as_json:
        click.echo(json.dumps(report | {"taken_over": taken}, ensure_ascii=False, indent=2))
        return
    click.echo(_evidence(report))
    click.echo(report["verdict"])
    if taken:
        click.echo("They are used from the next round on.")
    elif report["proposal"]:
        click.echo("Nothing is changed; `tune --apply` takes them over.")


def _evidence(report: dict[str, Any]) -> str:
    import pandas as pd

    from labeler import evidence

    frame = pd.DataFrame(evidence.table(report))
    shown = {"log likelihood": "{:.3f}".format, "accuracy": "{:.1%}".format, "seconds": "{:.1f}".format}
    head = f"{report['labels']} labels, {report['folds']} folds, {report['seconds']:.0f} s"
    return f"{head}\n{frame.to_string(index=False, na_rep='', formatters=shown)}"


@main.command()
@click.argument("project", type=FOLDER)
@click.argument("out", type=ANY_PATH)
@click.option("--format", "kind", type=click.Choice(["csv", "jsonl", "parquet"]), help="By OUT's suffix if not given.")
def export(project: Path, out: Path, kind: str | None) -> None:
    """Write the labels with annotator, round, strategy, score, seconds and times."""
    from labeler.exporter import export_labels

    count = export_labels(projects.open_project(project), out, kind)
    click.echo(f"{count} answers written to {out}.")


@main.command()
@click.argument("project", type=FOLDER)
@click.argument("sources", type=ANY_PATH, nargs=-1, required=True, metavar="INPUT...")
@click.option("--column", metavar="T", help="Of the texts or image paths in a table; an obvious one by default.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="Of what is written.",
)
def predict(project: Path, sources: tuple[Path, ...], column: str | None, kind: str) -> None:
    """Classes of new images or texts by the project's best model, with probabilities, to the standard output.

    INPUT is an image, a folder or zip of images, a table, or a .txt file with a text a line.
    """
    import pandas as pd

    from labeler.unseen import predict_unseen

    with _bar("predict", "items") as report:
        found = predict_unseen(projects.open_project(project), sources, column, report)
    for problem in found.problems[:20]:
        click.echo(str(problem), err=True)
    frame = pd.DataFrame(found.rows())
    text = (
        frame.to_csv(index=False) if kind == "csv" else frame.to_json(orient="records", lines=True, force_ascii=False)
    )
    click.echo(text, nl=False)


@main.command()
@click.argument("project", type=FOLDER)
@click.argument("out", type=FOLDER)
def publish(project: Path, out: Path) -> None:
    """Write the best model to the new folder OUT, which works without the labeler: ONNX, torch, and how to use it."""
    from labeler.publish import publish as write

    weights = write(projects.open_project(project), out)
    click.echo(f"{weights.stem} is in {out}; its README.md has the lines that load it.")


@main.command()
@click.argument("project", type=FOLDER)
@click.argument("number", type=click.IntRange(1), metavar="ROUND")
@click.option("--out", type=ANY_PATH, metavar="M.safetensors", help="Where the model is written.")
def reproduce(project: Path, number: int, out: Path | None) -> None:
    """Train the model of ROUND anew from its card, and compare it with the one that was kept."""
    from labeler.model import save
    from labeler.reproduce import reproduce as run

    with _bar("train", "epochs") as report:
        model, difference = run(projects.open_project(project), number, report)
    if out:
        save(model, out)
    if difference:
        raise LabelerError(f"Round {number} was trained anew, and its weights differ by up to {difference:.1e}.")
    click.echo(f"Round {number} was trained anew; its weights are the same, bit for bit.")


@main.command("strategies")
@click.argument("project", type=FOLDER, required=False)
@click.option("--markdown", is_flag=True, help="Families and names as a table in Markdown, as the README shows it.")
def strategies_(project: Path | None, markdown: bool) -> None:
    """Name, family, needs and source of each query strategy; with PROJECT, also of its own."""
    from labeler.listing import by_family

    folder = projects.open_project(project).strategies if project else Path("none")
    with strategies.strategies_of(folder) as broken:
        known, table = strategies.registered(), by_family()
    for problem in (*strategies.broken, *broken):
        click.echo(str(problem), err=True)
    if markdown:
        click.echo(table)
        return
    for strategy in known.values():
        needs = ", ".join(sorted(strategy.needs)) or "nothing"
        click.secho(f"{strategy.name}", bold=True, nl=False)
        click.echo(f"  ({strategy.family}; needs {needs})\n    {strategy.summary}\n    {strategy.source}")


@main.command("check-strategy")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--limit", type=click.FloatRange(min=0, min_open=True), default=30, show_default=True, help="Seconds for a check."
)
def check_strategy(file: Path, limit: float) -> None:
    """Try the strategies of a Python FILE on what every strategy promises; exit code 1 if one is broken."""
    from labeler.check import check_file

    name, kept, broken = "", 0, 0
    for verdict in check_file(file, limit):
        if verdict.strategy != name:
            name = verdict.strategy
            click.secho(f"{file.name}: {name}", bold=True)
        mark = "✓" if verdict.broken is None else "!" if verdict.check.hint else "✗"
        kept, broken = kept + (mark == "✓"), broken + (mark == "✗")
        click.echo(f"  {mark} {verdict.check.promise}" + (f" → {verdict.broken}" if verdict.broken else ""))
    click.echo(f"{kept} promises kept, {broken} broken.")
    if broken:
        click.get_current_context().exit(1)


@main.command()
@click.argument("folder", type=FOLDER, default="projects/demo")
def demo(folder: Path) -> None:
    """Create the demo project: 1,797 handwritten digits."""
    from labeler.demo import create_demo

    with _bar("import", "images") as report:
        project = create_demo(folder, report)
    click.echo(f"The demo project is in {project.folder}.")
