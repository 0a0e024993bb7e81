"""DataFrame → Altair chart. Knows nothing of streamlit, nor where the numbers come from."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from labeler.types import Round

BLUE, ORANGE = "#3b74d1", "#d9822b"  # told apart by the colour-blind, readable on light and dark


def curve_frame(rounds: Sequence[Round]) -> pd.DataFrame:
    """The rounds that were measured, one a row: round, labels, accuracy, low, high, macro_f1, holdout, strategy."""
    return pd.DataFrame(
        [
            {
                "round": r.number,
                "labels": r.labels,
                "accuracy": r.metrics.accuracy,
                "low": r.metrics.low,
                "high": r.metrics.high,
                "macro_f1": r.metrics.macro_f1,
                "holdout": r.metrics.n,
                "strategy": r.strategy,
            }
            for r in rounds
            if r.metrics
        ],
        columns=["round", "labels", "accuracy", "low", "high", "macro_f1", "holdout", "strategy"],
    )


def learning_curve(frame: pd.DataFrame, target: float) -> alt.LayerChart | alt.FacetChart:
    """Accuracy on the holdout versus labels, with its 95 % interval and the accuracy that the project asked for.

    Args: frame: as `curve_frame` makes it.
    """
    low = min([*frame["low"], target]) if len(frame) else 0.0
    scale = alt.Scale(domain=[max(0.0, low - 0.05), 1.0], clamp=True)
    x = alt.X("labels:Q", title="labels", axis=alt.Axis(tickMinStep=1, tickCount=10), scale=alt.Scale(zero=True))
    y = alt.Y("accuracy:Q", title="accuracy on the holdout", axis=alt.Axis(format="%"), scale=scale)
    tooltip = [
        alt.Tooltip("round:Q"),
        alt.Tooltip("labels:Q"),
        alt.Tooltip("accuracy:Q", format=".1%"),
        alt.Tooltip("low:Q", format=".1%", title="95 % interval from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("holdout:Q", title="measured on"),
        alt.Tooltip("strategy:N", title="next asked by"),
    ]
    base = alt.Chart(frame)
    goal = alt.Chart(pd.DataFrame({"accuracy": [target], "name": [f"target {target:.0%}"]}))
    return alt.layer(
        base.mark_area(opacity=0.18, color=BLUE).encode(x, alt.Y("low:Q", title="", scale=scale), alt.Y2("high:Q")),
        base.mark_rule(opacity=0.5, color=BLUE).encode(x, alt.Y("low:Q", scale=scale), alt.Y2("high:Q")),
        base.mark_line(color=BLUE).encode(x, y),
        base.mark_point(color=BLUE, filled=True, size=70, opacity=1).encode(x, y, tooltip=tooltip),
        goal.mark_rule(strokeDash=[6, 4], color=ORANGE).encode(y),
        goal.mark_text(align="left", dx=4, dy=-6, color=ORANGE).encode(y, x=alt.value(0), text="name:N"),
    ).properties(height=380)


def class_counts(per_class: dict[str, int]) -> alt.Chart:
    """How many pool items have each label."""
    frame = pd.DataFrame({"class": list(per_class), "labels": list(per_class.values())})
    return (
        alt.Chart(frame)
        .mark_bar(color=BLUE)
        .encode(
            alt.X("labels:Q", title="labels", axis=alt.Axis(tickMinStep=1)),
            alt.Y("class:N", title=None, sort=None),
            tooltip=["class:N", "labels:Q"],
        )
        .properties(height=max(60, 24 * len(frame)))
    )
