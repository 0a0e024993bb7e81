"""Accuracy versus labels, round by round, live."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from labeler import charts, reading
from labeler.config import Config
from labeler.project import Project
from labeler.types import Job, Round, Training
from labeler.words import _, mark, translate
from pages.session import fragment, require_project, require_user

user = require_user()
project = require_project()

LATEST = 0  # the choice that follows the rounds; rounds count from 1


def progress(project: Project) -> None:
    with project.store() as store:
        counts, rounds, job = store.counts(user.name), store.rounds(), store.latest_job()
        until = max(store.labels_until_round(), 0)
    measured = [r for r in rounds if r.metrics]
    config = project.config

    columns = st.columns(4)
    columns[0].metric(_("Labels"), f"{counts.labeled:,}", help=_("Pool items with a label, of {n:,}.", n=counts.pool))
    if measured and measured[-1].metrics:
        latest = measured[-1].metrics
        columns[1].metric(
            accuracy(config),
            f"{latest.accuracy:.1%}",
            help=accuracy_in_words(config),
        )
        columns[1].caption(
            _("95 %: {low:.1f} – {high:.1%} (n = {n})", low=100 * latest.low, high=latest.high, n=latest.n)
        )
    else:
        columns[1].metric(accuracy(config), "–")
    columns[2].metric(_("Until the next round"), until, help=_("Labels that are missing until the model is retrained."))
    columns[3].metric(_("Budget left"), f"{max(config.budget - counts.answers_by_people, 0):,}")
    columns[3].caption(_("of {n:,} labels", n=config.budget))
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
        with st.expander(_("Rounds")):
            st.dataframe(pd.DataFrame([_row(r, config) for r in reversed(rounds)]), hide_index=True, width="stretch")
    with st.expander(_("Labels of each class"), expanded=not measured):
        st.altair_chart(charts.class_counts(dict(counts.per_class)), width="stretch")


def accuracy(config: Config) -> str:
    return _("Subset accuracy") if config.several else _("Accuracy")


def accuracy_in_words(config: Config) -> str:
    measured = _("On the holdout, which no strategy ever queries; below it the 95 % interval (Wilson).")
    return " ".join([_("Items whose whole set of classes is right."), measured]) if config.several else measured


def target_state(latest: Round, config: Config) -> None:
    target = config.target_accuracy
    if latest.metrics and latest.metrics.low >= target:
        st.success(_("The target of {target:.0%} is reached, with the whole interval above it.", target=target))
    elif latest.metrics and latest.metrics.accuracy >= target:
        st.info(
            _(
                "The {accuracy} has reached the target of {target:.0%}, the low end of its interval has not.",
                accuracy=_(config.accuracy),
                target=target,
            )
        )


def hint(holdout_labeled: int, labeled: int, seed_size: int) -> str:
    if labeled < seed_size:
        return _("The curve begins after the first {n} labels; there are {labeled}.", n=seed_size, labeled=labeled)
    if not holdout_labeled:
        return _("The holdout has no labels yet, so nothing can be measured. Its items come up on the Label page.")
    return _("The curve begins when the first round has trained on labels of two classes or more.")


def job_state(job: Job | None) -> None:
    if job is None or job.state == "done":
        return
    if job.state == "failed":
        st.error(
            _(
                "The last round failed: {error} Put it right, then choose “Retrain now” on the Project page.",
                error=translate(job.error),
            )
        )
    elif job.state == "queued":
        st.caption(_("A round is waiting for the worker."))
    else:
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        doing = translate(job.message) if job.message else _("starting")
        st.progress(share, text=_("A round is running: {doing} …", doing=doing))


# ---------------------------------------------------------------- how a round was trained


def trained(project: Project, rounds: Sequence[Round]) -> None:
    """A round's curves of training, what they say, and what was chosen."""
    with st.expander(_("How the round was trained")):
        numbered = {r.number: r for r in rounds}
        latest = rounds[-1].number

        def name(number: int) -> str:
            r = numbered[number or latest]
            if number == LATEST:
                return _("the latest, round {round}, {n:,} labels", round=r.number, n=r.labels)
            return _("round {round}, {n:,} labels", round=r.number, n=r.labels)

        options = [LATEST, *reversed(numbered)]
        # another project has other rounds: its choice is another one
        number = st.selectbox(_("Round"), options, format_func=name, key=f"trained-{project.slug}", width=360)
        chosen = numbered[number or latest]
        with project.store() as store:
            training = store.training_of(chosen.number)
        if training:
            show(training, chosen, project)
        elif chosen.model:
            st.caption(_("An older version trained this round, and kept no record of it."))
        else:
            st.caption(_("In this round there was nothing to train on yet: it takes labels of two classes."))


