"""Predictions of somebody else's models: options of an import, and commands that list and remove them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from labeler.cli.base import FOLDER, counted, main
from labeler.core.errors import LabelerError
from labeler.core.foreign import AddedPredictions, ForeignModel
from labeler.core.settings import Config
from labeler.files.addresses import Source
from labeler.projects import project as projects
from labeler.projects.foreign_columns import PredictionColumns, found_by_name, proposed
from labeler.store import Store

# Imports of labeler.measure and labeler.report are deferred: numpy and scipy are slow to load.

SHOWN = 20  # rows that are named


def of_predictions(command: Callable[..., None]) -> Callable[..., None]:
    """The command with options for the predictions in a table, whose parameters begin with `foreign_`."""
    for option in (
        click.option(
            "--only-predictions",
            "foreign_only",
            is_flag=True,
            help="The rows are predictions for items that are here already, and no new items. A column `item_id`,"
            " `content_hash` or `source`, as an export has them, finds the item, else the text or image itself.",
        ),
        click.option(
            "--probability", "foreign_probability", metavar="COLUMN", help="Column of the probability of a prediction."
        ),
        click.option(
            "--predictions",
            "foreign_predicted",
            metavar="COLUMN",
            help="Column of the classes that the model predicts; by default one with a usual name, such as `predicted`."
            " Columns `p(CLASS)` are the probabilities of the classes.",
        ),
        click.option("--model-version", "foreign_version", metavar="V", default="", help="Version of that model."),
        click.option(
            "--model",
            "foreign_model",
            metavar="NAME",
            help="Name of a model of somebody else, such as a language model, whose predictions the table has. They are"
            " measured on the holdout, and people who label see them as `labeling.reveal` says.",
        ),
    ):
        command = option(command)
    return command


def wanted(config: Config, source: Source, options: dict[str, Any]) -> PredictionColumns | None:
    """The columns with predictions that the options of an import name; None: it names none.

    Args: options: those of `of_predictions`.
    """
    from labeler.formats.preview import preview  # here, because Pillow is slow to load

    model, predicted = options["foreign_model"], options["foreign_predicted"]
    if not model:
        if predicted or options["foreign_probability"] or options["foreign_only"] or options["foreign_version"]:
            raise LabelerError("Name the model that the predictions are of: --model NAME.")
        return None
    names = preview(source).columns
    columns = proposed(names, config, model) or PredictionColumns(model, key=config.modality)
    given = {"predicted": predicted, "probability": options["foreign_probability"]}
    columns = replace(columns, **{name: value for name, value in given.items() if value})
    columns = replace(columns, version=options["foreign_version"], only=options["foreign_only"])
    if not columns.names:
        raise LabelerError(
            "No column of {source} has a usual name for predictions: name it with --predictions COLUMN, one of"
            " {columns}.",
            source=source.name,
            columns=", ".join(names) or "none",
        )
    key, found_by = (found_by_name(names) if columns.only else None) or (config.modality, "")
    return replace(columns, key=key, found_by=found_by)


def say(added: list[AddedPredictions]) -> None:
    """Print what came of predictions; on the error stream what was left out."""
    from labeler.report.sentences.foreign import of_import

    for model in added:
        for problem in model.problems[:SHOWN]:
            click.echo(str(problem), err=True)
        if model.left_out > SHOWN:
            click.echo(f"… and {model.left_out - SHOWN} more.", err=True)
        click.echo(of_import(model))


@main.command()
@click.argument("project", type=FOLDER)
def predictions(project: Path) -> None:
    """List the models of somebody else whose predictions were imported, and how good they are on the holdout."""
    from labeler.measure.foreign import compared
    from labeler.report.sentences.foreign import in_words

    opened = projects.open_project(project)
    with opened.store() as store:
        models = compared(store)
        if not models:
            click.echo("No predictions of other models have been imported." if not store.foreign.all() else "")
    for model in models:
        click.echo(
            f"{in_words(model, opened.config)} ({counted(model.model.n, 'prediction')}, from {model.model.source})"
        )


@main.command("remove-predictions")
@click.argument("project", type=FOLDER)
@click.argument("model")
@click.option("--model-version", "version", default="", help="Version of the model.")
def remove_predictions(project: Path, model: str, version: str) -> None:
    """Remove the predictions of MODEL; the same file can be imported again."""
    with projects.open_project(project).store() as store:
        stored = _named(store, model, version)
        store.foreign.remove(stored)
    click.echo(f"{counted(stored.n, 'prediction')} of {stored.title} removed.")


def _named(store: Store, name: str, version: str) -> ForeignModel:
    stored = store.foreign.named(name, version)
    if stored is None:
        titles = ", ".join(model.title for model in store.foreign.all())
        raise LabelerError(
            "There are no predictions of {name} in version {version!r}; there are those of {models}.",
            name=name,
            version=version,
            models=titles or "none",
        )
    return stored
