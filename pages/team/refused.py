"""Answers that the server did not take: what was sent, what is wrong, and the two ways to deal with it."""

import streamlit as st

from labeler.access.roles import may
from labeler.access.users import User
from labeler.core.labels import as_list
from labeler.i18n.messages import _, n_, translate
from labeler.projects.project import Project
from labeler.store.refused import Refused
from pages.shared.access import only_with
from pages.shared.background import announce
from pages.shared.times import local_time
from pages.team.settings import NAME

MOST = 50  # shown at once


def refused_answers(project: Project, user: User) -> None:
    """The refused answers, if there are any; who reviews labels stores or discards them."""
    with project.store() as store:
        rows = store.refused.all()
    if not rows:
        return
    st.warning(
        n_(
            "**{n:,} answer was not stored**: the server refused it.",
            "**{n:,} answers were not stored**: the server refused them.",
            len(rows),
        ),
        icon=":material/report:",
    )
    with st.expander(_("Answers that were not stored"), icon=":material/report:"):
        st.caption(
            _(
                "Who gave an answer sees it on the Label page, to send it again or dismiss it. An answer that you store"
                " here is stored in the name of who gave it."
            )
        )
        for row in rows[:MOST]:
            _refused(project, user, row)
        if len(rows) > MOST:
            st.caption(_("The latest {n} of {all:,} are shown.", n=MOST, all=len(rows)))


def _refused(project: Project, user: User, row: Refused) -> None:
    with st.container(border=True):
        item = _("Item {id}", id="–" if row.item_id is None else row.item_id)
        when = local_time(row.at)
        what = answer_in_words(project, row)
        st.markdown(_("{item}: **{what}**, {name}, {when}", item=item, what=what, name=row.annotator, when=when))
        st.markdown(_("Reply to {name}: {reason}", name=row.annotator, reason=translate(row.reason)))
        if note := row.answer.get("note"):
            st.caption(_("Note: {note}", note=str(note)[:300]))
        if may(user, project, "review"):
            with st.container(horizontal=True, gap="small"):
                if row.item_id is not None:
                    st.button(
                        _("Store it"), key=f"refused-store-{row.id}", on_click=_store, args=(project, user, row.id)
                    )
                st.button(
                    _("Discard"),
                    key=f"refused-discard-{row.id}",
                    type="tertiary",
                    on_click=_discard,
                    args=(project, user, row.id),
                )


def answer_in_words(project: Project, row: Refused) -> str:
    """What somebody answered, whatever was sent."""
    action, label = row.answer.get("action"), row.answer.get("label")
    match action:
        case "skip":
            return _("skipped")
        case "flag":
            return _("flagged")
        case "undo":
            return _("answer taken back")
    if not isinstance(label, str):
        return str(label if label is not None else action)[:100]
    names = as_list(label) if project.config.several else [label]
    return label[:100] if names is None else ", ".join(names)[:100] or _("none of the classes")


@only_with("review")
def _store(project: Project, user: User, number: int) -> None:
    with project.store() as store:
        row = store.refused.get(number)
        receipt = store.answers.add_refused(row, user.name) if row else None
    if receipt is None:
        announce(NAME, _("Somebody has dealt with this answer already."))
    elif receipt.ok:
        announce(NAME, _("The answer is stored."))
    else:
        announce(NAME, _("The answer still cannot be stored: {reason}", reason=translate(receipt.reason)))


@only_with("review")
def _discard(project: Project, user: User, number: int) -> None:
    with project.store() as store:
        if row := store.refused.get(number):
            store.refused.discard(row, user.name)
    announce(NAME, _("The answer is discarded."))
