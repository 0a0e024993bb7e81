"""An audit log: its check, its filters, its rows, and the file of them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

import pandas as pd
import streamlit as st

from labeler.files.csv_files import csv_bytes
from labeler.i18n.messages import _, n_
from labeler.report.sentences.audit import MEANS, action_in_words, change_in_words, object_in_words
from labeler.store.audit import AuditLog, AuditRow, canonical
from pages.shared.tables import show_table
from pages.shared.times import local_time

MOST = 500  # rows that are shown; the file has all


def check(log: AuditLog, key: str) -> None:
    """The button that reads the whole log, and what it found."""
    if not st.button(_("Check the log"), icon=":material/verified_user:", key=f"{key}-check"):
        return
    result = log.verify()
    if result.broken is None:
        st.success(
            n_(
                "The only row is as it was written.",
                "All {n:,} rows are as they were written, and none between them is missing.",
                result.rows,
            )
            + " "
            + _("Note the head: `labeler audit verify … --head` shows later that none at the end was cut off.")
        )
        st.code(result.head, language=None, wrap_lines=True)
    else:
        st.error(
            _(
                "Row {row} is not as it was written, or a row before it is missing: somebody changed the file.",
                row=result.broken,
            ),
            icon=":material/gpp_bad:",
        )


def listed(log: AuditLog, key: str, projects: Mapping[str, str] = MappingProxyType({})) -> None:
    """The filters, the rows that they let through, the latest first, and the file of these.

    Args: projects: the names of the home's projects by uid, of which its log speaks.
    """
    who, action, begin, end = _filters(log, key)
    until = (end + timedelta(days=1)).isoformat() if end else "~"
    rows = log.rows(by=who, action=action, since=begin.isoformat() if begin else "", until=until)
    if not rows:
        is_filtered = bool(who or action or begin or end)
        st.info(_("No row fits.") if is_filtered else _("Nothing is recorded yet."), icon=":material/search_off:")
        return
    shown = rows[:MOST]
    words = n_("{n:,} row", "{n:,} rows", len(rows))
    if len(rows) > MOST:
        words += " · " + _("the latest {n:,} are listed, the file has all", n=MOST)
    st.caption(words)
    show_table(
        _frame(shown, projects),
        key=f"{key}-rows",
        height="content" if len(shown) <= 12 else 480,
        alt=_("The rows of the audit log"),
        columns={
            _("what"): st.column_config.TextColumn(width=130),
            _("change"): st.column_config.TextColumn(width=140),
        },
    )
    st.download_button(
        _("Download as CSV"),
        lambda: csv_bytes(_file(rows)),
        f"audit-{date.today().isoformat()}.csv",
        "text/csv",
        icon=":material/download:",
        key=f"{key}-file",
        on_click="ignore",
    )


def _filters(log: AuditLog, key: str) -> tuple[str | None, str | None, date | None, date | None]:
    """Who, action, first and last day; None where all are let through."""
    columns = st.columns([3, 3, 2, 2], gap="small")
    nobody = _("nobody")
    who = columns[0].selectbox(
        _("Who"),
        log.people(),
        index=None,
        placeholder=_("everybody"),
        format_func=lambda name: name or nobody,
        key=f"{key}-who",
    )
    action = columns[1].selectbox(
        _("Action"),
        log.actions(),
        index=None,
        placeholder=_("all"),
        format_func=action_in_words,
        key=f"{key}-action",
    )
    begin = columns[2].date_input(_("First day"), None, key=f"{key}-begin", format="YYYY-MM-DD")
    end = columns[3].date_input(
        _("Until"), None, key=f"{key}-end", format="YYYY-MM-DD", help=_("Days are counted in UTC.")
    )
    return who, action, _day(begin), _day(end)


def _day(chosen: object) -> date | None:
    return chosen if isinstance(chosen, date) and not isinstance(chosen, datetime) else None


def _frame(rows: list[AuditRow], projects: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            _("when"): local_time(row.at),
            _("who"): row.by or "–",
            _("action"): action_in_words(row.action),
            _("what"): object_in_words(row, projects),
            _("change"): change_in_words(row, projects),
            _("by means of"): _(MEANS[row.how]) if row.how in MEANS else row.how,
            _("from where"): row.address,
            _("row"): row.id,
        }
        for row in rows
    )


def _file(rows: list[AuditRow]) -> pd.DataFrame:
    """All columns, the oldest row first; what has parts is JSON."""
    return pd.DataFrame(
        {
            name: canonical(value) if isinstance(value, dict | list) else value
            for name, value in ((field, getattr(row, field)) for field in AuditRow.__dataclass_fields__)
        }
        for row in reversed(rows)
    )
