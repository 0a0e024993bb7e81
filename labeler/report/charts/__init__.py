"""Charts: DataFrame → Altair chart, in the current language, without streamlit and without access to a project."""

from collections.abc import Iterable
from typing import Literal
from unicodedata import east_asian_width

import altair as alt
import pandas as pd

from labeler.core.rounds import Training
from labeler.i18n.messages import _
from labeler.report.sentences.training import best_epoch

# Imports of vl_convert are deferred: it is large, and only files of charts need it.

BLUE, ORANGE = "#3b74d1", "#d9822b"  # told apart by the colour-blind, readable on light and dark
GREY = "#8a8a8a"
WIDTH = 820  # pixels of a chart in a file
FAINT = 0.75  # opacity of the line of an interval below its point, visible on light and dark
ROOM = {"left": 5, "right": 16, "top": 5, "bottom": 5}  # for the half of the last number that is beyond the axis


def svg(chart: alt.LayerChart | alt.FacetChart | alt.Chart) -> str:
    """The chart as SVG of a fixed width, made without a browser or a network."""
    import vl_convert

    return vl_convert.vegalite_to_svg(chart.properties(width=WIDTH).to_dict())


def legend_columns(names: Iterable[str], most: int) -> alt.ExprRef:
    """How many names of a legend stand side by side: as many as the chart has room for; the others go below.

    Args: most: pixels of a name, see `labelLimit`.
    """
    widest = max((sum(13 if east_asian_width(sign) in "WF" else 7 for sign in name) for name in names), default=0)
    return alt.ExprRef(f"max(1, floor(width / {min(widest, most) + 24}))")


def training_frame(training: Training) -> pd.DataFrame:
    """A training's epochs in long form: epoch, measure (loss | accuracy), on (training | validation), value, best.

    `best` marks the validation of the epoch whose validation loss is lowest.
    """
    best = best_epoch(training)
    rows = [
        {
            "epoch": e.number,
            "measure": measure,
            "on": on,
            "value": value,
            "best": on == "validation" and e.number == best,
        }
        for e in training.epochs
        for measure, on, value in (
            ("loss", "training", e.train_loss),
            ("loss", "validation", e.validation_loss),
            ("accuracy", "training", e.train_accuracy),
            ("accuracy", "validation", e.validation_accuracy),
        )
        if value is not None
    ]
    return pd.DataFrame(rows, columns=["epoch", "measure", "on", "value", "best"])


def training_curve(frame: pd.DataFrame, measure: Literal["loss", "accuracy"]) -> alt.LayerChart | alt.FacetChart:
    """Loss or accuracy by epoch: training dashed, validation solid, and the best epoch marked.

    Args: frame: as `training_frame` makes it.
    """
    frame = frame[frame["measure"] == measure]
    shown = {"training": _("training"), "validation": _("validation")}
    look = {"training": (ORANGE, [6, 3]), "validation": (BLUE, [1, 0])}
    drawn = [name for name in shown if name in set(frame["on"])]
    names, colours, dashes = [shown[n] for n in drawn], [look[n][0] for n in drawn], [look[n][1] for n in drawn]
    frame = frame.assign(on=frame["on"].map(shown), label=[_("epoch {n}", n=epoch) for epoch in frame["epoch"]])
    title = _("loss") if measure == "loss" else _("accuracy")
    legend = alt.Legend(orient="top", title=None, symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=400)
    percent = measure == "accuracy"
    scale = alt.Scale(zero=not percent, domainMax=1) if percent else alt.Scale(zero=True)
    x = alt.X(
        "epoch:Q", title=_("epoch"), axis=alt.Axis(tickMinStep=1, tickCount=8, format="d"), scale=alt.Scale(zero=False)
    )
    y = alt.Y("value:Q", title=title, axis=alt.Axis(format="%") if percent else alt.Axis(), scale=scale)
    colour = alt.Color("on:N", scale=alt.Scale(domain=names, range=colours), legend=legend)
    dash = alt.StrokeDash("on:N", scale=alt.Scale(domain=names, range=dashes), legend=legend)
    tooltip = [
        alt.Tooltip("on:N", title=_("on")),
        alt.Tooltip("epoch:Q", title=_("epoch")),
        alt.Tooltip("value:Q", format=".1%" if percent else ".3f", title=title),
    ]
    base = alt.Chart(frame)
    best = base.transform_filter(alt.datum.best)
    # The label stands where there is room: above falling curves, below rising ones, on the wider side of the mark.
    late = bool((2 * frame.loc[frame["best"], "epoch"] > frame["epoch"].max() + 1).any())
    place, dy = (alt.value("height"), -8) if percent else (alt.value(0), 10)
    return alt.layer(
        best.mark_rule(strokeDash=[2, 3], color=GREY).encode(x),
        base.mark_line(strokeWidth=2.5, point={"size": 28}).encode(x, y, colour, dash),  # a single epoch has no line
        best.mark_point(filled=True, size=110, opacity=1, color=BLUE).encode(x, y),
        best.mark_text(align="right" if late else "left", dx=-6 if late else 6, dy=dy, color=BLUE, fontSize=13).encode(
            x, y=place, text="label:N"
        ),
        # invisible points, larger targets for the pointer
        base.mark_point(size=300, filled=True).encode(x, y, opacity=alt.value(0), tooltip=tooltip),
    ).properties(height=320)


def class_counts(per_class: dict[str, int]) -> alt.Chart:
    """The number of pool items of each class, as bars."""
    frame = pd.DataFrame({"class": list(per_class), "labels": list(per_class.values())})
    return (
        alt.Chart(frame)
        .mark_bar(color=BLUE)
        .encode(
            alt.X("labels:Q", title=_("pool labels"), axis=alt.Axis(tickMinStep=1, tickCount=6)),
            alt.Y("class:N", title=None, sort=None, axis=alt.Axis(labelOverlap=False, labelFlush=False)),
            tooltip=[alt.Tooltip("class:N", title=_("class")), alt.Tooltip("labels:Q", title=_("pool labels"))],
        )
        .properties(height=60 + 28 * len(frame), padding=ROOM)
    )
