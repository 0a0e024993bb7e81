"""The lead's curve: accuracy versus labels, hours or cost, where it leads, and who asked. DataFrame → Altair chart."""

from collections.abc import Mapping
from typing import Any, Literal

import altair as alt
import pandas as pd

from labeler.i18n.messages import _
from labeler.progress.curves import Projection
from labeler.report.charts import BLUE, GREY, ORANGE

Along = Literal["labels", "hours", "cost"]
Chart = alt.LayerChart | alt.FacetChart

FORMATS: dict[Along, str] = {"labels": ",.0f", "hours": ",.1~f", "cost": ",.0f"}

HEIGHT = 400
LANE = 20  # pixels of a lane that says who asked, or which backbone there was
CLOSE = 30  # more rounds than these have no whiskers of their own, the band says it
LETTER = 6.4  # pixels of a letter in a lane
WORDS = "#7d7d7d"  # readable on light and dark


def stretches(rounds: pd.DataFrame, column: str, along: Along = "labels") -> pd.DataFrame:
    """Neighbouring rounds that have the same in a column, one row each: name, first, last (rounds), begin, end, number.

    Args: rounds: as `history.course` gives them, measured ones. along: what `begin` and `end` are counted in.
    """
    found: list[dict[str, Any]] = []
    x = rounds[along].tolist()
    for i, (number, name) in enumerate(zip(rounds["round"], rounds[column], strict=True)):
        if not found or found[-1]["name"] != name:
            found.append({"name": name, "first": number, "begin": x[i], "number": len(found)})
        # a strategy asks what the next round learns, and a backbone is there until then
        found[-1] |= {"last": number, "end": x[min(i + 1, len(x) - 1)]}
    return pd.DataFrame(found, columns=["name", "first", "last", "begin", "end", "number"])


def accuracy_curve(
    rounds: pd.DataFrame,
    ahead: pd.DataFrame,
    projection: Projection,
    *,
    along: Along,
    title: str,
    scale: float = 1.0,
    target: float,
    budget: float | None,
    measure: str = "accuracy",
) -> Chart:
    """Accuracy on the holdout with its 95 % interval, where it leads (dashed), the target and the budget.

    Args: rounds: as `history.course` gives them, measured ones, with a column named as `along`. ahead: the same
          column, accuracy, low and high beyond the last round; empty where nothing can be said. projection: of the
          target, in labels; scale: what one more label is on the x axis, from the last round on. title: of that axis.
          budget: where it is spent, on the x axis. measure: what accuracy is called.
    """
    end = max([*rounds[along], *ahead[along], budget or 0.0]) or 1.0
    lanes = [column for column in ("strategy", "backbone") if rounds[column].nunique() > 1]
    lowest = max(0.0, min([*rounds["low"], *ahead["low"], target]) - 0.03)
    lowest -= (1 - lowest) * (LANE * len(lanes)) / HEIGHT  # room for the lanes
    x_scale, y_scale = alt.Scale(domain=[0, end], nice=False), alt.Scale(domain=[lowest, 1.0], nice=False)
    x = alt.X(
        f"{along}:Q",
        title=title,
        scale=x_scale,
        axis=alt.Axis(tickMinStep=1 if along == "labels" else 0, tickCount=8, labelFlush=True, format=FORMATS[along]),
    )
    values = [v / 10 for v in range(11) if v / 10 >= lowest]
    axis = alt.Axis(format="%", values=values if len(values) > 3 else alt.Undefined)
    y = alt.Y("accuracy:Q", title=_("{measure} on the holdout", measure=_(measure)), axis=axis, scale=y_scale)
    low, high = alt.Y("low:Q", title="", scale=y_scale), alt.Y2("high:Q")
    interval = [
        alt.Tooltip("low:Q", format=".1%", title=_("95 % interval from")),
        alt.Tooltip("high:Q", format=".1%", title=_("to")),
    ]
    base, next_ones = alt.Chart(), alt.Chart(ahead)  # what has no data of its own is drawn of the rounds
    layers = [base.mark_area(opacity=0.18, color=BLUE, tooltip=None).encode(x, low, high)]
    if len(rounds) <= CLOSE:
        layers.append(base.mark_rule(opacity=0.5, color=BLUE, tooltip=None).encode(x, low, high))
    layers += [
        next_ones.mark_area(opacity=0.1, color=BLUE, tooltip=None).encode(x, low, high),
        next_ones.mark_line(strokeDash=[6, 4], color=BLUE, tooltip=None).encode(x, y),
        *_goal(target, x_scale, y_scale),
        *_reach(rounds[along].iloc[-1], rounds["labels"].iloc[-1], projection, scale, target, end, x_scale, y_scale),
        base.mark_line(color=BLUE, tooltip=None).encode(x, y),
        base.mark_point(color=BLUE, filled=True, size=max(14, min(70, 1400 / len(rounds))), opacity=1).encode(x, y),
        base.mark_point(size=220, filled=True).encode(  # what the pointer finds: larger than what is seen
            x, y, opacity=alt.value(0), tooltip=[*_tooltips(rounds, measure), *interval]
        ),
        next_ones.mark_point(size=220, filled=True).encode(
            x,
            y,
            opacity=alt.value(0),
            tooltip=[
                alt.Tooltip(f"{along}:Q", title=title, format=FORMATS[along]),
                alt.Tooltip("accuracy:Q", format=".1%", title=_("expected")),
                *interval,
            ],
        ),
    ]
    if budget is not None:
        layers += _budget(budget, end, x_scale)
    for place, column in enumerate(lanes):
        layers += _lane(rounds, column, along, end, LANE * (len(lanes) - place), x_scale)
    return alt.layer(*layers, data=rounds).properties(height=HEIGHT)


