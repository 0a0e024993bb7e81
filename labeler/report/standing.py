"""The learning curve with its sentences, for the Progress page and for the report."""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from labeler.core.items import Counts
from labeler.core.rounds import Metrics
from labeler.core.settings import Config
from labeler.i18n.messages import _
from labeler.progress.curves import HORIZON, Curve, Projection, fit_curve
from labeler.progress.history import Step, comparable, effective_holdout
from labeler.report.charts import curve as curve_charts
from labeler.report.charts.curve import Along
from labeler.report.sentences import arrivals
from labeler.report.sentences import curve as curve_words

POINTS = 40  # of the dashed line
FARTHEST = 4.0  # times today's labels: projections beyond are told in words, not drawn
MARGIN = 1.12  # of the x axis beyond the labels at which the target is expected


@dataclass(frozen=True)
class Standing:
    """What the page draws: all rounds, the projection, and the gain of the last measured round.

    answers_left: that the budget still pays for.
    """

    rounds: pd.DataFrame
    leads: Curve
    projection: Projection
    most: float
    step: Step | None
    counts: Counts
    answers_left: int


def standing(rounds: pd.DataFrame, step: Step | None, counts: Counts, config: Config) -> Standing:
    """The standing of a project.

    Args: rounds: as `course` gives them.
    """
    measured = rounds[comparable(rounds)]
    holdout = effective_holdout(rounds) or None
    leads = fit_curve(measured["labels"].tolist(), measured["accuracy"].tolist(), holdout)
    most = min(float(counts.reachable), HORIZON * leads.labels)
    left = counts.answers_left(config.budget)
    return Standing(rounds, leads, leads.projection(config.target_accuracy, most), most, step, counts, left)


def cost_of_a_label(measured: pd.DataFrame, along: str) -> float:
    """The hours or money that one more label takes (1 in labels), as on average since the first round."""
    first, last = measured.iloc[0], measured.iloc[-1]
    if along == "labels":
        return 1.0
    if last["labels"] > first["labels"]:
        return float((last[along] - first[along]) / (last["labels"] - first["labels"]))
    return float(last[along] / max(last["labels"], 1))


def chart(
    stands: Standing, measured: pd.DataFrame, config: Config, along: Along, title: str
) -> alt.LayerChart | alt.FacetChart:
    """The chart of accuracy versus labels, hours or cost; see `curve_charts.accuracy_curve`.

    Args: measured: the rounds of `stands` that were measured. title: of the axis.
    """
    scale = cost_of_a_label(measured, along)
    last = measured.iloc[-1]
    budget = _budget(measured, stands.counts, config)
    ahead = _ahead(stands, last["labels"])
    if along != "labels":
        ahead[along] = last[along] + (ahead["labels"] - last["labels"]) * scale
    near = budget is not None and budget <= max([last["labels"], *ahead["labels"]]) * 1.5
    spent_at = last[along] + (budget - last["labels"]) * scale if near and budget is not None else None
    goal = curve_charts.Goal(config.target_accuracy, stands.projection, spent_at)
    return curve_charts.accuracy_curve(measured, ahead, curve_charts.Axis(along, title, scale), goal, config.accuracy)


def outlook(stands: Standing, measured: pd.DataFrame, config: Config) -> str:
    """What is known of the curve, how certain that is, and what to do."""
    hours, counts = cost_of_a_label(measured, "hours"), stands.counts
    return curve_words.Outlook(
        stands.projection,
        config.target_accuracy,
        _metrics(measured.iloc[-1]),
        max(counts.labeled, int(measured["labels"].iloc[-1])),
        stands.most,
        stands.most >= counts.reachable,
        _budget(measured, counts, config),
        hours if hours > 0 else None,
        counts.open.holdout,
    ).in_words()


def legend(stands: Standing, measured: pd.DataFrame) -> str:
    """Sentences that explain the chart's lines, and the settings that all rounds share."""
    sentences = [
        _("Band: 95% interval of the accuracy on the holdout.")
        if len(measured) > 1
        else _("Vertical line: 95% interval of the accuracy on the holdout.")
    ]
    if not stands.leads.why_not:
        sentences.append(
            _(
                "Dashed: the inverse power law {a:.3f} − {b:.3g} · labels^−{c:.2f} and others that explain the rounds"
                " as well, with the 95% interval of the accuracy on all items.",
                a=stands.leads.a,
                b=stands.leads.b,
                c=stands.leads.c,
            )
        )
    same = [column for column in ("strategy", "backbone") if measured[column].nunique() == 1]
    if same == ["strategy", "backbone"]:
        sentences.append(
            _(
                "All rounds: query strategy {strategy}, backbone {backbone}.",
                strategy=measured["strategy"].iloc[0],
                backbone=measured["backbone"].iloc[0],
            )
        )
    elif same == ["strategy"]:
        sentences.append(_("The query strategy is {strategy} in all rounds.", strategy=measured["strategy"].iloc[0]))
    elif same == ["backbone"]:
        sentences.append(_("The backbone is {backbone} in all rounds.", backbone=measured["backbone"].iloc[0]))
    return " ".join(sentences)


def limitations(stands: Standing, measured: pd.DataFrame) -> list[str]:
    """Sentences on what the figures cannot tell, and what would change that."""
    latest = [_metrics(row) for _place, row in measured.iloc[-2:].iterrows()]
    sentences = []
    if stands.step:
        sentences.append(curve_words.step_in_words(stands.step))
    elif len(latest) == 2 and (latest[0].later is None) == (latest[1].later is None):
        sentences += filter(None, [curve_words.gain_in_words(latest[1], latest[0])])
    sentences += arrivals.sentences(measured, stands.counts.newer)
    sentences.append(curve_words.width_in_words(latest[-1], stands.counts.open.holdout, stands.answers_left))
    return sentences


def _metrics(row: pd.Series) -> Metrics:
    groups = None if np.isnan(row["groups"]) else int(row["groups"])
    later = None if np.isnan(row["later"]) else int(row["later"])
    return Metrics(int(row["holdout"]), row["accuracy"], row["low"], row["high"], 0.0, groups=groups, later=later)


def _ahead(stands: Standing, now: float) -> pd.DataFrame:
    """The projection beyond the last round: to the target or half as many labels again, within what can be labeled."""
    expected = stands.projection.expected
    end = now * 1.5 if expected is None or expected <= now else expected * MARGIN
    end = min(max(end, now * 1.1), now * FARTHEST, stands.most)
    labels = np.linspace(now, end, POINTS)
    band = stands.leads.band(labels) if end > now else None  # type: ignore[arg-type]
    if band is None:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in ("labels", "accuracy", "low", "high")})
    return pd.DataFrame({"labels": labels, "accuracy": band[0], "low": band[1], "high": band[2]})


def _budget(measured: pd.DataFrame, counts: Counts, config: Config) -> float | None:
    """The pool labels at which the budget is spent; it also pays for holdout labels and for second answers.

    None: it pays for all that can be labeled.
    """
    if config.budget >= counts.answers_by_people + counts.open.answers:
        return None
    first, last = measured.iloc[0], measured.iloc[-1]
    paid, labels = last["spent"] - first["spent"], last["labels"] - first["labels"]
    each = paid / labels if paid > 0 and labels > 0 else 1.0
    return float(min(last["labels"] + (config.budget - last["spent"]) / each, counts.reachable))
