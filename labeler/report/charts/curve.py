"""The lead's learning curve: accuracy versus labels, hours or cost, its projection, and which strategy queried when."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

from labeler.i18n.messages import _
from labeler.progress.curves import Projection
from labeler.report.charts import BLUE, FAINT, GREY, ORANGE

Along = Literal["labels", "hours", "cost"]
Chart = alt.LayerChart | alt.FacetChart

FORMATS: dict[Along, str] = {"labels": ",.0f", "hours": ",.1~f", "cost": ",.0f"}

HEIGHT = 400
LANE = 20  # pixels of a lane that names the strategy or the backbone of each stretch
CLOSE = 30  # with more rounds, only the band shows the intervals
ROOM_AHEAD = 1.02  # of the x axis beyond the last point, which would be cut at its end
LETTER = 6.4  # pixels of a letter in a lane
WORDS = "#7d7d7d"  # readable on light and dark


@dataclass(frozen=True)
class Axis:
    """The x axis of the curve. scale: its units for one more label after the last round."""

    along: Along
    title: str
    scale: float = 1.0


@dataclass(frozen=True)
class Goal:
    """The target accuracy, the labels at which it is expected, and where on the axis the budget is spent."""

    target: float
    projection: Projection
    budget: float | None = None


@dataclass(frozen=True)
class _Frame:
    """The chart's scales. end: of the x axis. lowest: accuracy at the bottom."""

    x: alt.Scale
    y: alt.Scale
    end: float
    lowest: float


def stretches(rounds: pd.DataFrame, column: str, along: Along = "labels") -> pd.DataFrame:
    """Successive rounds with the same value in a column, a row each: name, first, last (rounds), begin, end, number.

    Args: rounds: as `history.course` gives them, measured ones. along: column of `begin` and `end`.
    """
    rows: list[dict[str, Any]] = []
    x = rounds[along].tolist()
    for i, (number, name) in enumerate(zip(rounds["round"], rounds[column], strict=True)):
        if not rows or rows[-1]["name"] != name:
            rows.append({"name": name, "first": number, "begin": x[i], "number": len(rows)})
        # a strategy queries the labels of the next round, and a backbone is in use until then
        rows[-1] |= {"last": number, "end": x[min(i + 1, len(x) - 1)]}
    return pd.DataFrame(rows, columns=["name", "first", "last", "begin", "end", "number"])