def show(training: Training, chosen: Round, project: Project) -> None:
    config = project.config
    st.markdown(translate(training.note))
    if training.epochs:
        for found in reading.read(training, config.outcomes, config.modality, chosen.labels):
            callout(found)
        frame = charts.training_frame(training)
        left, right = st.columns(2)
        left.altair_chart(charts.training_curve(frame, "loss"), width="stretch", key="loss")
        right.altair_chart(charts.training_curve(frame, "accuracy"), width="stretch", key="accuracy")
        st.caption(loss_in_words(training, config.outcomes))
    if training.chosen:
        st.markdown(_("{say} What was chosen, of `[learner.finetune]` in project.toml:", say=share_in_words(training)))
        levers = levers_frame(training)
        st.dataframe(levers, hide_index=True, width="stretch", height=280 if len(levers) > 7 else "content")


CALLOUTS = {
    "diverging": (st.error, ":material/trending_up:", mark("Diverging")),
    "unstable": (st.warning, ":material/ssid_chart:", mark("Unstable")),
    "over-fitting": (st.warning, ":material/call_split:", mark("Over-fitting")),
    "under-fitting": (st.warning, ":material/hourglass_bottom:", mark("Under-fitting")),
    "wide gap": (st.warning, ":material/unfold_more:", mark("Wide gap")),
    "good fit": (st.success, ":material/check:", mark("Good fit")),
    "weak evidence": (st.info, ":material/help:", mark("Weak evidence")),
}


def callout(found: reading.Reading) -> None:
    draw, icon, title = CALLOUTS[found.kind]
    text = f"**{_(title)}.** {found.words}"
    if found.levers:
        text += f"\n\n{_('Levers of `[learner.finetune]` in project.toml, the first to pull first:')}\n\n"
        text += "\n".join(f"1. {lever}" for lever in found.levers)
    draw(text, icon=icon)


def share_in_words(training: Training) -> str:
    if training.share <= 0:
        return _("The frozen heads alone predict.")
    if training.share >= 1:
        return _("The fine-tuned network alone predicts.")
    return _(
        "The fine-tuned network has {share:.0f} % of the say, the frozen heads the rest.", share=100 * training.share
    )


def loss_in_words(training: Training, outcomes: int) -> str:
    smoothing = float(training.chosen.get("label_smoothing", 0.0))
    sentences = [
        _(
            "Compare how the losses move, not how high they are: smoothing, dropout and augmentation make training"
            " harder."
        )
    ]
    if smoothing:
        floor = reading.loss_floor(smoothing, outcomes)
        sentences.append(
            _(
                "With label_smoothing = {smoothing:g} the training loss cannot fall below {floor:.2f}.",
                smoothing=smoothing,
                floor=floor,
            )
        )
    return " ".join([*sentences, _("The large dots mark the epoch with the lowest validation loss.")])


def levers_frame(training: Training) -> pd.DataFrame:
    """The levers as a project.toml says them."""
    values = [_literal(v) for v in training.chosen.values()]
    return pd.DataFrame({_("lever"): list(training.chosen), _("value"): values})


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or _("none")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(r: Round, config: Config) -> dict[str, object]:
    m = r.metrics
    micro = {_("micro F1"): m and m.micro_f1 and round(m.micro_f1, 4)} if config.several else {}
    return {
        _("round"): r.number,
        _("labels"): r.labels,
        _(config.accuracy): m and round(m.accuracy, 4),
        _("from"): m and round(m.low, 4),
        _("to"): m and round(m.high, 4),
        _("macro F1"): m and round(m.macro_f1, 4),
        **micro,
        _("calibration error"): m and m.calibration_error and round(m.calibration_error, 4),
        _("next asked by"): r.strategy,
        _("training s"): round(r.train_seconds, 2),
        _("query s"): round(r.query_seconds, 2),
        _("finished (UTC)"): r.finished_at[:19].replace("T", " "),
    }


st.title(project.config.name)
fragment(progress, run_every=2)(project)
