"""Charts of agreement between annotators."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from labeler.i18n.messages import _
from labeler.report.charts import BLUE, FAINT, GREY, ORANGE, ROOM

MOST_ROWS = 25  # of a readable chart: those with the least agreement
RELIABLE, TENTATIVE = 0.8, 0.667  # Krippendorff 2004, section 11.4: conclusions, tentative conclusions


def class_frame(agreed: Mapping[str, Any]) -> pd.DataFrame:
    """One row a class with an alpha: name, value, low, high (alpha), n (answers that named it).

    Args: agreed: as `labeler.quality.agreement.Agreement`, as plain values.
    """
    return _frame([(row["name"], row["alpha"], row["answers"]) for row in agreed["classes"]])


def pair_frame(agreed: Mapping[str, Any]) -> pd.DataFrame:
    """One row a pair of people: name, value, low, high (Cohen's kappa), n (items that both answered)."""
    return _frame([(f"{row['one']} – {row['other']}", row["kappa"], row["items"]) for row in agreed["pairs"]])


def _frame(rows: Sequence[tuple[str, Mapping[str, float] | None, int]]) -> pd.DataFrame:
    rows_with_figures = [{"name": name, **figure, "n": n} for name, figure, n in rows if figure is not None]
    frame = pd.DataFrame(rows_with_figures, columns=["name", "value", "low", "high", "n"])
    return frame.sort_values("value", kind="stable", ignore_index=True).head(MOST_ROWS)


def agreement(frame: pd.DataFrame, figure: str, counted: str) -> alt.LayerChart | alt.FacetChart:
    """A figure of agreement with its 95% interval for each row, the lowest first.

    Args: frame: as `class_frame` and `pair_frame` make it. figure: name of `value`. counted: what `n` counts.
    """
    low = min(0.0, float(frame["low"].min())) if len(frame) else 0.0
    scale = alt.Scale(domain=[low, 1.0])
    x = alt.X("value:Q", title=figure, scale=scale, axis=alt.Axis(format=".1f", tickCount=6))
    y = alt.Y(
        "name:N", title=None, sort=None, axis=alt.Axis(labelLimit=160, labelFlush=False, domain=False, ticks=False)
    )
    tooltip = [
        alt.Tooltip("name:N", title=" "),
        alt.Tooltip("value:Q", format=".2f", title=figure),
        alt.Tooltip("low:Q", format=".2f", title=_("95% interval from")),
        alt.Tooltip("high:Q", format=".2f", title=_("to")),
        alt.Tooltip("n:Q", title=counted),
    ]
    base = alt.Chart(frame)
    marks = pd.DataFrame({"value": [TENTATIVE, RELIABLE]})
    return alt.layer(
        alt.Chart(marks).mark_rule(strokeDash=[3, 4], color=GREY).encode(alt.X("value:Q", scale=scale)),
        base.mark_rule(strokeWidth=3, opacity=FAINT, color=BLUE).encode(
            alt.X("low:Q", scale=scale, title=figure), alt.X2("high:Q"), y
        ),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x,
            y,
            color=alt.condition(alt.datum.value < TENTATIVE, alt.value(ORANGE), alt.value(BLUE)),
            tooltip=tooltip,
        ),
    ).properties(height=26 * len(frame) + 80, padding=ROOM)
