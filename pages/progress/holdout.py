"""How good a round's model is: every figure of the holdout with its interval, and the items that it gets wrong."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
import streamlit as st

from labeler.core import decisions
from labeler.core.arrivals import Newer
from labeler.core.class_changes import NOT_MEASURED
from labeler.core.groups import GroupCounts
from labeler.core.labels import texts_of
from labeler.core.rounds import Metrics
from labeler.core.settings import Config
from labeler.cycle.drift import loaded
from labeler.i18n.messages import _, n_
from labeler.measure.forecasts import LabeledForecast, evaluate, gain_between, on_labels, sampling_of
from labeler.measure.holdout import Evaluation
from labeler.measure.intervals import Estimate, items_for
from labeler.projects.next_step import NO_HOLDOUT, has_no_holdout
from labeler.projects.project import Project
from labeler.report.charts import holdout as holdout_charts
from labeler.report.sentences import drift as drift_words
from labeler.report.sentences.arrivals import coverage
from labeler.report.sentences.curve import width_in_words
from labeler.report.sentences.groups import split_in_words, warnings
from pages.progress.confidence import calibrated, in_words, one_class
from pages.progress.items import Judged, items
from pages.shared.cache import cached, state_of
from pages.shared.figures import figures_in_a_row
from pages.shared.tables import show_table

CELL = "cell"  # the selection of the confusion matrix


@dataclass(frozen=True)
class Measured:
    """A round on the labeled holdout. `gain`: in accuracy over the round before, on the same items.

    open_items: holdout items that still can get a label. answers_left: that the budget still pays for. counts: how the
    groups lie; None without groups. newer: holdout items that came with later imports.
    """

    forecast: LabeledForecast
    evaluation: Evaluation
    before: int | None
    gain: Estimate | None
    open_items: int
    answers_left: int
    counts: GroupCounts | None = None
    newer: Newer = field(default_factory=Newer)


def holdout(project: Project) -> None:
    with project.store() as store:
        numbers, state = store.forecasts.rounds(), state_of(project, store)
        outside, counts = store.class_changes.outside(), store.items.counts()
    if numbers and outside:
        st.info(_(NOT_MEASURED), icon=":material/straighten:")
        return
    if has_no_holdout(counts):
        st.info(_(NO_HOLDOUT), icon=":material/straighten:")
        return
    if not numbers:
        st.info(_("The holdout is measured once a round has trained a model."), icon=":material/straighten:")
        return
    number = _round(project, numbers)
    measurement = cached("holdout", (state, number), lambda: measured(project, numbers, number))
    if measurement is None:
        st.info(
            _("The holdout has no labels yet, so nothing can be measured. Its items come up on the Label page."),
            icon=":material/straighten:",
        )
        return
    figures(measurement, project.config)
    for sentence in sentences(measurement):
        st.markdown(sentence)
    arrivals(project)
    if not project.config.several:
        confused(project, measurement, number)
    classes(measurement.evaluation, project.config)
    calibrated(measurement.evaluation.calibration)
    one_class(measurement.forecast, project.config)


def _round(project: Project, numbers: list[int]) -> int:
    """The round that is looked at: the latest, unless another one is chosen."""
    if len(numbers) == 1:
        return numbers[0]
    chosen = st.selectbox(
        _("Round"),
        [None, *reversed(numbers[:-1])],
        format_func=lambda n: _("the latest, round {round}", round=numbers[-1]) if n is None else str(n),
        key=f"measured-{project.slug}",
        width=240,
    )
    return numbers[-1] if chosen is None else chosen


def measured(project: Project, numbers: list[int], number: int) -> Measured | None:
    """A round's figures on today's labels, and how much better it is than the round before; None: nothing to measure.

    Args: numbers: of the rounds that have a forecast, ascending.
    """
    config = project.config
    with project.store() as store, store.read():
        labels, sampling, unusable = store.items.holdout_labels(), sampling_of(store), store.items.flagged()
        before = max((n for n in numbers if n < number), default=None)
        forecast = store.forecasts.get(number, "holdout")
        earlier = store.forecasts.get(before, "holdout") if before is not None else None
        groups, counts = store.items.group_counts(), store.items.counts()
    labeled = on_labels(forecast, labels, config, sampling) if forecast else None
    if forecast is None or labeled is None:
        return None
    gain = gain_between(forecast, earlier, labels, config, sampling) if earlier else None
    left = counts.answers_left(config.budget)
    still_open = sum(item not in labels and item not in unusable for item in forecast.items.tolist())
    return Measured(labeled, evaluate(labeled, config), before, gain, still_open, left, groups, counts.newer)


# ---------------------------------------------------------------- figures


def figures(measured: Measured, config: Config) -> None:
    """The headline: each figure with its interval."""
    evaluation = measured.evaluation
    shown: list[tuple[str, Estimate | None]] = [
        (_("Subset accuracy") if config.several else _("Accuracy"), evaluation.accuracy),
        (_("Balanced accuracy"), evaluation.balanced_accuracy),
        (_("Macro F1"), evaluation.macro_f1),
        (_("Micro F1"), evaluation.micro_f1),
    ]
    helps = {
        _("Balanced accuracy"): _("The mean recall over the classes."),
        _("Macro F1"): _("The mean F1 over the classes; F1 is the harmonic mean of precision and recall."),
        _("Micro F1"): _("F1 over all decisions, so that frequent classes count more."),
        _("Subset accuracy"): _("The share of items whose whole set of classes is right."),
    }
    estimates = [(name, estimate) for name, estimate in shown if estimate is not None]
    columns = figures_in_a_row(len(estimates) + 1)
    for column, (name, estimate) in zip(columns, estimates, strict=False):
        column.metric(name, f"{estimate.value:.1%}", help=helps.get(name))
        column.caption(_("95%: {low:.1f} – {high:.1%}", low=100 * estimate.low, high=estimate.high))
    columns[-1].metric(_("Labeled holdout items"), f"{evaluation.n:,}")
    if evaluation.groups is not None:
        columns[-1].caption(n_("of {n:,} group", "of {n:,} groups", evaluation.groups))
    if measured.open_items > 0:
        columns[-1].caption(n_("{n:,} is still to be labeled", "{n:,} are still to be labeled", measured.open_items))


def sentences(measured: Measured) -> list[str]:
    """How sure the figures are, and whether this round can be told from the one before it."""
    accuracy = measured.evaluation.accuracy
    shown = accuracy.value, accuracy.low, accuracy.high
    latest = Metrics(measured.evaluation.n, *shown, 0.0, groups=measured.evaluation.groups)
    lines = [width_in_words(latest, measured.open_items, measured.answers_left)]
    if measured.evaluation.groups is not None and measured.counts is not None:
        lines += [split_in_words(measured.counts), *warnings(measured.counts)]
    if measured.forecast.drawn is not None:
        same = items_for(accuracy.value, accuracy.width)
        lines.append(
            _(
                "Active testing chose these items where errors are likely, and all figures are weighted to correct"
                " for that. They measure the accuracy as precisely as about {same:,} items drawn at random.",
                same=same,
            )
        )
    if measured.forecast.parts is not None:
        later = int(measured.forecast.parts.later.sum())
        lines.append(
            _(
                "{n:,} of the items came with later imports. All figures weigh each item as the items of the project"
                " that it stands for.",
                n=later,
            )
        )
    lines += coverage(measured.newer)
    if measured.gain is not None:
        lines.append(compared(measured.gain, measured.before))
    return lines


def compared(gain: Estimate, before: int | None) -> str:
    """Whether this round is surely better or worse than the one before on the same items."""
    points = {name: f"{100 * share:+.1f}".replace("-", "−") for name, share in asdict(gain).items()}
    if gain.low > 0:
        return _(
            "On the same items this round is better than round {before} by {value} points ({low} to {high}).",
            before=before,
            **points,
        )
    if gain.high < 0:
        return _(
            "On the same items this round is worse than round {before} by {value} points ({low} to {high}).",
            before=before,
            **points,
        )
    return _(
        "On the same items the difference from round {before} is {value} points ({low} to {high}), which may be"
        " chance.",
        before=before,
        **points,
    )


def arrivals(project: Project) -> None:
    """The newest items against earlier ones, as the latest audit found them; nothing where all came at once."""
    with project.store() as store:
        report, still_open = store.audits.latest_report() or {}, store.items.still_open()
    drift = loaded(report.get("drift"))
    if drift is None:
        return
    st.subheader(_("New items and earlier ones"))
    said = "\n".join(f"- {sentence}" for sentence in drift_words.sentences(drift, still_open))
    if drift_words.has_changed(drift):
        st.warning(said, icon=":material/compare_arrows:")
    else:
        st.markdown(said)
    if rows := drift_words.table(drift):
        show_table(pd.DataFrame(rows))
    st.caption(_("As of round {round}. {how}", round=report["round"], how=_(drift_words.HOW_SURE)))


# ---------------------------------------------------------------- confusion


def confused(project: Project, measured: Measured, number: int) -> None:
    """The confusion matrix, and below it the items of the cell that was clicked."""
    st.subheader(_("Confusion matrix"))
    evaluation = measured.evaluation
    if len(evaluation.classes) > holdout_charts.MOST_CLASSES:
        st.caption(_("The {n} classes with most errors.", n=holdout_charts.MOST_CLASSES))
    event = st.altair_chart(
        holdout_charts.confusion(evaluation),
        width="stretch",
        key=f"confusion-{project.slug}-{number}",
        on_select="rerun",
        selection_mode=CELL,
    )
    chosen = event.get("selection", {}).get(CELL, [])
    if not chosen:
        st.caption(_("A click on a cell shows its items."))
        return
    true, predicted = chosen[0]["true"], chosen[0]["predicted"]
    cell = judged(measured.forecast, project.config, true, predicted)
    st.markdown(
        _("**{true}**, predicted as **{said}** ({n:,}): the most confident predictions first.", true=true,
          said=predicted, n=len(cell))
        if true != predicted
        else _("**{true}**, predicted correctly ({n:,}): the least confident predictions first.", true=true,
               n=len(cell))
    )  # fmt: skip
    items(project, cell, f"cell-{project.slug}-{true}-{predicted}")
    if true != predicted:
        st.caption(
            _(
                "Holdout labels are corrected on the Review page where people disagree or are unsure, not where the"
                " model disagrees: otherwise the model would influence the labels that measure its accuracy."
            )
        )


def judged(forecast: LabeledForecast, config: Config, true: str, predicted: str) -> list[Judged]:
    """The items of a cell, in the order in which a person looks at them: the strangest first."""
    index: Mapping[str, int] = {name: i for i, name in enumerate(config.classes)}
    decided = decisions.predicted(forecast.proba, several=False)
    where = np.flatnonzero((forecast.targets == index.get(true)) & (decided == index.get(predicted)))
    sure = forecast.proba[where].max(axis=1)
    order = np.argsort(sure if true == predicted else -sure, kind="stable")
    texts = texts_of(forecast.targets[where], config)
    return [Judged(int(forecast.items[where[i]]), texts[i], predicted, float(sure[i])) for i in order]


# ---------------------------------------------------------------- classes


def classes(evaluation: Evaluation, config: Config) -> None:
    """Each class as a row."""
    st.subheader(_("Each class"))
    if config.several:
        st.caption(_("An item can have several classes: each class is a separate yes-or-no decision."))
    show_table(classes_frame(evaluation))


def classes_frame(evaluation: Evaluation) -> pd.DataFrame:
    """A row for each class; the figures that matter stand first, where a phone shows them."""
    return pd.DataFrame(
        [
            {
                _("class"): c.name,
                _("items"): c.support,
                _("precision"): in_words(c.precision),
                _("recall"): in_words(c.recall),
                _("F1"): in_words(c.f1),
                _("predicted"): c.predicted,
                _("right"): c.right,
            }
            for c in evaluation.classes
        ]
    )
