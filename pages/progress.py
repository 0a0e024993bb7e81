"""Accuracy versus labels, round by round, live."""

import pandas as pd
import streamlit as st

from labeler import charts
from labeler.project import Project
from labeler.types import Job, Round
from pages.session import require_project, require_user

user = require_user()
project = require_project()


@st.fragment(run_every=2)
def progress(project: Project) -> None:
    with project.store() as store:
        counts, rounds, job = store.counts(user.name), store.rounds(), store.latest_job()
        until = max(store.labels_until_round(), 0)
    measured = [r for r in rounds if r.metrics]
    config = project.config

    columns = st.columns(4)
    columns[0].metric("Labels", f"{counts.labeled:,}", help=f"Pool items with a label, of {counts.pool:,}.")
    if measured and measured[-1].metrics:
        latest = measured[-1].metrics
        columns[1].metric(
            "Accuracy",
            f"{latest.accuracy:.1%}",
            help="On the holdout, which no strategy ever queries; below it the 95 % interval (Wilson).",
        )
        columns[1].caption(f"95 %: {100 * latest.low:.1f} – {latest.high:.1%} (n = {latest.n})")
    else:
        columns[1].metric("Accuracy", "–")
    columns[2].metric("Until the next round", until, help="Labels that are missing until the model is retrained.")
    columns[3].metric("Budget left", f"{max(config.budget - counts.answers_by_people, 0):,}")
    columns[3].caption(f"of {config.budget:,} labels")
    job_state(job)

    if measured and measured[-1].metrics and measured[-1].metrics.low >= config.target_accuracy:
        st.success(f"The target of {config.target_accuracy:.0%} is reached, with the whole interval above it.")
    elif measured and measured[-1].metrics and measured[-1].metrics.accuracy >= config.target_accuracy:
        st.info(
            f"The accuracy has reached the target of {config.target_accuracy:.0%}, the low end of its interval has not."
        )

    if measured:
        frame = charts.curve_frame(rounds)
        st.altair_chart(charts.learning_curve(frame, config.target_accuracy), width="stretch")
        with st.expander("Rounds"):
            st.dataframe(pd.DataFrame([_row(r) for r in reversed(rounds)]), hide_index=True, width="stretch")
    else:
        st.info(hint(counts.holdout_labeled, counts.labeled, config.query.seed_size), icon=":material/show_chart:")
    with st.expander("Labels of each class", expanded=not measured):
        st.altair_chart(charts.class_counts(dict(counts.per_class)), width="stretch")


def hint(holdout_labeled: int, labeled: int, seed_size: int) -> str:
    if labeled < seed_size:
        return f"The curve begins after the first {seed_size} labels; there are {labeled}."
    if not holdout_labeled:
        return "The holdout has no labels yet, so nothing can be measured. Its items come up on the Label page."
    return "The curve begins when the first round has trained on labels of two classes or more."


def job_state(job: Job | None) -> None:
    if job is None or job.state == "done":
        return
    if job.state == "failed":
        st.error(f"The last round failed: {job.error} Put it right, then choose “Retrain now” on the Project page.")
    elif job.state == "queued":
        st.caption("A round is waiting for the worker.")
    else:
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        st.progress(share, text=f"A round is running: {job.message or 'starting'} …")


def _row(r: Round) -> dict[str, object]:
    m = r.metrics
    return {
        "round": r.number,
        "labels": r.labels,
        "accuracy": m and round(m.accuracy, 4),
        "from": m and round(m.low, 4),
        "to": m and round(m.high, 4),
        "macro F1": m and round(m.macro_f1, 4),
        "calibration error": m and m.calibration_error and round(m.calibration_error, 4),
        "next asked by": r.strategy,
        "training s": round(r.train_seconds, 2),
        "query s": round(r.query_seconds, 2),
        "finished (UTC)": r.finished_at[:19].replace("T", " "),
    }


st.title(project.config.name)
progress(project)