def accuracy_curve(
    rounds: pd.DataFrame, ahead: pd.DataFrame, axis: Axis, goal: Goal, measure: str = "accuracy"
) -> Chart:
    """Accuracy on the holdout with its 95% interval, its projection (dashed), the target and the budget.

    Args: rounds: as `history.course` gives them, measured ones, with a column named as `axis.along`.
          ahead: the same column, accuracy, low and high beyond the last round; empty where there is no projection.
          measure: name of the accuracy measure.
    """
    along = axis.along
    lanes = [column for column in ("strategy", "backbone") if rounds[column].nunique() > 1]
    frame = _frame(rounds, ahead, along, goal, len(lanes))
    x = alt.X(
        f"{along}:Q",
        title=axis.title,
        scale=frame.x,
        axis=alt.Axis(tickMinStep=1 if along == "labels" else 0, tickCount=8, labelFlush=True, format=FORMATS[along]),
    )
    values = [v / 10 for v in range(11) if v / 10 >= frame.lowest]
    y_axis = alt.Axis(format="%", values=values if len(values) > 3 else alt.Undefined)
    y = alt.Y("accuracy:Q", title=_("{measure} on the holdout", measure=_(measure)), axis=y_axis, scale=frame.y)
    low, high = alt.Y("low:Q", title="", scale=frame.y), alt.Y2("high:Q")
    measured, expected = alt.Chart(), alt.Chart(ahead)  # a layer without data of its own draws the rounds
    layers = [measured.mark_area(opacity=0.18, color=BLUE, tooltip=None).encode(x, low, high)]
    if len(rounds) <= CLOSE:
        width = 2 if len(rounds) < 3 else 1  # the first rounds have no band that shows the interval
        rule = measured.mark_rule(strokeWidth=width, opacity=FAINT, color=BLUE, tooltip=None)
        layers.append(rule.encode(x, low, high))
    point = max(14, min(70, 1400 / len(rounds)))
    layers += [
        expected.mark_area(opacity=0.1, color=BLUE, tooltip=None).encode(x, low, high),
        expected.mark_line(strokeDash=[6, 4], color=BLUE, tooltip=None).encode(x, y),
        *_target(goal.target, frame),
        *_reach(rounds.iloc[-1], axis, goal, frame),
        measured.mark_line(color=BLUE, tooltip=None).encode(x, y),
        measured.mark_point(color=BLUE, filled=True, size=point, opacity=1).encode(x, y),
        *(
            # invisible points, larger targets for the pointer
            chart.mark_point(size=220, filled=True).encode(x, y, opacity=alt.value(0), tooltip=tooltips)
            for chart, tooltips in ((measured, _tooltips(rounds, measure)), (expected, _tooltips_ahead(axis)))
        ),
    ]
    if goal.budget is not None:
        layers += _budget(goal.budget, frame)
    layers += _since_newer(rounds, along, frame)
    for place, column in enumerate(lanes):
        layers += _lane(stretches(rounds, column, along), column, LANE * (len(lanes) - place), frame)
    return alt.layer(*layers, data=rounds).properties(height=HEIGHT)


def _frame(rounds: pd.DataFrame, ahead: pd.DataFrame, along: Along, goal: Goal, lanes: int) -> _Frame:
    """The scales, with room for everything, lanes included."""
    end = max([*rounds[along], *ahead[along], goal.budget or 0.0]) or 1.0
    lowest = max(0.0, min([*rounds["low"], *ahead["low"], goal.target]) - 0.03)
    lowest -= (1 - lowest) * (LANE * lanes) / HEIGHT
    return _Frame(
        alt.Scale(domain=[0, ROOM_AHEAD * end], nice=False),
        alt.Scale(domain=[lowest, 1.0], nice=False),
        float(end),
        lowest,
    )


def _tooltips(rounds: pd.DataFrame, measure: str) -> list[alt.Tooltip]:
    tooltips = [
        alt.Tooltip("round:Q", title=_("round")),
        alt.Tooltip("labels:Q", title=_("pool labels"), format=","),
        alt.Tooltip("accuracy:Q", format=".1%", title=_(measure)),
        alt.Tooltip("holdout:Q", title=_("measured on"), format=","),
        alt.Tooltip("strategy:N", title=_("query strategy")),
        alt.Tooltip("backbone:N", title=_("backbone")),
        *_interval(),
    ]
    if rounds["hours"].any():
        tooltips.insert(2, alt.Tooltip("hours:Q", title=_("hours"), format=",.1f"))
    return tooltips


def _tooltips_ahead(axis: Axis) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{axis.along}:Q", title=axis.title, format=FORMATS[axis.along]),
        alt.Tooltip("accuracy:Q", format=".1%", title=_("expected")),
        *_interval(),
    ]


def _interval() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("low:Q", format=".1%", title=_("95% interval from")),
        alt.Tooltip("high:Q", format=".1%", title=_("to")),
    ]


def _target(target: float, frame: _Frame) -> list[alt.Chart]:
    """A dashed line at the target, with its name."""
    base = alt.Chart(pd.DataFrame({"accuracy": [target], "name": [_("target {target:g}%", target=100 * target)]}))
    y = alt.Y("accuracy:Q", scale=frame.y)
    return [
        base.mark_rule(strokeDash=[6, 4], color=ORANGE, tooltip=None).encode(y),
        base.mark_text(align="left", dx=4, dy=-8, color=ORANGE, fontSize=12).encode(y, x=alt.value(0), text="name:N"),
    ]


