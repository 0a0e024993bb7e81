"""Charts of labels, hours and cost over time, in the current language."""

from datetime import date, timedelta

import altair as alt
import pandas as pd

from labeler.i18n.messages import _
from labeler.measure.intervals import OpenEstimate
from labeler.progress.pace import Finish
from labeler.report.charts import BLUE, GREY, ORANGE, ROOM, legend_columns
from labeler.report.charts.comparison import COLOURS

DAYS = 70  # more than these are shown as weeks
FEW = 13  # days that the axis has room for at least, so that a single day is no broad bar
OPEN = 2.0  # without a latest date, the band ends at this many times the expected time
SECOND_OPACITY = 0.5


def burn_down_chart(left: pd.DataFrame, finish: Finish, today: date) -> alt.LayerChart | alt.FacetChart:
    """The missing labels day by day, and the expected date of the goal with its interval.

    Args: left: as `pace.burn_down` gives it. finish: of the labels that are missing today.
    """
    band = _band(finish, today)
    end = max([*left["day"], *band["day"], pd.Timestamp(today)], default=pd.Timestamp(today))
    begin = min([*left["day"], pd.Timestamp(today)], default=pd.Timestamp(today))
    now = pd.DataFrame({"day": [pd.Timestamp(today)], "left": [finish.remaining]})
    days = pd.concat([left, now]).drop_duplicates("day", keep="last")
    x = alt.X("day:T", title=None, axis=_dates(begin, end), scale=alt.Scale(domain=[_iso(begin), _iso(end)]))
    y = alt.Y("left:Q", title=_("answers still missing"), axis=alt.Axis(tickMinStep=1))
    tooltip = [_day_tooltip(_("day")), alt.Tooltip("left:Q", format=",", title=_("answers still missing"))]
    layers = [
        alt.Chart(days).mark_line(color=BLUE, interpolate="step-after").encode(x, y),
        alt.Chart(days).mark_point(size=120, opacity=0).encode(x, y, tooltip=tooltip),
    ]
    if finish.expected:
        ahead, date_of = alt.Chart(band), _dated(finish.expected)
        layers = [
            ahead.mark_area(opacity=0.25, color=BLUE).encode(x, alt.Y("low:Q"), alt.Y2("high:Q")),
            *layers,
            ahead.transform_filter("isValid(datum.left)").mark_line(color=BLUE, strokeDash=[5, 4]).encode(x, y),
            date_of.mark_point(filled=True, size=70, opacity=1, color=ORANGE).encode(x, y),
            date_of.mark_rule(color=ORANGE, strokeDash=[2, 3]).encode(x),
            date_of.mark_text(align="right", dx=-6, color=ORANGE, fontSize=13).encode(x, y=alt.value(8), text="name:N"),
        ]
    return alt.layer(*layers).properties(height=320, padding=ROOM)


def _band(finish: Finish, today: date) -> pd.DataFrame:
    """Corners of the triangle between the earliest and the latest date: day, left (expected), low, high."""
    columns = ["day", "left", "low", "high"]
    if finish.expected is None or finish.earliest is None:
        return pd.DataFrame({"day": pd.to_datetime([]), **{name: pd.Series(dtype=float) for name in columns[1:]}})
    most = (finish.latest or today + OPEN * (finish.expected - today)) - today
    days = sorted({timedelta(0), finish.earliest - today, finish.expected - today, most})

    def at(ahead: timedelta, end: date | None) -> float:
        return finish.remaining * (1.0 if end is None else max(0.0, 1 - ahead / (end - today)))

    return pd.DataFrame(
        {
            "day": [pd.Timestamp(today + ahead) for ahead in days],
            "left": [at(d, finish.expected) if d <= finish.expected - today else None for d in days],
            "low": [at(ahead, finish.earliest) for ahead in days],
            "high": [at(ahead, finish.latest) for ahead in days],
        }
    )


def _dated(expected: date) -> alt.Chart:
    name = _("expected {date}", date=expected)
    return alt.Chart(pd.DataFrame({"day": [pd.Timestamp(expected)], "left": [0], "name": [name]}))


