"""Comparisons of strategies on labels that are known: asked for, watched, cancelled, read."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from labeler.access.access import User
from labeler.core.errors import LabelerError
from labeler.core.jobs import Comparison, ComparisonRequest
from labeler.i18n.messages import _, mark, translate
from labeler.jobs import comparisons
from labeler.projects.project import Project
from labeler.report.charts import comparison as comparison_charts
from pages.shared.session import fragment
from strategies import StrategyError

# Draws the button that makes a strategy the project's, given its name and the button's key.
UseButton = Callable[[str, str], None]

SOURCES = {
    "own": mark("The project's own labels so far"),
    "upload": mark("An upload"),
    "path": mark("A path on the server"),
}


def compare(project: Project, user: User, known: Iterable[str], use_button: UseButton) -> None:
    """The form, what runs now, and what came out.

    Args: known: names of strategies to choose from.
    """
    with project.store() as store:
        jobs = store.comparisons.all()
    with st.expander(_("Start a comparison"), expanded=not jobs):
        ask(project, user, known)
    busy = any(job.finished_at is None for job in jobs)
    fragment(running, run_every=1 if busy else None)(project)
    results(project, use_button)


def ask(project: Project, user: User, known: Iterable[str]) -> None:
    st.markdown(
        _(
            "Strategies are tried on items whose labels are known: each begins with the same few labels drawn at"
            " random, asks for more, and is measured on items that it never sees. `random` always runs as well: what"
            " is not better than chance is not worth its time."
        )
    )
    where = st.radio(_("Compare on"), [*SOURCES], format_func=lambda source: _(SOURCES[source]), horizontal=True)
    if where == "own":
        st.caption(
            _(
                "The labeled pool items are asked about, the labeled holdout items measure. Most of these labels were"
                " chosen by a strategy and are no random sample, so a gain here is a hint and no proof."
            )
        )
    config = project.config
    names = [name for name in known if name != comparison_charts.CONTROL]
    with st.form("compare", border=False):
        chosen = st.multiselect(
            _("Strategies"),
            names,
            [n for n in dict.fromkeys([config.query.strategy, "margin"]) if n in names],
            accept_new_options=True,
            placeholder=_("none"),
            help=_("Others go by their names as well: `modAL.uncertainty.entropy_sampling`, `distinct(margin)`."),
        )
        file, path, content, label, split = None, "", "", "label", ""
        if where == "upload":
            file = st.file_uploader(
                _("A table with labels (CSV, TSV, JSONL, Parquet, XLSX), or a zip of images"),
                help=_("In the zip, a table of paths and labels, or a folder for each class."),
            )
        if where == "path":
            path = st.text_input(_("Path"), help=_("A table, or a folder of images with a sub-folder for each class."))
        if where != "own":
            columns = st.columns(3)
            content = columns[0].text_input(
                _("Column of texts") if config.modality == "text" else _("Column of image paths"),
                help=_("Left empty, an obvious one is taken."),
            )
            label = columns[1].text_input(_("Column of labels"), "label")
            split = columns[2].text_input(
                _("Column that says what is held out"),
                help=_("Rows with `test` in it measure. Left empty: a column named `split`, else a fifth at random."),
            )
        numbers = st.columns(4)
        runs = numbers[0].number_input(
            _("Runs of each strategy"),
            1,
            100,
            3,
            help=_("With other first labels. More runs make the intervals narrower."),
        )
        first = numbers[1].number_input(
            _("First labels"), 2, 10_000, config.query.seed_size, help=_("Drawn at random.")
        )
        batch = numbers[2].number_input(_("Labels between rounds"), 1, 10_000, config.query.batch)
        last = numbers[3].number_input(
            _("Labels to reach"), 3, 1_000_000, config.query.seed_size + 10 * config.query.batch
        )
        if not st.form_submit_button(_("Start comparison"), type="primary"):
            return
    try:
        if where == "upload" and file is None:
            raise LabelerError("No file is chosen: choose a table or a zip.")
        if where == "path" and not path.strip():
            raise LabelerError("No path is given: name a table or a folder on the server.")
        if last <= first:
            raise LabelerError(f"{last} labels to reach are no more than the {first} first labels: reach for more.")
        request = ComparisonRequest(
            tuple(name.strip() for name in chosen),
            seeds=int(runs),
            rounds=math.ceil((last - first) / batch),
            batch=int(batch),
            seed_size=int(first),
            source=None if where == "own" else file.name if file else path.strip(),
            content_column=content.strip() or None,
            label_column=label.strip() or "label",
            split_column=split.strip() or None,
        )
        comparisons.ask(project, request, user.name, file.getvalue() if file else None)
    except (LabelerError, StrategyError) as error:
        st.error(translate(error))
    else:
        st.rerun()


# ---------------------------------------------------------------- what runs, and what came out


def running(project: Project) -> None:
    """Comparisons that wait or run; the whole page follows when one of them ends."""
    with project.store() as store:
        active = [c for c in store.comparisons.all() if c.finished_at is None]
    before = st.session_state.get("active", [])
    st.session_state["active"] = [c.id for c in active]
    if before != [c.id for c in active] and set(before) - {c.id for c in active}:
        st.rerun()
    for comparison in active:
        with st.container(border=True):
            st.markdown(f"**{described(comparison)}**")
            if comparison.state == "queued":
                st.caption(_("It is waiting for the worker; rounds come first, and one comparison runs at a time."))
            else:
                share = min(comparison.done / comparison.total, 1.0) if comparison.total else 0.0
                doing = translate(comparison.message) if comparison.message else _("starting")
                if comparison.total:
                    doing = _(
                        "{done:,} of {total:,} rounds, {doing}",
                        done=comparison.done,
                        total=comparison.total,
                        doing=doing,
                    )
                st.progress(share, text=f"{doing} …")
            if st.button(_("Cancel"), key=f"cancel-{comparison.id}", icon=":material/cancel:"):
                ended = comparisons.cancel(project, comparison.id)
                st.session_state["active"] = [c.id for c in active if c.id != comparison.id]
                st.session_state["said"] = (
                    _("Comparison {n} is cancelled.", n=comparison.id)
                    if ended
                    else _("The comparison has ended already.")
                )
                st.rerun()


def described(comparison: Comparison) -> str:
    request = comparison.request
    return _(
        "{n}: {names} on {source} ({time} UTC)",
        n=comparison.id,
        names=", ".join(request.strategies),
        source=_("the project's own labels") if request.source is None else Path(request.source).name,
        time=comparison.requested_at[:16].replace("T", " "),
    )


def with_state(comparison: Comparison) -> str:
    if comparison.state == "done":
        return described(comparison)
    state = _("failed") if comparison.state == "failed" else _("cancelled")
    return f"{described(comparison)}, {state}"


def results(project: Project, use_button: UseButton) -> None:
    with project.store() as store:
        ended = [c for c in store.comparisons.all() if c.finished_at]
        if not ended and store.comparisons.waiting():
            return
        if not ended:
            st.info(_("There is no result yet. Start a comparison above."), icon=":material/query_stats:")
            return
        chosen = st.selectbox(
            _("Result of comparison"),
            ended,
            # the latest that has one; the key's parts make a newly finished one the choice
            index=next((i for i, c in enumerate(ended) if c.state == "done"), 0),
            key=f"result-{ended[0].id}-{len(ended)}",
            format_func=with_state,
        )
        report = store.comparisons.report_of(chosen.id)
    if chosen.state == "failed":
        st.error(_("The comparison failed: {error}", error=translate(chosen.error)))
    elif chosen.state == "cancelled":
        st.info(_("The comparison was cancelled; it has no result."))
    if report:
        found, labels = report["dataset"], report["runs"][0]["labels"]
        st.caption(
            _(
                "{pool:,} items to ask about, {holdout:,} that measure, {classes} classes; {first:,} to {last:,}"
                " labels, {runs} runs of each strategy; asked for by {who}.",
                pool=found["pool"],
                holdout=found["holdout"],
                classes=len(found["classes"]),
                first=labels[0],
                last=labels[-1],
                runs=report["config"]["seeds"],
                who=chosen.requested_by,
            )
        )
        if chosen.request.source is None:
            st.caption(
                _("On the project's own labels, most of them chosen by a strategy: a gain is a hint and no proof.")
            )
        table(chosen.id, report, use_button)
        left, right = st.columns([3, 2])
        left.altair_chart(comparison_charts.curves(report).properties(height=480), width="stretch", key="curves")
        left.caption(
            _(
                "Bands are 95 % intervals of the mean. A click in the legend shows that strategy only; shift adds"
                " others."
            )
        )
        gains = comparison_charts.gains(report).properties(
            height=150 + 34 * len(report["summary"])
        )  # with all around it
        right.altair_chart(gains, width="stretch", key="gains")
        st.download_button(
            _("Download the report (JSON)"),
            json.dumps(report, ensure_ascii=False, indent=1),
            f"comparison-{chosen.id}.json",
            "application/json",
            icon=":material/download:",
        )


WIDTHS = [3, 2, 3, 2, 3]
HEADS = (mark("Strategy"), mark("Accuracy on the way"), mark("Gain over random"), mark("Labels saved"))


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
        for row in report["summary"]:
            columns = st.columns(WIDTHS, vertical_alignment="center")
            columns[0].markdown(f"**{row['strategy']}**")
            columns[1].markdown(f"{100 * row['aulc_mean']:.1f} % ± {100 * row['aulc_std']:.1f}")
            columns[2].markdown(gain_in_words(row))
            columns[3].markdown(saved_in_words(row))
            with columns[4]:
                use_button(row["strategy"], f"use-result-{number}-{row['strategy']}")
    with st.expander(_("How to read this")):
        st.markdown(
            _(
                "**Accuracy on the way** is the mean accuracy from the first label to the last (the area under the"
                " curve), with the spread (one standard deviation) over the runs. **Gain over random** is how many"
                " points of it a strategy has more than `random` with the same first labels; the brackets hold its"
                " 95 % interval, and where that includes 0 the comparison has shown no difference."
            )
        )
        if comparison_charts.measure(report) != "accuracy":
            st.markdown(
                _("Accuracy is that of whole sets of classes: one class too many or too few makes an item wrong.")
            )
        st.markdown(
            _(
                "**Labels saved** is how many fewer labels it takes to the accuracy with which `random` ends. It may"
                " itself get there before its last label, where its curve is flat or shaky at the end. That is the"
                " floor: only what is clearly more than it was saved by a strategy."
            )
        )


def gain_in_words(row: Mapping[str, Any]) -> str:
    if row["strategy"] == comparison_charts.CONTROL:
        return _("the control")
    gain = signed(row["gain_over_random"])
    if row["gain_low"] is None:
        return _("{gain} points (one run has no interval)", gain=gain)
    colour = {comparison_charts.BETTER: "green", comparison_charts.WORSE: "red"}.get(comparison_charts.verdict(row))
    text = _("{gain} points ({low} to {high})", gain=gain, low=signed(row["gain_low"]), high=signed(row["gain_high"]))
    return f":{colour}[{text}]" if colour else text


def signed(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", "−")


def saved_in_words(row: Mapping[str, Any]) -> str:
    if row["labels_saved_percent"] is None:
        return _("none: never got there")
    saved = row["labels_saved_percent"]
    if row["strategy"] == comparison_charts.CONTROL:
        return _("{saved:.0f} % (the floor)", saved=saved)
    return _("{saved:.0f} % saved", saved=saved)