def _tooltips(rounds: pd.DataFrame, measure: str) -> list[alt.Tooltip]:
    shown = [
        alt.Tooltip("round:Q", title=_("round")),
        alt.Tooltip("labels:Q", title=_("labels"), format=","),
        alt.Tooltip("accuracy:Q", format=".1%", title=_(measure)),
        alt.Tooltip("holdout:Q", title=_("measured on"), format=","),
        alt.Tooltip("strategy:N", title=_("next asked by")),
        alt.Tooltip("backbone:N", title=_("backbone")),
    ]
    if rounds["hours"].any():
        shown.insert(2, alt.Tooltip("hours:Q", title=_("hours"), format=",.1f"))
    return shown


def _goal(target: float, x_scale: alt.Scale, y_scale: alt.Scale) -> list[alt.Chart]:
    goal = alt.Chart(pd.DataFrame({"accuracy": [target], "name": [_("target {target:.0%}", target=target)]}))
    y = alt.Y("accuracy:Q", scale=y_scale)
    return [
        goal.mark_rule(strokeDash=[6, 4], color=ORANGE, tooltip=None).encode(y),
        goal.mark_text(align="left", dx=4, dy=-8, color=ORANGE, fontSize=12).encode(y, x=alt.value(0), text="name:N"),
    ]


def _reach(
    last: float,
    labels: float,
    projection: Projection,
    scale: float,
    target: float,
    end: float,
    x_scale: alt.Scale,
    y_scale: alt.Scale,
) -> list[alt.Chart]:
    """On the target's line: where it is expected to be reached, and from where to where the interval goes."""
    expected = projection.expected
    if projection.low is None or (expected is not None and expected <= labels):
        return []

    def at(n: float | None) -> float:
        return end if n is None else min(end, last + max(0.0, n - labels) * scale)

    row = {"from": at(projection.low), "to": at(projection.high), "at": at(expected), "accuracy": target}
    found = alt.Chart(pd.DataFrame([row]))
    y = alt.Y("accuracy:Q", scale=y_scale)
    layers = [
        found.mark_rule(strokeWidth=4, opacity=0.5, color=ORANGE, tooltip=None).encode(
            alt.X("from:Q", scale=x_scale), y, x2="to:Q"
        )
    ]
    if expected is not None and row["at"] < end:
        point = found.mark_point(filled=True, size=110, opacity=1, color=ORANGE)
        layers.append(point.encode(alt.X("at:Q", scale=x_scale), y))
    return layers


def _budget(budget: float, end: float, x_scale: alt.Scale) -> list[alt.Chart]:
    late = budget > 0.6 * end
    found = alt.Chart(pd.DataFrame({"at": [budget], "name": [_("budget")]}))
    x = alt.X("at:Q", scale=x_scale)
    words = found.mark_text(align="right" if late else "left", dx=-5 if late else 5, color=WORDS, fontSize=12)
    return [
        found.mark_rule(strokeDash=[2, 3], color=GREY, strokeWidth=1.5, tooltip=None).encode(x),
        words.encode(x, y=alt.value(10), text="name:N"),
    ]


def _lane(
    rounds: pd.DataFrame, column: str, along: Along, end: float, bottom: int, x_scale: alt.Scale
) -> list[alt.Chart]:
    """A bar for each stretch of rounds, with its name where that fits, else under the pointer."""
    found = stretches(rounds, column, along)
    found = found[found["end"] > found["begin"]]
    titles: Mapping[str, str] = {"strategy": _("next asked by"), "backbone": _("backbone")}
    base = alt.Chart(found)
    x = alt.X("begin:Q", scale=x_scale)
    tooltip = [
        alt.Tooltip("name:N", title=titles[column]),
        alt.Tooltip("first:Q", title=_("from round")),
        alt.Tooltip("last:Q", title=_("to round")),
    ]
    bars = base.mark_rect(color=GREY).encode(
        x,
        alt.X2("end:Q"),
        y=_from_below(bottom - LANE + 5),
        y2=_from_below(bottom - LANE + 1),
        opacity=alt.condition("datum.number % 2", alt.value(0.9), alt.value(0.45)),
        tooltip=tooltip,
    )
    fits = f"(datum.end - datum.begin) / {end} * width > {LETTER} * length(datum.name) + 6"
    words = base.transform_filter(fits).mark_text(align="left", baseline="bottom", color=WORDS, fontSize=11)
    return [bars, words.encode(x, y=_from_below(bottom - LANE + 6), text="name:N")]


def _from_below(pixels: int) -> Any:
    """So many pixels above the x axis, however high the chart is in the end."""
    return alt.value(alt.ExprRef(f"height - {pixels}"))
