"""The evidence about an item: reasons for the review, people's answers, a model's prediction, earlier decisions."""

import html
from collections.abc import Sequence

import streamlit as st

from labeler.core.items import Item
from labeler.i18n.messages import _, mark
from labeler.projects.project import Project
from labeler.quality.review import CONSENSUS, DISAGREEMENT, FLAGGED, FURTHER, SECOND_LOOK, UNSURE, Case
from labeler.store.database import Row
from pages.review.cases import in_words
from pages.shared.times import local_time

ICONS: dict[str, str] = {
    FLAGGED: ":material/flag:",
    DISAGREEMENT: ":material/call_split:",
    UNSURE: ":material/help:",
    SECOND_LOOK: ":material/troubleshoot:",
    CONSENSUS: ":material/groups:",
    FURTHER: ":material/more_horiz:",
}
ACTIONS = {"skip": mark("skipped"), "flag": mark("flagged")}


def reasons(case: Case) -> None:
    """Why the item is in the queue, and how much a decision is worth."""
    badges = " ".join(f":blue-badge[{ICONS[reason]} {_(reason)}]" for reason in case.reasons)
    if case.label is None:
        benefit = _("The item has no label yet, so a decision is worth most.")
    else:
        p = min(case.benefit, 0.99)  # nothing is certain, so no figure is rounded to it
        benefit = _("A decision changes the label with a probability of **{p:.0%}**.", p=p)
    st.markdown(f"{badges}  \n{benefit}")


def answers_of_people(project: Project, case: Case, answers: Sequence[Row]) -> None:
    """A row for each annotator; answers that are not the item's label stand out."""
    rows = []
    for answer in answers:
        text = in_words(answer["label"], project) if answer["label"] is not None else _(ACTIONS[answer["action"]])
        other = answer["label"] != case.label
        about = [_("unsure")] if answer["unsure"] else []
        about += [f"“{answer['note']}”"] if answer["note"] else []
        when = local_time(answer["at"])
        took = _("{seconds:.1f} s", seconds=answer["seconds"]) if answer["seconds"] is not None else ""
        rows.append((answer["annotator"], text, " · ".join(about), f"{took}\n{when}".strip(), other))
    st.html(
        "<style>.people { width: 100%; border-collapse: collapse; line-height: 1.4 }"
        " .people td { padding: .4rem .8rem .4rem 0; vertical-align: top; white-space: pre-line;"
        " border-bottom: 1px solid color-mix(in srgb, currentColor 12%, transparent) }"
        " .people td:last-child { padding-right: 0; text-align: end; white-space: pre; opacity: .7; font-size: .85rem }"
        " .people .other { color: #d9822b } .people small { opacity: .8; font-size: inherit }</style>"
        "<table class='people'>"
        + "".join(
            f"<tr><td>{html.escape(name)}</td><td><b class='{'other' if other else ''}'>{html.escape(text)}</b><br>"
            f"<small>{html.escape(about)}</small></td><td>{when}</td></tr>"
            for name, text, about, when, other in rows
        )
        + "</table>"
    )


def prediction(project: Project, case: Case, item: Item) -> None:
    """The prediction of a model that was not trained on the label; none for holdout items, which people alone judge.

    Leads may annotate as well, so nothing says that an item is of the holdout: items of the pool without a prediction
    look the same.
    """
    opinion = case.opinion
    if item.split == "holdout" or opinion is None:
        st.caption(_("No model's prediction is shown for this item: people alone judge it."))
    else:
        st.markdown(
            _(
                "A model that was not trained on this label predicts **{label}** ({confidence:.0%}).",
                label=in_words(opinion.predicted, project),
                confidence=opinion.confidence,
            )
        )


def earlier_decisions(project: Project, decisions: Sequence[Row]) -> None:
    """The decisions that leads made about the item before."""
    for row in decisions:
        st.caption(
            _(
                "{name} decided before: {decision}, {at}",
                name=row["by"],
                decision=decision(project, row),
                at=local_time(row["at"]),
            )
        )


def decision(project: Project, row: Row) -> str:
    """A decision in a word or two."""
    if row["action"] == "label":
        return in_words(row["label"], project)
    return _("taken out") if row["action"] == "exclude" else _("given back")