def labels_by_day(frame: pd.DataFrame) -> alt.Chart:
    """Labels of each day (of each week, where there are many days), stacked by annotator.

    Args: frame: annotator, day, labels. The annotators with most labels have a colour each, the others share grey;
          who has none is left out.
    """
    if frame["labels"].any():
        frame = frame[frame["labels"] > 0]
    begin, end = frame["day"].min(), frame["day"].max()
    weeks = (end - begin).days >= DAYS
    first = frame["day"] - pd.to_timedelta(frame["day"].dt.day_of_week if weeks else 0, unit="D")
    totals = frame.groupby("annotator")["labels"].sum().sort_values(ascending=False, kind="stable")
    colours = _colours(list(totals.index))
    others = _("others ({n})", n=len(totals) - len(colours))
    if len(colours) < len(totals):
        colours[others] = GREY
    name = frame["annotator"].where(frame["annotator"].isin([*colours]), others)
    shown = frame.assign(name=name, first=first).groupby(["name", "first"], as_index=False)["labels"].sum()
    shown = shown.iloc[shown["name"].map([*colours].index).argsort(kind="stable")]
    shown["top"] = shown.groupby("first")["labels"].cumsum()
    shown["bottom"] = shown["top"] - shown["labels"]
    shown["after"] = shown["first"] + pd.Timedelta(hours=7 * 24 - 12 if weeks else 21)  # a gap between bars
    latest = shown["after"].max()
    domain = [
        _iso(min(shown["first"].min(), latest - pd.Timedelta(days=FEW))),
        latest.strftime("%Y-%m-%dT%H:%M:%S"),
    ]  # a day without a bar has no label
    legend = alt.Legend(
        orient="top", title=None, symbolType="square", labelLimit=140, columns=legend_columns(colours, 140)
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=[*colours], range=[*colours.values()]),
        legend=legend if len(colours) > 1 else None,
    )
    title = _("answers a week") if weeks else _("answers a day")
    return (
        alt.Chart(shown)
        .mark_rect()
        .encode(
            alt.X("first:T", title=None, axis=_dates(begin, end), scale=alt.Scale(domain=domain)),
            alt.X2("after:T"),
            alt.Y("bottom:Q", title=title, axis=alt.Axis(tickMinStep=1)),
            alt.Y2("top:Q"),
            colour,
            tooltip=[
                alt.Tooltip("name:N", title=_("Annotator")),
                _day_tooltip(_("week of") if weeks else _("day"), "first"),
                alt.Tooltip("labels:Q", format=",", title=_("answers")),
            ],
        )
        .properties(height=280)
    )


def _colours(names: list[str]) -> dict[str, str]:
    """A colour for each of the first names; grey for all others together."""
    if len(names) == 1:
        return {names[0]: BLUE}
    return dict(zip(names, (*COLOURS, GREY) if len(names) == len(COLOURS) + 1 else COLOURS, strict=False))


def spent_chart(
    so_far: float, more: OpenEstimate | None, title: str, legend: bool = True
) -> alt.LayerChart | alt.FacetChart:
    """The spending so far as a bar, and the expected further spending as a lighter bar with its interval.

    Args: so_far: hours, or money. more: expected for the missing labels; None: unknown.
          legend: whether to explain the colours; one of several charts is enough.
    """
    expected = more.value if more else 0.0
    parts = pd.DataFrame(
        {
            "part": [_("so far"), _("still expected")],
            "from": [0.0, so_far],
            "to": [so_far, so_far + expected],
            "amount": [so_far, expected],
        }
    )
    bars = parts if more else parts.iloc[:1]
    x = alt.X("from:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5, labelFlush=True))
    colour = alt.Opacity(
        "part:N",
        scale=alt.Scale(domain=[*parts["part"]], range=[1, SECOND_OPACITY]),
        legend=alt.Legend(orient="top", title=None, symbolFillColor=BLUE, symbolType="square", symbolStrokeWidth=0)
        if legend
        else None,
    )
    tooltip = [alt.Tooltip("part:N", title=title), alt.Tooltip("amount:Q", format=",.1f", title=title)]
    layers = [alt.Chart(bars).mark_bar(color=BLUE, height=26).encode(x, alt.X2("to:Q"), colour, tooltip=tooltip)]
    if more and more.low is not None and more.high is not None:
        ends = pd.DataFrame({"from": [so_far + more.low], "to": [so_far + more.high]})
        layers.append(alt.Chart(ends).mark_rule(color=ORANGE, strokeWidth=4).encode(x, alt.X2("to:Q")))
    return alt.layer(*layers).properties(height=130 if legend else 100, padding=ROOM)


def _dates(begin: pd.Timestamp, end: pd.Timestamp) -> alt.Axis:
    """Dates in figures, readable in every language; with the year where there are several months."""
    return alt.Axis(
        format="%Y-%m-%d" if (end - begin).days > 300 else "%m-%d",
        tickCount={"interval": "day", "step": 1} if (end - begin).days < 8 else 6,
        labelOverlap="greedy",
        labelFlush=True,
        grid=False,
    )


def _day_tooltip(title: str, field: str = "day") -> alt.Tooltip:
    return alt.Tooltip(f"{field}:T", format="%Y-%m-%d", title=title)


def _iso(day: pd.Timestamp) -> str:
    return day.strftime("%Y-%m-%dT00:00:00")  # without a zone, so that it is shown as it is
