"""The report as a self-contained HTML page for printing or filing: charts as SVG, no scripts, no requests."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment

from labeler.core.class_changes import KINDS, NOT_MEASURED, labels_outside
from labeler.core.groups import GroupCounts
from labeler.core.items import StillOpen
from labeler.core.settings import Config
from labeler.core.settings_file import to_toml
from labeler.cycle.drift import loaded
from labeler.i18n.messages import _, language, n_, translate
from labeler.i18n.money import symbol
from labeler.measure.foreign import Compared, compared
from labeler.measure.holdout import Evaluation
from labeler.measure.intervals import Estimate
from labeler.progress.history import history, thresholds
from labeler.progress.stopping import Backtest, Evidence
from labeler.projects.next_step import NO_HOLDOUT, has_no_holdout
from labeler.projects.project import Project
from labeler.report.charts import holdout as holdout_charts
from labeler.report.charts import svg
from labeler.report.charts.control import control_chart
from labeler.report.facts import facts, latest, standing_of
from labeler.report.sentences import drift as drift_words
from labeler.report.sentences.control import sentences as control_sentences
from labeler.report.sentences.foreign import SAME_LABELS
from labeler.report.sentences.foreign import in_words as in_words_of_model
from labeler.report.sentences.groups import split_in_words, warnings
from labeler.report.sentences.labels import second_look
from labeler.report.sentences.stopping import MET, NAMES, NOT_MET, UNKNOWN, back_in_words, in_words, stopped_in_words
from labeler.report.standing import Standing, chart, legend, limitations, outlook

Table = list[dict[str, Any]]

# Jinja escapes every value, since names, notes and texts come from people.
PAGE = Path(__file__).with_name("page.html")
ENVIRONMENT = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True)
class Section:
    """A part of the page. charts: as SVG. tables: each with its name, or "". listings: texts shown verbatim."""

    title: str
    texts: Sequence[str] = ()
    charts: Sequence[str] = ()
    tables: Sequence[tuple[str, Table]] = ()
    listings: Sequence[tuple[str, str]] = field(default_factory=list)


def _in_utc(stored: str) -> str:
    """A stored time with its zone: a report is a file, so it has no reader whose zone is known."""
    return f"{stored[:16].replace('T', ' ')} UTC"


def page(project: Project) -> str:
    """The report as HTML, in the current language."""
    with project.store() as store, store.read():
        stands = standing_of(project, store)
        values, measured = facts(project, store, stands), latest(project, store)
        outside, models = store.class_changes.outside(), compared(store)
    subtitle = _(
        "Report of {at}, written by labeler {version}. All times and days are in UTC.",
        at=_in_utc(values["made"]["at"]),
        version=values["made"]["labeler"],
    )
    sections = [
        _curve(stands, project),
        _outside(outside) if outside else _holdout(measured, has_no_holdout(stands.counts)),
        *([_other_models(models, project.config)] if models else []),
        *_drift(values["drift"], stands.counts.open),
        _control(values["control"], project.config),
        _stopping(values, stands, project.config),
        _agreement(values),
        _data(values["data"], project.config),
        _provenance(values, project.config),
    ]
    template = ENVIRONMENT.from_string(PAGE.read_text(encoding="utf-8"))
    return template.render(title=project.config.name, subtitle=subtitle, sections=sections, language=language())


def _curve(stands: Standing, project: Project) -> Section:
    measured, config = stands.rounds.dropna(subset=["accuracy"]), project.config
    if not len(measured):
        return Section(_("Accuracy"), [_("No round has been measured on the holdout yet.")])
    rows = [
        {
            _("round"): int(row["round"]),
            _("pool labels"): f"{row['labels']:,.0f}",
            _("hours"): f"{row['hours']:,.1f}",
            _("cost, {currency}", currency=symbol(config.team.currency)): f"{row['cost']:,.0f}",
            _(config.accuracy): f"{row['accuracy']:.1%}",
            _("95% interval"): f"{row['low']:.1%} – {row['high']:.1%}",
            _("agreement with the round before"): "" if math.isnan(row["agreement"]) else f"{row['agreement']:.3f}",
            _("query strategy"): row["strategy"],
            _("backbone"): row["backbone"],
        }
        for _place, row in measured.iloc[::-1].iterrows()
    ]
    return Section(
        _("Accuracy"),
        [
            _("Measured on the holdout alone, which no strategy ever queries and no model is trained on."),
            outlook(stands, measured, config),
            legend(stands, measured),
            *limitations(stands, measured),
        ],
        [svg(chart(stands, measured, config, "labels", _("pool labels")))],
        [(_("All rounds"), rows)],
    )


def _outside(items: Mapping[str, int]) -> Section:
    """In place of the holdout's figures: which labels stand in their way."""
    return Section(_("The latest model"), [translate(labels_outside(items)), _(NOT_MEASURED)])