def _reach(last: pd.Series, axis: Axis, goal: Goal, frame: _Frame) -> list[alt.Chart]:
    """On the target's line: the labels at which it is expected, with their interval.

    Args: last: the last round.
    """
    projection, labels = goal.projection, last["labels"]
    expected = projection.expected
    if projection.low is None or (expected is not None and expected <= labels):
        return []

    def at(n: float | None) -> float:
        return frame.end if n is None else min(frame.end, last[axis.along] + max(0.0, n - labels) * axis.scale)

    row = {"from": at(projection.low), "to": at(projection.high), "at": at(expected), "accuracy": goal.target}
    base = alt.Chart(pd.DataFrame([row]))
    y = alt.Y("accuracy:Q", scale=frame.y)
    layers = [
        base.mark_rule(strokeWidth=4, opacity=FAINT, color=ORANGE, tooltip=None).encode(
            alt.X("from:Q", scale=frame.x), y, x2="to:Q"
        )
    ]
    if expected is not None and row["at"] < frame.end:
        point = base.mark_point(filled=True, size=110, opacity=1, color=ORANGE)
        layers.append(point.encode(alt.X("at:Q", scale=frame.x), y))
    return layers


def _budget(budget: float, frame: _Frame) -> list[alt.Chart]:
    """A line where the budget is spent, with its name on the side that has room."""
    late = budget > 0.6 * frame.end
    base = alt.Chart(pd.DataFrame({"at": [budget], "name": [_("budget")]}))
    x = alt.X("at:Q", scale=frame.x)
    words = base.mark_text(align="right" if late else "left", dx=-5 if late else 5, color=WORDS, fontSize=12)
    return [
        base.mark_rule(strokeDash=[2, 3], color=GREY, strokeWidth=1.5, tooltip=None).encode(x),
        words.encode(x, y=alt.value(10), text="name:N"),
    ]


def _since_newer(rounds: pd.DataFrame, along: Along, frame: _Frame) -> list[alt.Chart]:
    """A line at the first round that was measured on items of later imports as well, where others were not."""
    has_later = rounds["later"].notna()
    if has_later.all() or not has_later.any():
        return []
    at = float(rounds.loc[has_later, along].iloc[0])
    late = at > 0.6 * frame.end
    base = alt.Chart(pd.DataFrame({"at": [at], "name": [_("with later items")]}))
    x = alt.X("at:Q", scale=frame.x)
    words = base.mark_text(align="right" if late else "left", dx=-5 if late else 5, color=WORDS, fontSize=12)
    return [
        base.mark_rule(strokeDash=[1, 3], color=BLUE, strokeWidth=1.5, tooltip=None).encode(x),
        words.encode(x, y=alt.value(26), text="name:N"),
    ]


def _lane(runs: pd.DataFrame, column: str, bottom: int, frame: _Frame) -> list[alt.Chart]:
    """A bar for each stretch of rounds, with its name where that fits, else under the pointer.

    Args: runs: as `stretches` gives them, of a column of the rounds. bottom: pixels above the x axis.
    """
    runs = runs[runs["end"] > runs["begin"]]
    titles: Mapping[str, str] = {"strategy": _("query strategy"), "backbone": _("backbone")}
    base = alt.Chart(runs)
    x = alt.X("begin:Q", scale=frame.x)
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
    fits = f"(datum.end - datum.begin) / {ROOM_AHEAD * frame.end} * width > {LETTER} * length(datum.name) + 6"
    words = base.transform_filter(fits).mark_text(align="left", baseline="bottom", color=WORDS, fontSize=11)
    return [bars, words.encode(x, y=_from_below(bottom - LANE + 6), text="name:N")]


def _from_below(pixels: int) -> Any:
    """A y position `pixels` above the x axis, at any height of the chart."""
    return alt.value(alt.ExprRef(f"height - {pixels}"))
