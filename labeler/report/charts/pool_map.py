"""The map of the pool: a point for each item of a sample, near those that are alike."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from labeler.i18n.messages import _
from labeler.report.charts import BLUE, GREY, ORANGE, legend_columns

REGION = "region"  # the name of the selection that a drag makes
# Okabe & Ito's colours for the colour-blind, then shades between them, for as many classes as can be told apart.
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f6fc4", "#8c564b", "#b5bd3a", "#17a2a2",
)  # fmt: skip
LABEL = 220  # pixels of a class name in the legend at most
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def pool_map(frame: pd.DataFrame, colour: str, title: str, names: Sequence[str], none: str) -> alt.Chart:
    """The map, on which a drag selects a region.

    Args: frame: id, x, y, label, predicted, doubt, text (its beginning). colour: the column that colours the points:
          label, predicted or doubt. names: the values of that column in the order of the legend, but for doubt; those
          beyond the colours are grey. none: the value that stands for none, whose points are pale and below the others.
    """
    region = alt.selection_interval(name=REGION)
    below = frame[colour] == none
    base = alt.Chart(pd.concat([frame[below], frame[~below]])).mark_point(filled=True, size=38)
    axis = alt.Axis(labels=False, ticks=False, title=None, grid=False, domain=False)
    encodings = {
        "x": alt.X("x:Q", axis=axis, scale=alt.Scale(domain=[-0.02, 1.02])),
        "y": alt.Y("y:Q", axis=axis, scale=alt.Scale(domain=[-0.02, 1.02])),
        "tooltip": [
            alt.Tooltip("id:Q", title=_("item"), format="d"),
            alt.Tooltip("label:N", title=_("label")),
            alt.Tooltip("predicted:N", title=_("prediction")),
            alt.Tooltip("text:N", title=_("text")),
        ],
    }
    if colour == "doubt":
        scale = alt.Scale(domain=[0, 0.5, 1], range=[BLUE, "#cfcfcf", ORANGE])
        encodings["color"] = alt.Color(
            "doubt:Q",
            scale=scale,
            legend=alt.Legend(orient="top", title=title, format=".0%", gradientLength=220, titleLimit=400),
        )
    else:
        domain = [*names, none] if below.any() else [*names]
        columns = legend_columns(domain, LABEL)
        legend = alt.Legend(orient="top", title=None, columns=columns, symbolOpacity=1, labelLimit=LABEL)
        colours = [*COLOURS[: len(names)], *[GREY] * (len(names) - len(COLOURS)), *[GREY] * (len(domain) - len(names))]
        shapes = [SHAPES[place % len(SHAPES)] for place in range(len(names))] + ["circle"] * (len(domain) - len(names))
        encodings["color"] = alt.Color(f"{colour}:N", scale=alt.Scale(domain=domain, range=colours), legend=legend)
        encodings["shape"] = alt.Shape(f"{colour}:N", scale=alt.Scale(domain=domain, range=shapes), legend=legend)
        encodings["opacity"] = alt.condition(alt.datum[colour] == none, alt.value(0.3), alt.value(0.9))
    return base.encode(**encodings).add_params(region).properties(height=520)