def _holdout(latest_measured: tuple[int, Evaluation] | None, without: bool) -> Section:
    """Args: without: whether there is no holdout."""
    if latest_measured is None:
        missing = _(NO_HOLDOUT) if without else _("The holdout has no labels yet, so nothing can be measured.")
        return Section(_("The latest model"), [missing])
    number, measured = latest_measured
    named = {
        _("accuracy"): measured.accuracy,
        _("balanced accuracy"): measured.balanced_accuracy,
        _("macro F1"): measured.macro_f1,
        _("micro F1"): measured.micro_f1,
    }
    classes = [
        {
            _("class"): score.name,
            _("items"): score.support,
            _("precision"): _estimate(score.precision),
            _("recall"): _estimate(score.recall),
            "F1": _estimate(score.f1),
        }
        for score in measured.classes
    ]
    texts = [
        _measured_on(number, measured),
        _(
            "The expected calibration error is {error:.3f}; chance alone gives a calibrated model up to {chance:.3f}.",
            error=measured.calibration.error,
            chance=measured.calibration.by_chance,
        ),
    ]
    charts = [svg(holdout_charts.confusion(measured))] if measured.confusion else []
    charts.append(svg(holdout_charts.reliability(measured.calibration)))
    return Section(_("The latest model"), texts, charts, [("", _figures(named)), (_("By class"), classes)])


def _drift(values: dict[str, Any] | None, still_open: StillOpen) -> list[Section]:
    """The newest items against earlier ones; empty where all came at once."""
    drift = loaded(values)
    if drift is None:
        return []
    texts = [*drift_words.sentences(drift, still_open), _(drift_words.HOW_SURE)]
    rows = drift_words.table(drift)
    return [Section(_("New items and earlier ones"), texts, tables=[("", rows)] if rows else [])]


def _other_models(models: Sequence[Compared], config: Config) -> Section:
    """Models of somebody else on the same holdout."""
    rows = [
        {
            _("model"): of.model.title,
            _("imported"): of.model.at[:10],
            _("labeled holdout items"): f"{of.metrics.n:,}",
            _(config.accuracy): f"{of.metrics.accuracy:.1%}",
            _("95% interval"): f"{of.metrics.low:.1%} – {of.metrics.high:.1%}",
            _("macro F1"): f"{of.metrics.macro_f1:.3f}",
            _("calibration error"): f"{of.calibration.error:.3f}" if of.calibration else "–",
        }
        for of in models
        if of.metrics
    ]
    return Section(
        _("Other models"), [*(in_words_of_model(of, config) for of in models), _(SAME_LABELS)], tables=[("", rows)]
    )


def _measured_on(number: int, measured: Evaluation) -> str:
    if measured.groups is None:
        return _("Round {round}, measured on {n:,} items.", round=number, n=measured.n)
    return n_(
        "Round {round}, measured on {items:,} items of {n:,} group.",
        "Round {round}, measured on {items:,} items of {n:,} groups.",
        measured.groups,
        round=number,
        items=measured.n,
    )


def _figures(named: dict[str, Estimate | None]) -> Table:
    return [
        {
            _("figure"): name,
            _("value"): f"{estimate.value:.3f}",
            _("95% interval"): f"{estimate.low:.3f} – {estimate.high:.3f}",
        }
        for name, estimate in named.items()
        if estimate
    ]


def _estimate(estimate: Estimate | None) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} – {estimate.high:.3f})" if estimate else "–"


def _control(report: dict[str, Any] | None, config: Config) -> Section:
    title = _("Against random sampling")
    if not report:
        return Section(title, [_("The comparison with random sampling is measured after each round.")])
    charts = [svg(control_chart(report, config.accuracy))] if report["random"] else []
    return Section(title, control_sentences(report), charts)


def _stopping(values: dict[str, Any], stands: Standing, config: Config) -> Section:
    asked, compared = history(stands.rounds, stands.counts, config), thresholds(config)
    rows = []
    for row in values["stopping"]:
        evidence, back = Evidence(**{k: v for k, v in row.items() if k != "backtest"}), Backtest(**row["backtest"])
        rows.append(
            {
                _("rule"): _(NAMES[evidence.rule]),
                _("state"): _(MET) if evidence.met else _(UNKNOWN if evidence.value is None else NOT_MET),
                _("evidence"): in_words(evidence, asked, compared),
                _("back-test on this project"): back_in_words(back, asked),
            }
        )
    texts = [stopped_in_words(values["stopped"], _in_utc(values["stopped"]["at"]))] if values["stopped"] else []
    return Section(_("When to stop"), texts, tables=[("", rows)])


