"""Labels by hand: for an item without a label an answer that says that its annotator chose it, else a decision."""

from functools import partial

import streamlit as st

from labeler.access.users import User
from labeler.core.errors import LabelerError
from labeler.core.items import Answer
from labeler.core.labels import join, names_of
from labeler.i18n.markdown import escaped
from labeler.i18n.messages import _, mark, translate
from labeler.projects.class_keys import class_keys
from labeler.projects.project import Project
from labeler.store.catalogue import Listed
from pages.items.asking import SAID
from pages.review.cases import in_words
from pages.review.decisions import MOST_BUTTONS, NO_SHORTCUT
from pages.shared.access import is_allowed, only_with

REASON = mark("chosen by hand")  # of a decision that was made here


def label_buttons(project: Project, user: User, row: Listed, version: int) -> None:
    """The classes as buttons, or to choose from where there are many or an item has several.

    Args: version: a number that changes with every answer and decision, so that no press is stored twice.
    """
    config, key = project.config, f"items-label-{row.item.id}"
    if not is_allowed(project, "label"):
        return
    if row.item.split == "holdout":
        st.caption(_("Labels of the holdout are corrected on the Review page, where no model has a say."))
        return
    st.caption(
        _("A label from here is trained on, and does not count where strategies are measured.")
        if row.label is None
        else _("The item has a label: another one from here is a lead's decision, which goes before all answers.")
    )
    press = partial(_label, project, user, row, f"{user.name}:items:{row.item.id}:{version}")
    if config.several or len(config.classes) > MOST_BUTTONS:
        _from_many(project, row, key, press)
        return
    keys = class_keys(config)
    with st.container(horizontal=True, gap="xsmall"):
        for name in config.classes:
            own = name == row.label
            shortcut = keys[name] if keys[name] and keys[name] not in NO_SHORTCUT else None
            st.button(
                escaped(name),
                key=f"{key}-{name}",
                shortcut=shortcut,
                icon=":material/check:" if own else None,
                help=_("The item's label now.") if own else None,
                on_click=press,
                args=(name,),
            )


def _from_many(project: Project, row: Listed, key: str, press: partial[None]) -> None:
    config = project.config
    now = [name for name in names_of(row.label, config) if name in config.classes] if row.label is not None else []
    if config.several:
        names = st.pills(
            _("Classes"), config.classes, selection_mode="multi", default=now, key=key, format_func=escaped
        )
        if not names:
            st.caption(_("With no class chosen, the item has none of the classes."))
        text = join(names, config)
    else:
        at = config.classes.index(now[0]) if now else None
        text = st.selectbox(_("Class"), config.classes, at, key=key, placeholder=_("Search classes")) or ""
    st.button(_("Label"), key=f"{key}-store", type="primary", disabled=not text, on_click=press, args=(text,))


@only_with("label")
def _label(project: Project, user: User, row: Listed, request_id: str, label: str) -> None:
    try:
        with project.store() as store:
            if row.label is None:
                answer = Answer(request_id, row.item.id, "label", label, reveal="before", chosen="hand")
                (receipt,) = store.answers.add(user.name, [answer])
                refused = receipt.reason
            else:
                store.decisions.add(user.name, request_id, row.item.id, "label", label, str(REASON))
                refused = None
    except LabelerError as error:
        st.session_state[SAID] = translate(error)
        return
    stored = _("The label is stored: {label}.", label=in_words(label, project))
    st.session_state[SAID] = translate(refused) if refused else stored


def undo_button(project: Project, user: User, row: Listed) -> None:
    """A button that takes back this person's decision about the item, else the answer."""
    with project.store() as store:
        decided = [d for d in store.decisions.of_item(row.item.id) if d["by"] == user.name]
        answered = store.answers.get(user.name, row.item.id)
    if decided or answered:
        st.button(
            _("Undo"),
            icon=":material/undo:",
            type="tertiary",
            key=f"items-undo-{row.item.id}",
            help=_("Takes back your decision about this item, else your answer."),
            on_click=_undo,
            args=(
                project,
                user,
                row.item.id,
                decided[-1]["id"] if decided else None,
                answered["request_id"] if answered else None,
            ),
        )


@only_with("label")
def _undo(project: Project, user: User, item_id: int, decision: int | None, answer: str | None) -> None:
    """Take back what the page showed: this decision, else the answer with this request id."""
    with project.store() as store:
        left = None
        if decision is not None:
            store.decisions.undo(user.name, decision)
        else:
            request_id = f"{user.name}:items:undo:{item_id}:{store.version()[0]}"
            (receipt,) = store.answers.add(user.name, [Answer(request_id, item_id, "undo", undoes=answer)])
            left = receipt.reason
    st.session_state[SAID] = _("Not taken back: {reason}", reason=translate(left)) if left else _("It is taken back.")
