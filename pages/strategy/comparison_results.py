"""Results of comparisons: a table, the learning curves and the gains over random sampling."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from labeler.core.jobs import Comparison
from labeler.experiments.summary import summary_of
from labeler.i18n.markdown import escaped, plain
from labeler.i18n.messages import _, mark, translate
from labeler.projects.project import Project
from labeler.report.charts import comparison as comparison_charts
from labeler.report.sentences.comparison import saved_in_short, signed, verdict
from pages.shared.times import local_time

# Draws the button that makes a strategy the project's, given its name and the button's key.
UseButton = Callable[[str, str], None]


def described(comparison: Comparison) -> str:
    request = comparison.request
    return _(
        "{n}: {names} on {source} ({time})",
        n=comparison.id,
        names=", ".join(request.strategies),
        source=_("the project's own labels") if request.source is None else Path(request.source).name,
        time=local_time(comparison.requested_at),
    )


def with_state(comparison: Comparison) -> str:
    if comparison.state == "done":
        return described(comparison)
    state = _("failed") if comparison.state == "failed" else _("cancelled")
    return f"{described(comparison)}, {state}"


def results(project: Project, use_button: UseButton) -> None:
    """The comparisons that have ended, and the result of the one that is chosen.

    Args: use_button: draws a button that makes a strategy the project's, given its name and the button's key.
    """
    with project.store() as store:
        ended = [job for job in store.comparisons.all() if job.finished_at]
        if not ended and store.comparisons.waiting():
            return
        if not ended:
            st.info(_("There is no result yet. Start a comparison above."), icon=":material/query_stats:")
            return
        chosen = st.selectbox(
            _("Result of comparison"),
            ended,
            # the latest that has one; the key's parts make a newly finished one the choice
            index=next((i for i, job in enumerate(ended) if job.state == "done"), 0),
            key=f"result-{ended[0].id}-{len(ended)}",
            format_func=lambda comparison: plain(with_state(comparison)),
        )
        report = store.comparisons.report_of(chosen.id)
    if chosen.state == "failed":
        st.error(_("The comparison failed: {error}", error=translate(chosen.error)))
    elif chosen.state == "cancelled":
        st.info(_("The comparison was cancelled; it has no result."))
    if report:
        result(chosen, report, use_button)


def result(comparison: Comparison, report: Mapping[str, Any], use_button: UseButton) -> None:
    """A report: its size, its table, its charts, and the report as a file."""
    dataset, labels = report["dataset"], report["runs"][0]["labels"]
    st.caption(
        _(
            "{pool:,} pool items, {holdout:,} held-out items, {classes} classes; {first:,} to {last:,}"
            " labels, {runs} runs of each strategy; requested by {who}.",
            pool=dataset["pool"],
            holdout=dataset["holdout"],
            classes=len(dataset["classes"]),
            first=labels[0],
            last=labels[-1],
            runs=report["config"]["seeds"],
            who=comparison.requested_by,
        )
    )
    st.markdown(verdict(report, own_labels=comparison.request.source is None))
    table(comparison.id, report, use_button)
    left, right = st.columns([3, 2])
    left.altair_chart(comparison_charts.curves(report).properties(height=480), width="stretch", key="curves")
    left.caption(
        _("Bands are 95% intervals of the mean. A click in the legend shows that strategy only; shift adds others.")
    )
    height = 150 + 34 * len(report["summary"])  # with the axes and titles around the rows
    right.altair_chart(comparison_charts.gains(report).properties(height=height), width="stretch", key="gains")
    st.download_button(
        _("Download the report (JSON)"),
        json.dumps(report, ensure_ascii=False, indent=1),
        f"comparison-{comparison.id}.json",
        "application/json",
        icon=":material/download:",
    )


WIDTHS = [3, 2, 3, 2, 3]
DIGITS = 1  # of points after the decimal point, as in the sentence above the table
HEADS = (mark("Strategy"), mark("Mean accuracy"), mark("Gain over random"), mark("Labels saved"))


def stacked(heads: Sequence[str]) -> str:
    """The style of a phone, where columns lie below each other: each figure has its head above itself."""
    return (
        ".st-key-rows .stColumn::before { font-size: 0.8rem; opacity: 0.6; display: block; margin: 0.5rem 0 -0.75rem }"
        + "".join(
            f'.st-key-rows .stColumn:nth-child({place})::before {{ content: "{head}" }}'
            for place, head in enumerate(heads[1:], 2)
        )
    )


def table(number: int, report: Mapping[str, Any], use_button: UseButton) -> None:
    heads = [_(head) for head in HEADS]
    st.html(f"<style>@media (max-width: 640px) {{ .st-key-head {{ display: none }} {stacked(heads)} }}</style>")
    with st.container(key="head"):
        for column, head in zip(st.columns(WIDTHS), [*heads, ""], strict=True):
            column.caption(head)
    with st.container(key="rows"):
        for row in summary_of(report):
            columns = st.columns(WIDTHS, vertical_alignment="center")
            columns[0].markdown(f"**{escaped(row['strategy'])}**")
            columns[1].markdown(mean_in_words(row))
            columns[2].markdown(gain_in_words(row))
            columns[3].markdown(saved_in_short(row))
            with columns[4]:
                use_button(row["strategy"], f"use-result-{number}-{row['strategy']}")
    with st.expander(_("How to read this")):
        st.markdown(
            _(
                "**Mean accuracy** is the mean from the first label to the last (the area under the learning"
                " curve), with one standard deviation over the runs. **Gain over random** is the difference in"
                " mean accuracy to `random` with the same first labels, in points. The brackets hold its 95%"
                " interval; where that includes 0, the comparison has shown no difference."
            )
        )
        if comparison_charts.measure(report) != "accuracy":
            st.markdown(_("Accuracy counts whole sets of classes: one class too many or too few makes an item wrong."))
        st.markdown(
            _(
                "**Labels saved** is how many fewer labels a strategy needs than `random` for the highest accuracy"
                " that both reach in a run, as the mean over the runs with its 95% interval. Below 0 it needs"
                " more."
            )
        )


def mean_in_words(row: Mapping[str, Any]) -> str:
    mean = f"{100 * row['aulc_mean']:.1f}%"
    return mean if len(row["areas"]) < 2 else f"{mean} ± {100 * row['aulc_std']:.1f}"


def gain_in_words(row: Mapping[str, Any]) -> str:
    if row["strategy"] == comparison_charts.CONTROL:
        return _("the control")
    gain = signed(row["gain_over_random"], DIGITS)
    if row["gain_low"] is None:
        return _("{gain} points (one run has no interval)", gain=gain)
    low, high = (signed(row[end], DIGITS) for end in ("gain_low", "gain_high"))
    colours: dict[str, str] = {comparison_charts.BETTER: "green", comparison_charts.WORSE: "red"}
    colour = colours.get(comparison_charts.verdict(row))
    text = _("{gain} points ({low} to {high})", gain=gain, low=low, high=high)
    return f":{colour}[{text}]" if colour else text