def _agreement(values: dict[str, Any]) -> Section:
    agreed, doubted, title = values["agreement"], values["second_look"], _("Quality of the labels")
    texts = []
    if doubted:
        wrong = Estimate(**doubted["wrong"])
        texts += [
            _("Models that were not trained on them checked {n:,} labels.", n=doubted["checked"])
            if doubted["checked"] == doubted["of"]
            else _(
                "Models that were not trained on them checked {n:,} of {of:,} labels: those in doubt before, the"
                " latest ones, and others at random.",
                n=doubted["checked"],
                of=doubted["of"],
            ),
            second_look(doubted["labels"], wrong.value),
        ]
        if doubted["labels"] > 1:
            texts.append(
                _("The 95% interval of the wrong ones is {low:,.0f} to {high:,.0f}.", low=wrong.low, high=wrong.high)
            )
    if not agreed:
        return Section(title, [*texts, _("No item has answers by two annotators yet, so agreement is unknown.")])
    texts.append(
        _(
            "{items:,} items have answers by two annotators or more, {n:,} answers in all.",
            items=agreed["items"],
            n=agreed["answers"],
        )
    )
    measures = {"percent": _("same answer"), "fleiss": _("Fleiss' kappa"), "alpha": _("Krippendorff's alpha")}
    named = {name: agreed[key] and Estimate(**agreed[key]) for key, name in measures.items()}
    classes = [
        {
            _("class"): figures["name"],
            _("answers"): figures["answers"],
            _("Krippendorff's alpha"): _estimate(figures["alpha"] and Estimate(**figures["alpha"])),
        }
        for figures in agreed["classes"]
    ]
    return Section(title, texts, tables=[("", _figures(named)), (_("By class"), classes)])


def _data(values: dict[str, Any], config: Config) -> Section:
    splits = {"pool": _("pool"), "holdout": _("holdout")}
    rows = [
        {
            _("split"): splits[row["split"]],
            _("items"): f"{row['items']:,}",
            _("with a label"): f"{row['labeled']:,}",
            _("label from the import"): f"{row['imported_labels']:,}",
            _("decided by the lead"): f"{row['decided']:,}",
            _("taken out"): f"{row['taken_out']:,}",
            _("drawn at random"): f"{row['drawn']:,}" if row["split"] == "holdout" else "–",
            _("imported"): row["first_added"][:10],
        }
        for row in values["splits"]
    ]
    answers = values["answers"]
    groups = values["groups"] and GroupCounts(**values["groups"])
    texts = [
        *([split_in_words(groups), *warnings(groups)] if groups else []),
        _(
            "{annotators} people gave {labels:,} answers with a label, {skips:,} skips and {flags:,} flags in"
            " {hours:,.1f} hours; {unsure:,} answers are marked as unsure, {changes:,} answers were changed or taken"
            " back.",
            **{
                name: answers[name] for name in ("annotators", "labels", "skips", "flags", "hours", "unsure", "changes")
            },
        ),
    ]
    if answers["first"]:
        texts.append(
            _(
                "The first answer was given on {first}, the last on {last}.",
                first=answers["first"][:10],
                last=answers["last"][:10],
            )
        )
    texts.append(_("SHA-256 of all items and labels: {hash}", hash=values["hash"]))
    counted = [{_("class"): name, _("pool labels"): f"{n:,}"} for name, n in values["per_class"].items()]
    listings = [(_("Data card"), values["card"]), (_("Guidelines of the annotators"), values["guidelines"])]
    return Section(
        _("The data"),
        texts,
        tables=[("", rows), (_("By class"), counted), (_("Changes of the classes"), _class_changes(values))],
        listings=[(name, text) for name, text in listings if text.strip()],
    )


def _class_changes(values: dict[str, Any]) -> Table:
    return [
        {
            _("when"): _in_utc(change["at"]),
            _("change"): _(KINDS[change["kind"]]),
            _("before"): ", ".join(change["old"]),
            _("after"): ", ".join(change["new"]),
            _("answers changed"): f"{change['labels']:,}",
            _("asked again"): f"{change['asked_again']:,}",
        }
        for change in values["class_changes"]
    ]


def _provenance(values: dict[str, Any], config: Config) -> Section:
    versions = [{_("package"): name, _("version"): version} for name, version in values["versions"].items()]
    seeds = [
        {_("what is drawn"): _("known items for newcomers"), _("seed"): values["seeds"]["qualification"]},
        {_("what is drawn"): _("rounds"), _("seed"): _ranges(list(values["seeds"]["rounds"].values()))},
    ]
    model = values["model"]
    texts = (
        [
            _(
                "The latest model is {file}, trained on {labels:,} pool labels (SHA-256 {hash}); `labeler reproduce`"
                " trains it again.",
                file=model["file"],
                labels=model["labels"],
                hash=model["data"],
            )
        ]
        if model
        else []
    )
    return Section(
        _("Settings, seeds and versions"),
        texts,
        tables=[(_("Seeds"), seeds), (_("Versions"), versions)],
        listings=[("project.toml", to_toml(config).strip())],
    )


def _ranges(numbers: list[int]) -> str:
    """1, 2, 3, 7 as "1–3, 7"."""
    parts: list[list[int]] = []
    for n in numbers:
        if parts and n == parts[-1][-1] + 1:
            parts[-1].append(n)
        else:
            parts.append([n])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}–{p[-1]}" for p in parts) or "–"
