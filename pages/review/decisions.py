"""The lead's decision: a button and a key for each class, for taking an item out and for giving it back."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from labeler.access.users import User
from labeler.core.errors import LabelerError
from labeler.core.items import AdjudicationAction
from labeler.core.labels import join, names_of
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _, translate
from labeler.projects.class_keys import class_keys
from labeler.projects.project import Project
from labeler.quality.review import Case
from pages.desk import deciders
from pages.review import cases
from pages.review.evidence import decision
from pages.shared.access import only_with
from pages.shared.times import local_time

MOST_BUTTONS = 30  # classes; among more, one is searched for
NO_SHORTCUT = "cr"  # keys that Streamlit keeps for itself
MESSAGE = "review-said"  # the key of the error that the last decision met


def decision_buttons(project: Project, user: User, case: Case, version: tuple[int, ...]) -> None:
    """The buttons of an item: its classes, the two other decisions, and the way to the other items.

    The buttons' keys and the request's id contain the item, so that no press decides about another item; that it had
    been seen, the viewer knows.
    """
    request_id = f"{user.name}:{case.item_id}:{version[1]}"

    def press(label: str, key: str, action: AdjudicationAction, text: str | None = None, **looks: Any) -> None:
        shortcut = key if key and key not in NO_SHORTCUT else None
        st.button(
            label,
            key=f"review-{case.item_id}-{action}-{text}",
            shortcut=shortcut,
            on_click=decide,
            args=(project, user, case, action, text, request_id),
            **looks,
        )

    with deciders(case.item_id):
        if project.config.several or len(project.config.classes) > MOST_BUTTONS:
            _from_many(project, user, case, request_id)
        else:
            _class_buttons(project, case, press)
        with st.container(horizontal=True, gap="xsmall"):
            no_label = _("The item gets no label and is not asked again.")
            press(_("Take out"), "F", "exclude", icon=":material/block:", help=no_label)
            again = _("The item is asked again, of an annotator who has not answered it.")
            press(_("Give back"), "G", "return", icon=":material/reply:", help=again)
    _move_buttons(project, user, case)


def _class_buttons(project: Project, case: Case, press: Callable[..., None]) -> None:
    """A button for each class; the item's present label has a check mark."""
    keys = class_keys(project.config)
    with st.container(horizontal=True, gap="xsmall"):
        for name in project.config.classes:
            own = name == case.label
            help_ = _("The item's label now.") if own else None
            press(escaped(name), keys[name], "label", name, icon=":material/check:" if own else None, help=help_)


def _move_buttons(project: Project, user: User, case: Case) -> None:
    """The buttons that decide nothing: undo the last decision, previous item, next item."""
    with project.store() as store:
        last = store.decisions.last_of(user.name)
    with st.container(horizontal=True, gap="small"):
        st.button(
            _("Undo"),
            icon=":material/undo:",
            shortcut="U",
            on_click=undo,
            args=(project, user, last),
            key="review-undo",
            type="tertiary",
        )
        st.button(
            _("Previous"),
            icon=":material/arrow_back:",
            shortcut="Left",
            type="tertiary",
            on_click=cases.back,
            disabled=not st.session_state.get(cases.PASSED),
            key="review-back",
        )
        st.button(
            _("Next"),
            icon=":material/arrow_forward:",
            shortcut="Right",
            type="tertiary",
            on_click=cases.forward,
            key=f"review-{case.item_id}-next",
            help=_("No decision now; the item comes again later."),
        )


def _from_many(project: Project, user: User, case: Case, request_id: str) -> None:
    """The classes to choose from, and a button that decides: where an item has several, or where there are many."""
    config, key = project.config, f"review-{case.item_id}-chosen"
    now = [name for name in names_of(case.label, config) if name in config.classes] if case.label is not None else []
    if config.several:
        names = st.pills(
            _("Classes"), config.classes, selection_mode="multi", default=now, key=key, format_func=escaped
        )
        if not names:
            st.caption(_("With no class chosen, the item has none of the classes."))
        text = join(names, config)
    else:
        at = config.classes.index(now[0]) if now else None
        name = st.selectbox(_("Class"), config.classes, at, key=key, placeholder=_("Search classes"))
        text = name or ""
    st.button(
        _("Decide"),
        key=f"{key}-decide",
        type="primary",
        shortcut="Enter",
        disabled=not text,
        on_click=decide,
        args=(project, user, case, "label", text, request_id),
    )


@only_with("review")
def decide(
    project: Project, user: User, case: Case, action: AdjudicationAction, label: str | None, request_id: str
) -> None:
    """Store a decision."""
    try:
        with project.store() as store:
            store.decisions.add(user.name, request_id, case.item_id, action, label, ", ".join(case.reasons))
    except LabelerError as error:
        st.session_state[MESSAGE] = translate(error)
    st.session_state.pop(cases.HERE, None)


@only_with("review")
def undo(project: Project, user: User, number: int | None) -> None:
    """Take back the decision that the page named, and look at its item again; None: there was none."""
    with project.store() as store:
        item_id = None if number is None else store.decisions.undo(user.name, number)
    if item_id is None:
        st.session_state[MESSAGE] = _("You have no decision to take back.")
    else:
        cases.go_to(item_id)


def latest_decisions(project: Project, user: User) -> None:
    """The last decisions; one's own can be taken back."""
    with project.store() as store:
        decisions = store.decisions.latest(10)
    if not decisions:
        st.caption(_("Nothing has been decided yet."))
    for row in decisions:
        before = cases.in_words(row["before"], project)
        change = _("{before} → {after}", before=before, after=decision(project, row))
        when = local_time(row["at"])
        with st.container(horizontal=True, vertical_alignment="center"):
            sentence = _(
                "Item {id}: **{what}**, {name}, {when}", id=row["item_id"], what=change, name=row["by"], when=when
            )
            st.markdown(f"~~{sentence}~~" if row["undone"] else sentence, width="stretch")
            if row["by"] == user.name and not row["undone"]:
                st.button(
                    _("Undo"),
                    key=f"review-undo-{row['id']}",
                    type="tertiary",
                    icon=":material/undo:",
                    on_click=undo,
                    args=(project, user, row["id"]),
                )
