"""Which columns of a table hold the predictions of somebody else's model, and what an import of them brought."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from labeler.core.foreign import AddedPredictions
from labeler.core.settings import Config
from labeler.files.sources import origin
from labeler.i18n.markdown import escaped, plain
from labeler.i18n.messages import _, translate
from labeler.projects.foreign_columns import PredictionColumns, found_by_name, proposed
from labeler.report.sentences.foreign import of_import
from pages.project.source import Chosen
from pages.shared.tables import show_table


def choose_predictions(chosen: Chosen, config: Config) -> PredictionColumns | None:
    """The columns that a person has chosen, beginning with those of usual names; None: the table has no predictions."""
    if not chosen.preview.is_table:
        return None
    names = list(chosen.preview.columns)
    guess = proposed(names, config)
    has_some = st.checkbox(
        _("The table has predictions of another model, such as a language model"),
        guess is not None,
        key=f"predictions-{chosen.key}",
        help=_(
            "They are measured on the holdout, and the project's models start from them. People who label see them as"
            " the setting `labeling.reveal` says."
        ),
    )
    if not has_some:
        return None
    columns = _columns(guess or PredictionColumns(""), names, chosen.key)
    content = chosen.columns.image or chosen.columns.text or ""
    key, found_by = (found_by_name(names) if columns.only else None) or (config.modality, content)
    return replace(columns, key=key, found_by=found_by)


def _columns(guess: PredictionColumns, names: list[str], key: str) -> PredictionColumns:
    options = ["", *names]
    places = st.columns(4, vertical_alignment="bottom")
    model = places[0].text_input(_("Name of the model"), key=f"model-{key}")
    version = places[1].text_input(_("Its version"), key=f"version-{key}")
    chosen = [
        place.selectbox(
            title,
            options,
            options.index(usual),
            format_func=lambda name: name or _("none"),
            key=f"{role}-{key}",
        )
        for place, role, title, usual in (
            (places[2], "predicted", _("Predicted class"), guess.predicted),
            (places[3], "probability", _("Its probability"), guess.probability),
        )
    ]
    if guess.proba:
        found = ", ".join(guess.proba.values())
        st.caption(escaped(_("Probabilities of the classes are in these columns: {names}.", names=found)))
    only = st.checkbox(
        _("Import the predictions alone: the rows are about items that are here already"), key=f"only-{key}"
    )
    return replace(guess, model=model, version=version, predicted=chosen[0], probability=chosen[1], only=only)


def is_complete(columns: PredictionColumns | None) -> bool:
    """Whether nothing is missing for an import."""
    return columns is None or bool(columns.model.strip() and columns.names)


def added_predictions(added: Sequence[AddedPredictions]) -> None:
    """What came of the predictions of each model, and the rows that were left out."""
    for model in added:
        st.success(escaped(of_import(model)))
        if model.problems:
            show_table(
                [
                    {_("where"): plain(translate(origin(p.source))), _("why"): plain(translate(p.reason))}
                    for p in model.problems
                ],
            )
