"""How a round was trained: its curves, what they say, and what was chosen."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from labeler.core.rounds import Round, Training
from labeler.i18n.messages import _, mark, translate
from labeler.projects.project import Project
from labeler.report import charts
from labeler.report.sentences import training as reading
from labeler.report.sentences.encoders import encoder_change
from pages.shared.tables import show_table

LATEST = 0  # the choice that follows the rounds; rounds count from 1


def trained(project: Project, rounds: Sequence[Round]) -> None:
    """A round's curves of training, what they say, and what was chosen."""
    with st.expander(_("How the round was trained")):
        numbered = {r.number: r for r in rounds}
        latest = rounds[-1].number

        def name(number: int) -> str:
            r = numbered[number or latest]
            if number == LATEST:
                return _("the latest, round {round}, {n:,} pool labels", round=r.number, n=r.labels)
            return _("round {round}, {n:,} pool labels", round=r.number, n=r.labels)

        options = [LATEST, *reversed(numbered)]
        # another project has other rounds: its choice is another one
        number = st.selectbox(_("Round"), options, format_func=name, key=f"trained-{project.slug}", width=360)
        chosen = numbered[number or latest]
        with project.store() as store:
            training = store.rounds.training_of(chosen.number)
            change = encoder_change(chosen.number, store.rounds.backbones(), store.encoder_comparisons.answers())
        if change:
            st.info(translate(change), icon=":material/swap_horiz:")
        if training:
            show(training, chosen, project)
        elif chosen.model:
            st.caption(_("An older version of labeler trained this round and kept no record of the training."))
        else:
            st.caption(_("This round trained no model: labels of two classes are needed."))


def show(training: Training, chosen: Round, project: Project) -> None:
    config = project.config
    st.markdown(translate(training.note))
    if training.epochs:
        for finding in reading.read(training, config.outcomes, config.modality, chosen.labels):
            callout(finding)
        frame = charts.training_frame(training)
        left, right = st.columns(2)
        left.altair_chart(charts.training_curve(frame, "loss"), width="stretch", key="loss")
        right.altair_chart(charts.training_curve(frame, "accuracy"), width="stretch", key="accuracy")
        st.caption(loss_in_words(training, config.outcomes))
    if training.chosen:
        st.markdown(
            _("{say} The values chosen for `[learner.finetune]` in project.toml:", say=share_in_words(training))
        )
        levers = levers_frame(training)
        show_table(levers, height=280 if len(levers) > 7 else "content")


CALLOUTS = {
    "diverging": (st.error, ":material/trending_up:", mark("Diverging")),
    "unstable": (st.warning, ":material/ssid_chart:", mark("Unstable")),
    "over-fitting": (st.warning, ":material/call_split:", mark("Over-fitting")),
    "under-fitting": (st.warning, ":material/hourglass_bottom:", mark("Under-fitting")),
    "wide gap": (st.warning, ":material/unfold_more:", mark("Wide gap")),
    "good fit": (st.success, ":material/check:", mark("Good fit")),
    "weak evidence": (st.info, ":material/help:", mark("Weak evidence")),
}


def callout(finding: reading.Reading) -> None:
    draw, icon, title = CALLOUTS[finding.kind]
    text = f"**{_(title)}.** {finding.words}"
    if finding.levers:
        text += "\n\n" + _("What to change in `[learner.finetune]` of project.toml, the most promising first:") + "\n\n"
        text += "\n".join(f"1. {lever}" for lever in finding.levers)
    draw(text, icon=icon)


def share_in_words(training: Training) -> str:
    if training.share <= 0:
        return _("The frozen heads alone make the predictions.")
    are_several = training.chosen.get("networks", 1) > 1
    if training.share >= 1 and are_several:
        return _("The fine-tuned networks alone make the predictions.")
    if training.share >= 1:
        return _("The fine-tuned network alone makes the predictions.")
    if are_several:
        return _(
            "In the predictions the fine-tuned networks together have a weight of {share:.0f}%, and the frozen heads"
            " have the rest.",
            share=100 * training.share,
        )
    return _(
        "In the predictions the fine-tuned network has a weight of {share:.0f}%, and the frozen heads have the rest.",
        share=100 * training.share,
    )


def loss_in_words(training: Training, outcomes: int) -> str:
    smoothing = float(training.chosen.get("label_smoothing", 0.0))
    sentences = [
        _(
            "Compare the shapes of the two loss curves, not their heights: label smoothing, dropout and augmentation"
            " raise the training loss."
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
