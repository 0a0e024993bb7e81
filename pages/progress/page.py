"""The Progress page: the figures of the moment, and a tab for each part."""

from collections.abc import Callable

import streamlit as st

from labeler.access.visibility import counts as counts_for
from labeler.core.blinding import in_steps
from labeler.core.items import Counts
from labeler.core.jobs import CRASHES, Job
from labeler.core.rounds import Metrics
from labeler.core.settings import Config
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _, mark, n_, translate
from labeler.projects.next_step import NO_HOLDOUT, has_no_holdout
from labeler.projects.project import Project
from labeler.report.sentences.counts import MEANING, paid_in_words, sum_in_words
from labeler.report.sentences.stopping import GO_ON, stopped_in_words
from pages.progress.agreement import agreement
from pages.progress.control import control
from pages.progress.curve import curve
from pages.progress.holdout import holdout
from pages.progress.report import report
from pages.progress.rounds import rounds
from pages.progress.slices import slices
from pages.progress.stopping import stopping
from pages.shared.access import is_allowed, require_project, require_right, require_user
from pages.shared.figures import figures_in_a_row
from pages.shared.language import fragment
from pages.shared.next_step import link_at_the_end, link_to, next_step
from pages.shared.times import local_time
from pages.shared.worker import worker_trouble

PARTS: dict[str, Callable[[Project], None]] = {
    mark("Curve"): curve,
    mark("Holdout"): holdout,
    mark("Against random"): control,
    mark("When to stop"): stopping,
    mark("Agreement"): agreement,
    mark("Slices"): slices,
    mark("Rounds"): rounds,
    mark("Report"): report,
}

user = require_user()
project = require_project()
require_right(project, "see_progress")


def _basis(measured: Metrics) -> str:
    """The interval of the accuracy, and the items and groups that it is of."""
    values = {"low": 100 * measured.low, "high": measured.high}
    if measured.groups is None:
        return _("95%: {low:.1f} – {high:.1%} (n = {n})", n=measured.n, **values)
    return n_(
        "95%: {low:.1f} – {high:.1%} (n = {items} of {n:,} group)",
        "95%: {low:.1f} – {high:.1%} (n = {items} of {n:,} groups)",
        measured.groups,
        items=measured.n,
        **values,
    )


