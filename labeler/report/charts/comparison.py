"""Charts of a comparison's report, which `simulate.compare` returns, and any chart as a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from PIL import Image
from scipy.special import stdtrit

from labeler.core.errors import LabelerError
from labeler.i18n.messages import _, mark

CONTROL = "random"
GREY, PALE = "#8a8a8a", "#b9c0cb"  # the control; strategies that are not highlighted

# Of Okabe & Ito's colours for the colour-blind, those that are readable on light and on dark.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
BETTER, UNCLEAR, WORSE = mark("better than random"), mark("no clear difference"), mark("worse than random")

Report = Mapping[str, Any]


def curves_frame(report: Report) -> pd.DataFrame:
    """The mean curve of each strategy over its seeds: strategy, labels, accuracy, low, high, seeds.

    Returns: one row a strategy and number of labels that all of its seeds have; `low` and `high` bound the mean's
             95% interval (Student's t), NaN where there is one seed only.
    """
    runs = pd.DataFrame(
        [
            {"strategy": run["strategy"], "labels": labels, "accuracy": accuracy}
            for run in report["runs"]
            for labels, accuracy in zip(run["labels"], run["accuracy"], strict=True)
        ],
        columns=["strategy", "labels", "accuracy"],
    )
    frame = runs.groupby(["strategy", "labels"], sort=False)["accuracy"].agg(["mean", "std", "count"]).reset_index()
    frame = frame[frame["count"] == frame.groupby("strategy")["count"].transform("max")]
    half = stdtrit(np.maximum(frame["count"] - 1, 1), 0.975) * frame["std"] / np.sqrt(frame["count"])
    frame = frame.assign(low=(frame["mean"] - half).clip(lower=0), high=(frame["mean"] + half).clip(upper=1))
    frame = frame.rename(columns={"mean": "accuracy", "count": "seeds"}).drop(columns="std")
    return frame.sort_values(["strategy", "labels"], ignore_index=True)


def gains_frame(report: Report) -> pd.DataFrame:
    """The gain over random of each other strategy in percentage points, best first, with its interval and verdict."""
    rows = []
    for row in report["summary"]:
        if row["strategy"] != CONTROL:
            gain, low, high = (
                None if row[key] is None else 100 * row[key] for key in ("gain_over_random", "gain_low", "gain_high")
            )
            rows.append({"strategy": row["strategy"], "gain": gain, "low": low, "high": high, "verdict": verdict(row)})
    frame = pd.DataFrame(rows, columns=["strategy", "gain", "low", "high", "verdict"])
    return frame.sort_values("gain", ascending=False, ignore_index=True)


def verdict(row: Mapping[str, Any]) -> str:
    """The verdict on a gain from its 95% interval; unclear with one seed, which has no interval."""
    low, high = row["gain_low"], row["gain_high"]
    if low is None or high is None or low <= 0 <= high:
        return UNCLEAR
    return BETTER if low > 0 else WORSE


def highlights(report: Report) -> list[str]:
    """The strategies with a colour of their own by default: those with the largest area under the curve."""
    return [row["strategy"] for row in report["summary"] if row["strategy"] != CONTROL][: len(COLOURS) - 1]


def measure(report: Report) -> str:
    """The name of the accuracy measure: where an item has several classes it is that of whole sets."""
    several = report.get("config", {}).get("answers") == "several"
    return mark("subset accuracy") if several else mark("accuracy")


def curves(
    report: Report, highlighted: Sequence[str] | None = None, interactive: bool = True
) -> alt.LayerChart | alt.FacetChart:
    """Accuracy versus labels, one line a strategy with the 95% interval of its mean; random is dashed and grey.

    A click on the legend (with shift: several) shows that strategy only.

    Args: highlighted: strategies with a colour, at most six; by default the five with the largest area.
          interactive: whether the chart answers clicks: else the legend names only the strategies with a colour.
    """
    frame = curves_frame(report)
    names = list(dict.fromkeys(frame["strategy"]))
    wanted = highlights(report) if highlighted is None else highlighted
    bright = [name for name in wanted if name in names and name != CONTROL][: len(COLOURS)]
    pale = [name for name in names if name not in (*bright, CONTROL)]
    frame = frame.assign(loud=frame["strategy"].isin(bright), control=frame["strategy"] == CONTROL)
    colour, shape = _identity(bright, pale, legend=[*bright, CONTROL, *(pale if interactive else [])])
    x = alt.X("labels:Q", title=_("labels"), scale=alt.Scale(nice=False), axis=alt.Axis(tickMinStep=1, tickCount=8))
    scale = alt.Scale(zero=False, domainMin=_floor(frame))
    name = _(measure(report))
    title = _("mean {measure} on the holdout", measure=name)
    y = alt.Y("accuracy:Q", title=title, axis=alt.Axis(format="%"), scale=scale)
    tooltip = [
        alt.Tooltip("strategy:N", title=_("strategy")),
        alt.Tooltip("labels:Q", title=_("labels")),
        alt.Tooltip("accuracy:Q", format=".1%", title=_("mean {measure}", measure=name)),
        alt.Tooltip("low:Q", format=".1%", title=_("95% interval from")),
        alt.Tooltip("high:Q", format=".1%", title=_("to")),
        alt.Tooltip("seeds:Q", title=_("runs")),
    ]
    chosen = alt.selection_point(name="chosen", fields=["strategy"], bind="legend")

    def shown(value: float, hidden: float) -> Any:
        return alt.when(chosen).then(alt.value(value)).otherwise(alt.value(hidden))

    base = alt.Chart(frame)
    band = alt.Y("low:Q", title="", scale=scale)
    loud = base.transform_filter(alt.datum.loud | alt.datum.control)
    dashes = alt.when(alt.datum.control).then(alt.value([6, 4])).otherwise(alt.value([1, 0]))
    width = alt.when(alt.datum.loud).then(alt.value(2.5)).otherwise(alt.value(1.5))
    layers = alt.layer(
        loud.mark_area().encode(x, band, alt.Y2("high:Q"), colour, opacity=shown(0.13, 0.0)),
        base.mark_line().encode(x, y, colour, strokeDash=dashes, strokeWidth=width, opacity=shown(1.0, 0.08)),
        loud.mark_point(filled=True, size=55).encode(x, y, colour, shape, opacity=shown(1.0, 0.05)),
        # invisible points, larger targets for the pointer
        base.mark_point(size=350, filled=True).encode(x, y, opacity=alt.value(0), tooltip=tooltip),
    )
    return layers.add_params(chosen).properties(height=400)


def _identity(bright: Sequence[str], pale: Sequence[str], legend: Sequence[str]) -> tuple[alt.Color, alt.Shape]:
    """The colour and the shape that tell strategies apart.

    Args: bright: strategies with a colour of their own. pale: strategies that share a grey. legend: strategies in the
          legend.
    """
    names = [*bright, CONTROL, *pale]
    colours = [*COLOURS[: len(bright)], GREY, *[PALE] * len(pale)]
    shapes = [*SHAPES[: len(bright)], "circle", *["circle"] * len(pale)]
    colour = alt.Color(
        "strategy:N",
        title=_("strategy"),
        scale=alt.Scale(domain=names, range=colours),
        legend=alt.Legend(
            orient="bottom",
            columns=2,
            symbolLimit=60,
            labelLimit=400,
            title=None,
            symbolOpacity=1,
            values=list(legend),
        ),
    )
    return colour, alt.Shape("strategy:N", scale=alt.Scale(domain=names, range=shapes), legend=None)


def _floor(frame: pd.DataFrame) -> float:
    """The bottom of the accuracy axis: a multiple of 5% below all curves and bands."""
    lowest = frame[["low", "accuracy"]].min().min() if len(frame) else 0.0
    return max(0.0, float(np.floor(lowest * 20) / 20))


def gains(report: Report, label_limit: int = 240) -> alt.LayerChart | alt.FacetChart:
    """The gain over random of each strategy with its 95% interval, best first, and a line at no gain.

    Args: label_limit: pixels that a strategy's name may take.
    """
    frame = gains_frame(report)
    frame = frame.assign(verdict=frame["verdict"].map(_))
    scale = alt.Scale(domain=[_(BETTER), _(UNCLEAR), _(WORSE)], range=[COLOURS[0], GREY, COLOURS[1]])
    colour = alt.Color(
        "verdict:N", scale=scale, legend=alt.Legend(orient="bottom", title=None, labelLimit=200, columns=1)
    )
    y = alt.Y("strategy:N", title=None, sort=list(frame["strategy"]), axis=alt.Axis(labelLimit=label_limit))
    tooltip = [
        alt.Tooltip("strategy:N", title=_("strategy")),
        alt.Tooltip("gain:Q", format="+.2f", title=_("gain, points")),
        alt.Tooltip("low:Q", format="+.2f", title=_("95% interval from")),
        alt.Tooltip("high:Q", format="+.2f", title=_("to")),
        alt.Tooltip("verdict:N", title=_("which means")),
    ]
    title = _("gain over random, in points")
    base = alt.Chart(frame)
    return alt.layer(
        alt.Chart(pd.DataFrame({"zero": [0.0]}))
        .mark_rule(strokeDash=[6, 4], color=GREY)
        .encode(alt.X("zero:Q", scale=alt.Scale(padding=12))),
        base.mark_rule(strokeWidth=2.5).encode(alt.X("low:Q", title=title), alt.X2("high:Q"), y, colour),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            alt.X("gain:Q", title=title),
            y,
            colour,
            alt.Shape("verdict:N", scale=alt.Scale(domain=scale.domain, range=SHAPES[:3]), legend=None),
            tooltip=tooltip,
        ),
    ).properties(height=max(90, 28 * len(frame)))


def picture(report: Report, highlighted: Sequence[str] | None = None) -> alt.HConcatChart:
    """Curves and gains side by side with a title, to be saved."""
    dataset, seeds = report["dataset"], report["config"]["seeds"]
    others = "; pale lines are all others" if len(report["summary"]) > len(COLOURS) else ""
    title = alt.Title(
        f"{dataset['name']}: which strategy learns from the fewest labels?",
        subtitle=f"pool {dataset['pool']}, holdout {dataset['holdout']}, {len(dataset['classes'])} classes,"
        f" runs a strategy: {seeds}{'; bands and whiskers are 95% intervals' if seeds > 1 else ''}{others}",
        anchor="start",
        fontSize=18,
        subtitleFontSize=13,
        offset=16,
    )
    left = curves(report, highlighted, interactive=False).properties(width=600, height=420)
    right = gains(report, 400).properties(width=420, height=max(140, 26 * (len(report["summary"]) - 1)))
    return alt.hconcat(left, right, title=title, spacing=10).resolve_scale(color="independent", shape="independent")


def save(chart: alt.TopLevelMixin, path: Path) -> None:
    """Write a chart on white as a .png (twice the pixels), an .svg, or an .html that needs no network.

    Raises: LabelerError: the suffix is another one. OSError: the file cannot be written.
    """
    kind = check_name(path)
    large = {"labelFontSize": 13, "titleFontSize": 14, "titleFontWeight": "normal"}
    ready = (
        chart.configure(background="white", font="sans-serif")
        .configure_axis(**large)
        .configure_legend(labelFontSize=13, titleFontSize=13)
        .configure_view(stroke=None)
    )
    if kind == "html":
        ready.save(str(path), format="html", inline=True)
    elif kind == "png":
        ready.save(str(path), format="png", scale_factor=2)
        with Image.open(path) as picture:  # a palette, since a chart has few colours: a tenth of the bytes
            picture.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
                path, optimize=True
            )
    else:
        ready.save(str(path), format="svg")


def check_name(path: Path) -> str:
    """The kind of picture that a file's name ends in.

    Raises: LabelerError: there is no such kind.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "html"):
        raise LabelerError("{name} is no picture: let the name end in .png, .svg or .html.", name=path.name)
    return kind
