"""What people said of an item, and what the models say that have not seen its label."""

import html
from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from labeler.core.items import Item
from labeler.i18n.messages import _, mark
from labeler.projects.project import Project
from labeler.quality.review import CONSENSUS, DISAGREEMENT, FLAGGED, LIKELY, UNSURE, Case
from labeler.store.database import Row
from pages.review.cases import in_words

ICONS = {
    FLAGGED: ":material/flag:",
    DISAGREEMENT: ":material/call_split:",
    UNSURE: ":material/help:",
    LIKELY: ":material/troubleshoot:",
    CONSENSUS: ":material/groups:",
}
ACTIONS = {"skip": mark("skipped"), "flag": mark("flagged")}


def reasons(case: Case) -> None:
    """Why the item is here, and what a decision is good for."""
    badges = " ".join(f":blue-badge[{ICONS[reason]} {_(reason)}]" for reason in case.reasons)
    if case.label is None:
        benefit = _("It has no label yet, so a decision is worth most.")
    else:
        benefit = _("A decision changes the label with a probability of **{p:.0%}**.", p=case.benefit)
    st.markdown(f"{badges}  \n{benefit}")


def people(project: Project, case: Case, answers: Sequence[Row]) -> None:
    """A row for each annotator; answers that are not the item's label stand out."""
    rows = []
    for answer in answers:
        text = in_words(answer["label"], project) if answer["label"] is not None else _(ACTIONS[answer["action"]])
        other = answer["label"] != case.label
        about = [_("unsure")] if answer["unsure"] else []
        about += [f"“{answer['note']}”"] if answer["note"] else []
        when = datetime.fromisoformat(answer["at"]).strftime("%Y-%m-%d %H:%M")
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


def model(project: Project, case: Case, item: Item) -> None:
    """What models say that have not seen the label; of the holdout nothing, which is measured by people alone."""
    if item.split == "holdout":
        st.caption(
            _("This item is of the holdout: what a model says of it is not shown, since models are measured on it.")
        )
    elif case.opinion:
        opinion = case.opinion
        st.markdown(
            _(
                "A model that has not seen this label says **{label}** ({confidence:.0%}).",
                label=in_words(opinion.predicted, project),
                confidence=opinion.confidence,
            )
        )


def earlier(project: Project, decisions: Sequence[Row]) -> None:
    """What leads decided about the item before."""
    for one in decisions:
        st.caption(
            _(
                "{name} decided before: {decision}, {at}",
                name=one["by"],
                decision=decision(project, one),
                at=one["at"][:16].replace("T", " "),
            )
        )


def decision(project: Project, row: Row) -> str:
    """A decision in a word or two."""
    if row["action"] == "label":
        return in_words(row["label"], project)
    return _("taken out") if row["action"] == "exclude" else _("given back")
