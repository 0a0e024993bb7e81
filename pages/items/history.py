"""What happened to an item, in sentences, the latest first."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from labeler.files.sources import origin
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _, load, mark, translate
from labeler.projects.project import Project
from labeler.store.catalogue import Event
from pages.review.cases import in_words
from pages.shared.tables import capital
from pages.shared.times import local_time

RANKED = 3  # rounds whose ranking had the item that are listed; the others are counted
HOW = {
    "hand": mark("chosen by hand"),
    "next": mark("asked next"),
}


def history(project: Project, events: Sequence[Event], held_by: Sequence[str]) -> None:
    """The events of an item as a table: when, who, what."""
    ranked = [event for event in events if event.kind == "ranked"]
    left_out = {id(event) for event in ranked[:-RANKED]}
    rows = [
        {_("when"): local_time(event.at), _("who"): escaped(event.who), _("what"): sentence(project, event)}
        for event in reversed(events)
        if id(event) not in left_out
    ]
    if held_by:
        st.caption(_("On the desk now: {names}", names=", ".join(held_by)))
    st.table(pd.DataFrame(rows).rename(columns=capital), hide_index=True)
    if left_out:
        st.caption(_("The rankings of {n} earlier rounds had this item, too.", n=len(left_out)))


def sentence(project: Project, event: Event) -> str:
    """What happened, as Markdown."""
    label = in_words(event.label, project)
    match event.kind:
        case "imported":
            return _("imported from {source}", source=translate(origin(event.text)))
        case "ranked":
            return _("place {rank} of round {n} by {strategy}", rank=event.rank, n=event.round, strategy=event.how)
        case "asked":
            return _("selected to be asked next: {what}", what=translate(load(event.text)))
        case "withdrawn":
            return _("no longer asked next")
        case "label":
            return _with_details(project, event, _("label {label}", label=label))
        case "skip":
            return _with_details(project, event, _("skipped"))
        case "flag":
            return _with_details(project, event, _("flagged"))
        case "undo":
            return _("answer taken back")
        case "decision":
            return _with_details(project, event, _("decision: {label}", label=label))
        case "exclude":
            return _with_details(project, event, _("taken out"))
        case "return":
            return _with_details(project, event, _("given back, to be asked again"))
    return _("decision taken back")


def _with_details(project: Project, event: Event, words: str) -> str:
    """What happened, with who chose the item, doubt, a note, and what the label says in today's classes."""
    parts = [words]
    if event.label is not None and event.today != event.label:
        today = in_words(event.today, project) if event.today is not None else _("no class")
        parts.append(_("today: {label}", label=today))
    parts += [_(HOW[event.how])] if event.how in HOW else []
    parts += [_("unsure")] if event.unsure else []
    parts += [f"“{translate(load(event.text))}”"] if event.text else []
    return " · ".join(parts)
