"""The chart of the control arm's report, which is `control.Control` as plain values."""

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from labeler.i18n.messages import _
from labeler.report.charts import BLUE, GREY, ORANGE, ROOM
from labeler.report.sentences.control import tells_labels_saved

Report = Mapping[str, Any]


def control_frame(report: Report) -> pd.DataFrame:
    """Both curves in long form: curve (random | own), labels, accuracy, low, high."""
    rows = [{"curve": curve} | dict(point) for curve in ("random", "own") for point in report[curve]]
    return pd.DataFrame(rows, columns=["curve", "labels", "accuracy", "low", "high"])


def control_chart(report: Report, measure: str = "accuracy") -> alt.LayerChart | alt.FacetChart:
    """The learning curves of the project and of random sampling with its band; an arrow's length is the labels saved.

    Args: measure: name of the accuracy measure.
    """
    frame = control_frame(report)
    names = {"own": _("this project"), "random": _("random sampling")}
    frame["curve"] = frame["curve"].map(names)
    colour = alt.Color(
        "curve:N",
        scale=alt.Scale(domain=[*names.values()], range=[BLUE, GREY]),
        legend=alt.Legend(orient="top", title=None, symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=400),
    )
    x = alt.X("labels:Q", title=_("pool labels"), axis=alt.Axis(tickMinStep=1, tickCount=8), scale=alt.Scale(zero=True))
    scale = alt.Scale(zero=False, nice=True)
    y = alt.Y(
        "accuracy:Q", title=_("{measure} on the holdout", measure=_(measure)), axis=alt.Axis(format="%"), scale=scale
    )
    tooltip = [
        alt.Tooltip("curve:N", title=_("curve")),
        alt.Tooltip("labels:Q", title=_("pool labels")),
        alt.Tooltip("accuracy:Q", format=".1%", title=_(measure)),
        alt.Tooltip("low:Q", format=".1%", title=_("95% interval from")),
        alt.Tooltip("high:Q", format=".1%", title=_("to")),
    ]
    base = alt.Chart(frame)
    band = base.transform_filter(alt.datum.curve == names["random"])
    return alt.layer(
        band.mark_area(opacity=0.18, color=GREY).encode(x, alt.Y("low:Q", title="", scale=scale), alt.Y2("high:Q")),
        base.mark_line(strokeWidth=2.5).encode(x, y, colour),
        *_saved(report, x, y),
        base.mark_point(filled=True, size=50, opacity=1).encode(x, y, colour, tooltip=tooltip),
    ).properties(height=320, padding=ROOM)


def has_arrow(report: Report) -> bool:
    """Whether the chart shows the labels saved: where the sentences tell a number of them."""
    return tells_labels_saved(report) and report["needed"]["value"] is not None


def _saved(report: Report, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The arrow from the random curve back to where the project's curve is as high."""
    if not has_arrow(report):
        return []
    needed = report["needed"]["value"]
    level = next(p["accuracy"] for p in report["random"] if p["labels"] == report["size"])
    shape = "triangle-left" if needed < report["size"] else "triangle-right"
    base = alt.Chart(pd.DataFrame([{"labels": report["size"], "needed": needed, "accuracy": level}]))
    return [
        base.mark_rule(strokeWidth=2, strokeDash=[4, 3], color=ORANGE).encode(x, y, x2="needed:Q"),
        base.mark_point(shape=shape, color=ORANGE, filled=True, size=90, opacity=1).encode(alt.X("needed:Q"), y),
    ]
