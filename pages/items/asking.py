"""Having items asked next: the first ones of a selection, what waits, and taking it back."""

import streamlit as st

from labeler.access.users import User
from labeler.core.id_runs import IdRuns
from labeler.i18n.messages import Message, _, n_, translate
from labeler.projects.project import Project
from labeler.store.asked_next import Selection
from pages.items.search import key_of
from pages.shared.access import is_allowed, only_with
from pages.shared.times import local_time

DEFAULT, MOST = 20, 500  # items that are asked next at once
SAID = "items-said"  # the key of what the last click did


def ask_next(project: Project, user: User, ids: IdRuns, what: Message) -> None:
    """A button that has the first of these items asked next.

    Args: what: these items are.
    """
    if not len(ids) or not is_allowed(project, "ask_next"):
        return
    most = min(MOST, len(ids))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        n = 1
        if most > 1:
            key = f"{key_of(project, 'how-many')}-{most}"
            n = int(st.number_input(_("How many"), 1, most, min(DEFAULT, most), key=key, width=140))
        st.button(
            _("Ask next"),
            icon=":material/low_priority:",
            type="primary",
            key="items-ask-next",
            on_click=_ask,
            args=(project, user, ids, n, what),
            help=_(
                "The first of these that have no label come before all others on the Label page. Their labels are"
                " trained on like any other, and do not count where strategies are measured."
            ),
        )


@only_with("ask_next")
def _ask(project: Project, user: User, ids: IdRuns, n: int, what: Message) -> None:
    with project.store() as store:
        asked = store.asked_next.ask(store.asked_next.first_askable(ids, n), n, user.name, what)
    if asked:
        st.session_state[SAID] = n_("{n} item is asked next.", "{n:,} items are asked next.", asked)
    else:
        st.session_state[SAID] = _("None of these can be asked next: each has a label, is flagged, or waits already.")


def announce() -> None:
    """What the last click did."""
    if sentence := st.session_state.pop(SAID, None):
        st.toast(translate(sentence))


def waiting(project: Project) -> None:
    """What is asked next and still waits, with a button that takes it back."""
    with project.store() as store:
        selections = store.asked_next.waiting()
    if not selections:
        return
    total = sum(selection.waiting for selection in selections)
    with st.expander(
        n_("{n} item waits to be asked next", "{n:,} items wait to be asked next", total),
        icon=":material/low_priority:",
    ):
        for number, selection in enumerate(selections):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(_in_words(selection), width="stretch")
                st.button(
                    _("Take back"),
                    key=f"items-take-back-{number}-{selection.at}",
                    icon=":material/undo:",
                    disabled=selection.waiting == selection.on_desks,
                    on_click=_take_back,
                    args=(project, selection),
                )


def _in_words(selection: Selection) -> str:
    sentence = _(
        "**{n:,}** · {what} · {name}, {when}",
        n=selection.waiting,
        what=translate(selection.what),
        name=selection.by,
        when=local_time(selection.at),
    )
    if selection.on_desks:
        sentence += " · " + n_("{n} is on a desk", "{n} are on desks", selection.on_desks)
    return sentence


@only_with("ask_next")
def _take_back(project: Project, selection: Selection) -> None:
    with project.store() as store:
        n = store.asked_next.take_back(selection)
    st.session_state[SAID] = n_("{n} item is taken back.", "{n:,} items are taken back.", n)