def headline(project: Project, drawn: tuple[int, ...]) -> None:
    """The figures of this moment. The parts below are drawn anew when there is something new to see in them."""
    config, sides = project.config, is_allowed(project, "see_holdout")
    with project.store() as store:
        counts, latest, job = counts_for(store, user, project), store.rounds.latest(), store.rounds.latest_job()
        until, stopped, batch = store.rounds.labels_until_next(), store.stops.current(), store.rounds.batch()
        if parts_version(store.version()) != drawn:
            st.rerun()
    columns = figures_in_a_row(4)
    columns[0].metric(
        _("Pool labels"),
        f"{counts.labeled:,}" if sides or latest else "–",
        help=_("Labeled items of the pool, which has {n:,} items.", n=counts.pool)
        if sides
        else _("Labeled items of the pool when the latest round began; the pool has {n:,} items.", n=counts.pool),
    )
    if latest and latest.metrics:
        measured = latest.metrics
        columns[1].metric(accuracy(config), f"{measured.accuracy:.1%}", help=accuracy_in_words(config))
        columns[1].caption(_basis(measured).replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"))
    else:
        columns[1].metric(accuracy(config), "–")
    if until is not None and not sides:
        until = min(in_steps(until), batch)
    columns[2].metric(
        _("Until the next round"),
        "–" if until is None else max(until, 0),
        help=_("Pool labels needed until the model is retrained."),
    )
    if until is not None:
        columns[2].caption(n_("pool label", "pool labels", max(until, 0)))
    elif counts.pool:
        columns[2].caption(_("No further label can be had."))
    payable = counts.payable(config.budget)
    columns[3].metric(
        _("Answers left"),
        f"{payable - counts.answers_by_people:,}",
        help=_("What the budget still pays for, and no more than the data need."),
    )
    columns[3].caption(_("of {n:,}", n=payable))
    in_words = sum_in_words if sides else paid_in_words
    st.caption(in_words(counts, config.budget), help=_(MEANING))
    if stopped:
        st.info(f"{stopped_in_words(stopped, local_time(stopped['at']))} {_(GO_ON)}", icon=":material/stop_circle:")
    job_state(job)
    if latest and latest.left_out:
        st.caption(left_out_in_words(latest.left_out, counts))
    if latest and latest.metrics:
        link_at_the_end(project)
    else:
        if counts.pool and sides:
            st.info(hint(counts, config.query.seed_size), icon=":material/show_chart:")
            if has_no_holdout(counts):
                link_to("import")
            elif counts.open.answers:
                link_to("label")
        else:
            next_step(project, sides)


def parts_version(version: tuple[int, ...]) -> tuple[int, ...]:
    """The part of a store's version that redraws the tabs: decisions, rounds, items, audits; answers come too often."""
    return version[1:]


def accuracy(config: Config) -> str:
    return _("Subset accuracy") if config.several else _("Accuracy")


def accuracy_in_words(config: Config) -> str:
    measured = _("Measured on the holdout, whose items are never queried; the 95% interval (Wilson) stands below.")
    return (
        " ".join([_("The share of items whose whole set of classes is right."), measured])
        if config.several
        else measured
    )


def hint(counts: Counts, seed_size: int) -> str:
    """What is missing for a curve."""
    if has_no_holdout(counts):
        return _(NO_HOLDOUT)
    if counts.labeled < seed_size:
        return _(
            "The curve begins after the first {n} pool labels; there are {labeled} so far.",
            n=seed_size,
            labeled=counts.labeled,
        )
    if not counts.holdout_labeled:
        return _("The holdout has no labels yet, so nothing can be measured. Its items come up on the Label page.")
    return _("The curve begins when the first round has trained on labels of two classes or more.")


def left_out_in_words(left_out: int, counts: Counts) -> str:
    """That the latest ranking is of a part of the items, and what comes."""
    return _(
        "The latest ranking is of the {n:,} items that were embedded by then. The other {left_out:,} follow while"
        " labeling goes on, and a round is run each time the number of embedded items has doubled.",
        n=max(0, counts.pool + counts.holdout - left_out),
        left_out=left_out,
    )


def job_state(job: Job | None) -> None:
    if job is None or job.state == "done":
        return
    if job.state == "failed":
        st.error(
            _(
                "The last round failed: {error} Correct this, then choose “Retrain now” on the Project page.",
                error=translate(job.error),
            )
        )
        return
    if trouble := worker_trouble():
        st.warning(trouble, icon=":material/heart_broken:")
    elif job.state == "queued":
        st.caption(_("A round is waiting for the worker."))
    else:
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        doing = translate(job.message) if job.message else _("starting")
        st.progress(share, text=_("A round is running: {doing} …", doing=doing))
        if again := taken_up_again(job):
            st.caption(again)


def taken_up_again(job: Job) -> str:
    """Why this is not the first attempt of a round; "" where it is."""
    if job.crashes:
        return n_(
            "The worker crashed by itself in this round {n} time. After {most} times it waits for new labels or for"
            " “Retrain now”.",
            "The worker crashed by itself in this round {n} times. After {most} times it waits for new labels or for"
            " “Retrain now”.",
            job.crashes,
            most=CRASHES,
        )
    if job.halvings:
        return _("Attempt {attempt}, with smaller batches: memory was short.", attempt=job.attempts)
    if job.attempts > 1:
        return _("Attempt {attempt}: the worker was restarted in the middle of the round.", attempt=job.attempts)
    return ""


st.title(escaped(project.config.name))
with project.store() as store:
    version = parts_version(store.version())
fragment(headline, run_every=2)(project, version)
# Their labels and predictions would tell annotators the answers, and their counts which items are in the holdout.
parts = {
    name: draw for name, draw in PARTS.items() if draw not in (holdout, slices) or is_allowed(project, "see_holdout")
}
tabs = st.tabs([_(name) for name in parts], key="part", on_change="rerun", bind="query-params")
for tab, draw in zip(tabs, parts.values(), strict=True):
    if tab.open:
        with tab:
            draw(project)
