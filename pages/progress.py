"""Accuracy versus labels, round by round, live."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from labeler import charts, reading
from labeler.config import Config
from labeler.project import Project
from labeler.types import Job, Round, Training
from pages.session import require_project, require_user

user = require_user()
project = require_project()

LATEST = 0  # the choice that follows the rounds; rounds count from 1


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
            config.accuracy.capitalize(),
            f"{latest.accuracy:.1%}",
            help=("Items whose whole set of classes is right. " if config.several else "")
            + "On the holdout, which no strategy ever queries; below it the 95 % interval (Wilson).",
        )
        columns[1].caption(f"95 %: {100 * latest.low:.1f} – {latest.high:.1%} (n = {latest.n})")
    else:
        columns[1].metric(config.accuracy.capitalize(), "–")
    columns[2].metric("Until the next round", until, help="Labels that are missing until the model is retrained.")
    columns[3].metric("Budget left", f"{max(config.budget - counts.answers_by_people, 0):,}")
    columns[3].caption(f"of {config.budget:,} labels")
    with st.container():  # always there, so that what comes and goes does not close what is open below it
        job_state(job)
        if measured:
            target_state(measured[-1], config)

    if measured:
        frame = charts.curve_frame(rounds)
        st.altair_chart(charts.learning_curve(frame, config.target_accuracy, config.accuracy), width="stretch")
    else:
        st.info(hint(counts.holdout_labeled, counts.labeled, config.query.seed_size), icon=":material/show_chart:")
    if rounds:
        trained(project, rounds)
    if measured:
        with st.expander("Rounds"):
            st.dataframe(pd.DataFrame([_row(r, config) for r in reversed(rounds)]), hide_index=True, width="stretch")
    with st.expander("Labels of each class", expanded=not measured):
        st.altair_chart(charts.class_counts(dict(counts.per_class)), width="stretch")


def target_state(latest: Round, config: Config) -> None:
    target = config.target_accuracy
    if latest.metrics and latest.metrics.low >= target:
        st.success(f"The target of {target:.0%} is reached, with the whole interval above it.")
    elif latest.metrics and latest.metrics.accuracy >= target:
        st.info(f"The {config.accuracy} has reached the target of {target:.0%}, the low end of its interval has not.")


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


# ---------------------------------------------------------------- how a round was trained


def trained(project: Project, rounds: Sequence[Round]) -> None:
    """A round's curves of training, what they say, and what was chosen."""
    with st.expander("How the round was trained"):
        numbered = {r.number: r for r in rounds}
        latest = rounds[-1].number

        def name(number: int) -> str:
            r = numbered[number or latest]
            return f"{'the latest, ' if number == LATEST else ''}round {r.number}, {r.labels:,} labels"

        options = [LATEST, *reversed(numbered)]
        # another project has other rounds: its choice is another one
        number = st.selectbox("Round", options, format_func=name, key=f"trained-{project.slug}", width=360)
        chosen = numbered[number or latest]
        with project.store() as store:
            training = store.training_of(chosen.number)
        if training:
            show(training, chosen, project)
        elif chosen.model:
            st.caption("An older version trained this round, and kept no record of it.")
        else:
            st.caption("In this round there was nothing to train on yet: it takes labels of two classes.")


def show(training: Training, chosen: Round, project: Project) -> None:
    config = project.config
    st.markdown(training.note)
    if training.epochs:
        for found in reading.read(training, config.outcomes, config.modality, chosen.labels):
            callout(found)
        frame = charts.training_frame(training)
        left, right = st.columns(2)
        left.altair_chart(charts.training_curve(frame, "loss"), width="stretch", key="loss")
        right.altair_chart(charts.training_curve(frame, "accuracy"), width="stretch", key="accuracy")
        st.caption(loss_in_words(training, config.outcomes))
    if training.chosen:
        st.markdown(f"{share_in_words(training)} What was chosen, of `[learner.finetune]` in project.toml:")
        levers = levers_frame(training)
        st.dataframe(levers, hide_index=True, width="stretch", height=280 if len(levers) > 7 else "content")


CALLOUTS = {
    "diverging": (st.error, ":material/trending_up:"),
    "unstable": (st.warning, ":material/ssid_chart:"),
    "over-fitting": (st.warning, ":material/call_split:"),
    "under-fitting": (st.warning, ":material/hourglass_bottom:"),
    "wide gap": (st.warning, ":material/unfold_more:"),
    "good fit": (st.success, ":material/check:"),
    "weak evidence": (st.info, ":material/help:"),
}


def callout(found: reading.Reading) -> None:
    draw, icon = CALLOUTS[found.kind]
    text = f"**{found.kind.capitalize()}.** {found.words}"
    if found.levers:
        text += "\n\nLevers of `[learner.finetune]` in project.toml, the first to pull first:\n\n"
        text += "\n".join(f"1. {lever}" for lever in found.levers)
    draw(text, icon=icon)


def share_in_words(training: Training) -> str:
    if training.share <= 0:
        return "The frozen heads alone predict."
    if training.share >= 1:
        return "The fine-tuned network alone predicts."
    return f"The fine-tuned network has {100 * training.share:.0f} % of the say, the frozen heads the rest."


def loss_in_words(training: Training, outcomes: int) -> str:
    smoothing = float(training.chosen.get("label_smoothing", 0.0))
    text = (
        "Compare how the losses move, not how high they are: smoothing, dropout and augmentation make training harder."
    )
    if smoothing:
        floor = reading.loss_floor(smoothing, outcomes)
        text += f" With label_smoothing = {smoothing:g} the training loss cannot fall below {floor:.2f}."
    return f"{text} The large dots mark the epoch with the lowest validation loss."


def levers_frame(training: Training) -> pd.DataFrame:
    """The levers as a project.toml says them."""
    return pd.DataFrame({"lever": list(training.chosen), "value": [_literal(v) for v in training.chosen.values()]})


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(r: Round, config: Config) -> dict[str, object]:
    m = r.metrics
    micro = {"micro F1": m and m.micro_f1 and round(m.micro_f1, 4)} if config.several else {}
    return {
        "round": r.number,
        "labels": r.labels,
        config.accuracy: m and round(m.accuracy, 4),
        "from": m and round(m.low, 4),
        "to": m and round(m.high, 4),
        "macro F1": m and round(m.macro_f1, 4),
        **micro,
        "calibration error": m and m.calibration_error and round(m.calibration_error, 4),
        "next asked by": r.strategy,
        "training s": round(r.train_seconds, 2),
        "query s": round(r.query_seconds, 2),
        "finished (UTC)": r.finished_at[:19].replace("T", " "),
    }


st.title(project.config.name)
progress(project)
