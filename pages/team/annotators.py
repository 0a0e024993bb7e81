"""Who did what: a row for each annotator, as far as the reader may see it, and as CSV."""

from datetime import date, timedelta
from functools import partial

import pandas as pd
import streamlit as st

from labeler.access.roles import may
from labeler.access.users import User
from labeler.access.visibility import visible
from labeler.core.settings import Config
from labeler.files.csv_files import csv_bytes
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _, mark
from labeler.i18n.money import symbol
from labeler.projects.project import Project
from labeler.report.charts import effort as effort_charts
from pages.team.figures import Figures, tables
from pages.team.settings import SHOWN

PERIODS = {7: mark("7 days"), 28: mark("4 weeks"), 0: mark("All of it"), -1: mark("From … to …")}


def annotators(project: Project, user: User, work: Figures) -> None:
    """Labels by day as a chart, and the tables per annotator and per day, of a period that is chosen."""
    config, leads = project.config, may(user, project, "see_team")
    begin, end = choose_period(work)
    totals, by_day, whole = tables(work, begin, end)
    rows, rows_by_day = visible(totals, user, project), visible(by_day, user, project)
    if not len(rows):
        message = _("Nobody has answered in this period.") if leads else _("You have not answered in this period.")
        st.info(message, icon=":material/info:")
        return
    chart = _chart_frame(rows_by_day, by_day, leads)
    if chart is not None:
        st.altair_chart(effort_charts.labels_by_day(chart), width="stretch", key="labels-by-day")
    in_all, each_day = st.tabs([_("Per annotator"), _("Per day")])
    with in_all:
        shown = rows
        if leads and len(rows) > 1:
            whole = whole.assign(annotator=_("all"))
            shown = pd.concat([visible(whole, user, project), rows], ignore_index=True)
        show(shown, config, "people")
        download(rows, project, "annotators", begin, end)
    with each_day:
        show(rows_by_day.sort_values("day", ascending=False, kind="stable"), config, "people-by-day")
        download(rows_by_day, project, "days", begin, end)
    st.caption(legend(config))


def choose_period(work: Figures) -> tuple[date, date]:
    """The first and the last day of the period."""
    days = work.days["day"]
    first, last = days.min().date(), max(days.max().date(), work.today)
    default = 0 if (last - first).days < 28 else 28
    columns = st.columns([3, 1])
    length = columns[0].segmented_control(
        _("Period"),
        [*PERIODS],
        default=default,
        required=True,
        format_func=lambda n: _(PERIODS[n]),
        key=f"period-{work.project.slug}",
    )
    if length == -1:
        chosen = columns[1].date_input(_("Days"), (first, last), first, last, key=f"period-days-{work.project.slug}")
        return (chosen[0], chosen[-1]) if chosen else (first, last)  # one day while the second is being chosen
    return (work.today - timedelta(days=length - 1) if length else first), last


def _chart_frame(rows: pd.DataFrame, by_day: pd.DataFrame, leads: bool) -> pd.DataFrame | None:
    """Labels by annotator and day; of nobody in particular where the project does not show people's items."""
    if "labels" in rows:
        return rows[["annotator", "day", "labels"]]
    if not leads:
        return None
    return by_day.groupby("day", as_index=False)["labels"].sum().assign(annotator=_("all"))


def show(table: pd.DataFrame, config: Config, key: str) -> None:
    """A table with the columns that the reader may see."""
    if "agreement_low" in table:
        names = ["agreement", "agreement_low", "agreement_high", "compared"]
        shares = [
            _("{share:.0f}% ({low:.0f} – {high:.0f}, n = {n})", share=100 * share, low=100 * low, high=100 * high, n=n)
            if n
            else ""
            for share, low, high, n in table[names].itertuples(index=False)
        ]
        nobody = not table["compared"].any()
        table = table.assign(agreement=shares).drop(columns=names if nobody else names[1:])
    if "cost" in table:
        table = table.assign(cost=table["cost"].round(0 if table["cost"].max() >= 1000 else 2))
    if "day" in table and "last" in table:
        table = table.drop(columns="last")
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    count = partial(number, format="localized")
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        placeholder="–",
        height=600 if len(table) > 16 else "content",
        key=key,
        column_config={
            "annotator": text(_("Annotator"), pinned=True),
            "day": st.column_config.DateColumn(_("Day"), format="YYYY-MM-DD"),
            "answers": count(_("All answers"), help=_("Answers that stand: labels, skips and flags.")),
            "labels": count(_("With a label"), help=_("Answers with a label, which the budget pays for.")),
            "skips": count(_("Skips")),
            "flags": count(_("Flags")),
            "unsure": count(_("Unsure"), help=_("Answers with a label that their annotator was not sure of.")),
            "median_seconds": number(_("Median (s)"), help=_("Median seconds for an answer."), format="%.1f"),
            "hours": number(_("Hours"), format="%.2f"),
            "cost": number(plain(_("Cost ({currency})", currency=symbol(config.team.currency))), format="localized"),
            "agreement": text(
                _("Agreement (95%)"),
                help=_(
                    "The share of the labels by others on the same items that are equal, with Wilson's 95% interval for"
                    " the n items that others labeled too."
                ),
            ),
            "last": st.column_config.DateColumn(_("Last day"), format="YYYY-MM-DD"),
        },
    )


def download(table: pd.DataFrame, project: Project, file_name: str, begin: date, end: date) -> None:
    """The table as a file: what the reader sees, in the settings' own words."""
    days = {name: table[name].dt.date for name in ("day", "last") if name in table}
    rounded = table.assign(**days).round(4)
    st.download_button(
        _("Download as CSV"),
        csv_bytes(rounded),
        f"{project.slug}-{file_name}-{begin}-{end}.csv",
        "text/csv",
        icon=":material/download:",
        key=f"download-{file_name}",
        on_click="ignore",
    )


def legend(config: Config) -> str:
    hidden = [_(SHOWN[kind]) for kind in SHOWN if kind not in config.team.show]
    sentences = [_("Agreement with others does not show who is right.")]
    if hidden:
        sentences.append(_("This project does not show about people: {what}.", what=", ".join(hidden)))
    return " ".join(sentences)
