"""Commands on query strategies: compare them on known labels, list them, check them against their contract."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

import strategies
from labeler.cli.base import ANY_PATH, FOLDER, MODALITY, bar, counted, main
from labeler.core.errors import LabelerError
from labeler.core.items import ClassesAnItem, Modality
from labeler.core.setting_rules import LINEAR
from labeler.core.settings import EngineConfig, LearnerConfig, LimitsConfig, QueryConfig
from labeler.engine.engines import engine_of, working_on
from labeler.files.sources import SourceColumns
from labeler.projects import project as projects
from labeler.projects.own_strategies import limits_of, strategies_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from labeler.experiments.check_file import Verdict

# Imports of labeler and pandas are deferred: torch, pandas and altair are slow to load, and `--help` should not wait.


@main.command()
@click.argument("source", type=ANY_PATH)
@click.option("--strategy", "names", multiple=True, metavar="A", help="May be given several times.")
@click.option("--modality", type=MODALITY, help="Kind of the items, where a table has columns of both kinds.")
@click.option("--image-column", metavar="F", help="Column of image paths, relative to the table.")
@click.option("--text-column", metavar="T", help="Column of texts.")
@click.option(
    "--label-column", default="label", show_default=True, help="Column of the true labels, which act as the oracle."
)
@click.option(
    "--answers",
    type=click.Choice(get_args(ClassesAnItem)),
    default="one",
    show_default=True,
    help="Number of classes of an item; a cell holds several with `;` or `|` between them, or as a JSON list.",
)
@click.option(
    "--split-column",
    metavar="S",
    help="Column that marks the holdout with `test`; `split` if there is one, else a random 20%.",
)
@click.option("--seed-size", type=click.IntRange(2), default=20, show_default=True, help="Labels of the seed set.")
@click.option("--batch", type=click.IntRange(1), default=20, show_default=True, help="Labels per round.")
@click.option("--rounds", type=click.IntRange(1), default=24, show_default=True, help="Rounds after the seed set.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Runs of each strategy, each with its own seed.",
)
@click.option(
    "--learner",
    type=click.Choice(["auto", "frozen", "finetune"]),
    default="frozen",
    show_default=True,
    help="Learner; `auto` and `finetune` take up to a minute per round.",
)
@click.option("--backbone", default="auto", show_default=True, help="A timm or Hugging Face name, or a folder.")
@click.option(
    "--head",
    default=LINEAR,
    show_default=True,
    help="What learns on the features, as the setting `learner.head`; a file is one of the working directory.",
)
@click.option("--processes", type=click.IntRange(1), help="Runs at the same time; one per core by default.")
@click.option("--plugins", type=FOLDER, help="A folder of strategies of your own, e.g. a project's `strategies`.")
@click.option(
    "--at",
    type=click.IntRange(1),
    multiple=True,
    metavar="N",
    help="Also show the accuracy at N labels; may be given several times.",
)
@click.option("--cluster", metavar="HOST:PORT", help="Simulate on the Ray cluster whose head has this address.")
@click.option("--out", type=ANY_PATH, metavar="R.json", help="Write the whole result to this file.")
@click.option(
    "--plot", type=ANY_PATH, metavar="P.png", help="Draw the curves and gains to this file (.png, .svg or .html)."
)
def simulate(
    source: Path,
    names: tuple[str, ...],
    seed_size: int,
    batch: int,
    rounds: int,
    seeds: int,
    learner: Any,
    backbone: str,
    head: str,
    processes: int | None,
    plugins: Path | None,
    at: tuple[int, ...],
    cluster: str | None,
    out: Path | None,
    plot: Path | None,
    modality: Modality | None,
    answers: ClassesAnItem,
    **columns: str | None,
) -> None:
    """Compare query strategies on known labels; `random` always runs as the control."""
    # wide: click passes each option as a parameter of its own
    from labeler.experiments.dataset import load_task, read_labeled
    from labeler.experiments.simulate import Design, check_names, compare
    from labeler.learner.estimators import Head
    from labeler.report.charts import comparison as comparison_charts

    if plugins and not plugins.is_dir():
        raise LabelerError("{plugins} does not exist: give --plugins a folder of Python files.", plugins=plugins)
    engine = engine_of(EngineConfig("ray", cluster) if cluster else EngineConfig())
    # before anything is embedded, which may take minutes
    check_names(names, plugins or Path("none"))
    if head != LINEAR:
        Head.named(head, {}, Path.cwd())
    if plot:
        comparison_charts.check_name(plot)
    with bar("embed", "items") as report:
        roles = {name.removesuffix("_column"): column for name, column in columns.items()}
        labeled = read_labeled(source, SourceColumns(**roles), modality, answers)
        query = QueryConfig(seed_size=seed_size, batch=batch)
        settings = LearnerConfig(kind=learner, backbone=backbone, head=head)
        task = replace(load_task(labeled, query, settings, on_progress=report), folder=Path.cwd())
    for problem in labeled.problems[:20]:
        click.echo(str(problem), err=True)
    with bar("simulate", "rounds") as report, working_on(engine):
        result = compare(task, Design(names, seeds, rounds), processes, report, plugins)
    if out:
        out.write_text(json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8")
    if plot:
        comparison_charts.save(comparison_charts.picture(result), plot)
    click.echo(_summary(result))
    if at:
        click.echo(f"\n{_reached(result, at)}")


def _summary(result: dict[str, Any]) -> str:
    """The compared strategies as a table, with a line on the data above it and the verdict below."""
    import pandas as pd

    from labeler.report.sentences.comparison import saved_in_short, verdict

    dataset, label_counts = result["dataset"], result["runs"][0]["labels"]
    several_seeds = result["config"]["seeds"] > 1
    rows = []
    for row in result["summary"]:
        gain, low, high = (row[k] for k in ("gain_over_random", "gain_low", "gain_high"))
        rows.append(
            {
                "strategy": row["strategy"],
                "area": f"{row['aulc_mean']:.4f}" + (f" ± {row['aulc_std']:.4f}" if several_seeds else ""),
                "gain over random": f"{gain:+.4f}" if row["strategy"] != "random" else "",
                "95% interval": f"{low:+.4f} to {high:+.4f}" if low is not None and row["strategy"] != "random" else "",
                "labels saved": "" if row["saved"] is None else saved_in_short(row),
            }
        )
    head = (
        f"{dataset['name']}: pool {dataset['pool']}, holdout {dataset['holdout']}, {len(dataset['classes'])} classes;"
        f" {label_counts[0]} to {label_counts[-1]} labels, {counted(result['config']['seeds'], 'seed')}"
    )
    return f"{head}\n{pd.DataFrame(rows).to_string(index=False)}\n\n{verdict(result)}"


def _reached(result: dict[str, Any], at: tuple[int, ...]) -> str:
    """A table of the measures with each number of labels in `at`: mean ± standard deviation over the seeds."""
    import pandas as pd

    from labeler.report.charts.comparison import measure

    measures = {"accuracy": measure(result), "macro_f1": "macro F1", "micro_f1": "micro F1"}
    runs = pd.concat([pd.DataFrame(run) for run in result["runs"]])
    measured = runs[runs["labels"].isin(at)].dropna(axis="columns", how="all").rename(columns=measures)
    if measured.empty:
        counts = ", ".join(map(str, sorted(set(runs["labels"]))))
        raise LabelerError(
            "Nothing was measured with {at} labels, only with {counts}.", at=" or ".join(map(str, at)), counts=counts
        )
    columns = [name for name in measures.values() if name in measured]

    def spread(values: "pd.Series[float]") -> str:
        return f"{values.mean():.3f}" + (f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else "")

    table = measured.groupby(["labels", "strategy"])[columns].agg(spread)
    return table.reset_index().to_string(index=False)


@main.command("strategies")
@click.argument("project", type=FOLDER, required=False)
@click.option("--markdown", is_flag=True, help="Print families and names as a table in Markdown.")
def strategies_(project: Path | None, markdown: bool) -> None:
    """List each query strategy with its family, needs and source; with PROJECT, also the project's own."""
    from labeler.experiments.strategy_tables import by_family

    folder = projects.open_project(project).strategies if project else Path("none")
    with strategies_in(folder, limits_of(LimitsConfig())) as broken:
        registered, table = strategies.registered(), by_family()
    for problem in (*strategies.broken, *broken):
        click.echo(str(problem), err=True)
    if markdown:
        click.echo(table)
        return
    for strategy in registered.values():
        needs = ", ".join(sorted(strategy.needs)) or "nothing"
        click.secho(f"{strategy.name}", bold=True, nl=False)
        click.echo(f"  ({strategy.family}; needs {needs})\n    {strategy.summary}\n    {strategy.source}")


FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
LIMIT = click.option(
    "--limit",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    help="Seconds that one check may take.",
)


@main.command("check-strategy")
@FILE
@LIMIT
def check_strategy(file: Path, limit: float) -> None:
    """Check the strategies of a Python FILE against the contract; the exit code is 1 if a promise is broken."""
    from labeler.experiments.check_strategy import check_file

    _print(file, check_file(file, limit))


@main.command("check-learner")
@FILE
@LIMIT
def check_learner(file: Path, limit: float) -> None:
    """Check the learners of a Python FILE against the contract; the exit code is 1 if a promise is broken."""
    from labeler.experiments.check_learner import check_file

    _print(file, check_file(file, limit))


def _print(file: Path, verdicts: "Iterable[Verdict]") -> None:
    """A line for each promise, kept or broken."""
    name, kept, broken = "", 0, 0
    for verdict in verdicts:
        if verdict.name != name:
            name = verdict.name
            click.secho(f"{file.name}: {name}", bold=True)
        mark = "✓" if verdict.broken is None else "!" if verdict.check.hint else "✗"
        kept, broken = kept + (mark == "✓"), broken + (mark == "✗")
        click.echo(f"  {mark} {verdict.check.promise}" + (f" → {verdict.broken}" if verdict.broken else ""))
    click.echo(f"{kept} promises kept, {broken} broken.")
    if broken:
        click.get_current_context().exit(1)
