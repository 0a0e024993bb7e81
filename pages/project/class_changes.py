"""The form that renames, merges, splits, adds and retires classes: the effect is told before it happens."""

import streamlit as st

from labeler.access.users import User
from labeler.core.class_changes import KINDS, ClassChange, StoredChange
from labeler.core.errors import LabelerError
from labeler.cycle.class_changes import Effect, change_classes, effect
from labeler.files.sources import origin
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _, mark, n_, translate
from labeler.projects.project import Project
from labeler.store import Store
from pages.shared.tables import show_table
from pages.shared.times import local_time

ABOUT = {
    "rename": mark("The class gets another name, and its labels with it."),
    "merge": mark("The classes become one class, and their labels are labels of it."),
    "split": mark("Several classes take the place of one. The items with its label are asked again."),
    "add": mark("There are further classes to choose from. The labels so far stay as they are."),
    "retire": mark("Nobody can choose the class any more. Items that have no other label are asked again."),
}
SHOWN = 12  # items


def change_the_classes(project: Project, user: User) -> None:
    """The form, what the change would do, and the changes so far."""
    with project.store() as store:
        change = _asked_change(project, store)
        if change is not None:
            _confirm(project, store, change, user)
        changes = store.class_changes.all()
    if changes:
        _table(changes)


def _asked_change(project: Project, store: Store) -> ClassChange | None:
    """The change that the fields describe; None while something is missing."""
    kind = st.pills(
        _("Change the classes"), [*KINDS], format_func=lambda kind: _(KINDS[kind]), label_visibility="collapsed"
    )
    if kind is None:
        return None
    st.caption(_(ABOUT[kind]))
    names = [*project.config.classes, *store.class_changes.outside()]
    old: list[str] = []
    if kind in ("rename", "split"):
        old = [name for name in [st.selectbox(_("Class"), names, None, placeholder=_("Choose a class"))] if name]
    elif kind in ("merge", "retire"):
        old = st.multiselect(_("Classes"), names, placeholder=_("Choose classes"))
    new: list[str] = []
    if kind == "rename":
        new = [st.text_input(_("New name")).strip()]
    elif kind == "merge":
        choice = st.selectbox(
            _("The class that they become"),
            names,
            None,
            accept_new_options=True,
            placeholder=_("Choose or type a name"),
        )
        new = [(choice or "").strip()]
    elif kind in ("split", "add"):
        new = [part.strip() for part in st.text_input(_("New classes, separated by commas")).split(",")]
    new = [name for name in new if name]
    needs_old, needs_new = kind != "add", kind != "retire"
    if (needs_old and not old) or (needs_new and not new):
        return None
    return ClassChange(kind, tuple(old), tuple(new))


def _confirm(project: Project, store: Store, change: ClassChange, user: User) -> None:
    """What the change would do, and the button that makes it."""
    try:
        preview = effect(project, store, change)
    except LabelerError as error:
        st.warning(translate(error))
        return
    _describe(preview, project)
    if preview.first:
        with st.expander(_("Which items are asked again")):
            _first_items(store, preview)
    if not st.button(_("Change the classes now"), type="primary"):
        return
    try:
        change_classes(project, change, user.name)
    except (LabelerError, OSError) as error:
        st.error(translate(error))
    else:
        st.toast(_("The classes have changed. The next round learns and measures by them."))
        st.rerun()


def _describe(preview: Effect, project: Project) -> None:
    lines = [_("The classes are then: {classes}.", classes=", ".join(preview.classes))]
    if labels := preview.pool + preview.holdout:
        lines.append(
            n_(
                "The label of {n:,} item changes ({pool:,} in the pool, {holdout:,} in the holdout).",
                "The labels of {n:,} items change ({pool:,} in the pool, {holdout:,} in the holdout).",
                labels,
                pool=preview.pool,
                holdout=preview.holdout,
            )
        )
    elif not preview.regained:
        lines.append(_("No label changes."))
    if preview.regained:
        lines.append(
            n_(
                "{n:,} item that was to be asked again has its label back.",
                "{n:,} items that were to be asked again have their labels back.",
                preview.regained,
            )
        )
    if again := preview.again_pool + preview.again_holdout:
        lines.append(
            n_(
                "{n:,} item has no label then and is asked again ({pool:,} in the pool, {holdout:,} in the holdout).",
                "{n:,} items have no label then and are asked again ({pool:,} in the pool, {holdout:,} in the"
                " holdout).",
                again,
                pool=preview.again_pool,
                holdout=preview.again_holdout,
            )
        )
        share = project.config.query.more_share
        lines.append(
            _("In the next rounds, at least {share:.0%} of what the query strategy asks comes from them.", share=share)
        )
    if preview.unmeasurable:
        lines.append(
            n_(
                "The model of {n:,} past round cannot tell the new classes apart: the learning curve begins anew.",
                "The models of {n:,} past rounds cannot tell the new classes apart: the learning curve begins anew.",
                preview.unmeasurable,
            )
        )
    if preview.too_old:
        lines.append(
            n_(
                "{n:,} older round has no point on the learning curve then: only its predictions are kept.",
                "{n:,} older rounds have no point on the learning curve then: only their predictions are kept.",
                preview.too_old,
            )
        )
    lines.append(_("Every answer is kept as it was given; exports show both."))
    for line in lines:
        st.write(line)


def _first_items(store: Store, preview: Effect) -> None:
    st.caption(_("First those whose label the latest audit finds the least certain."))
    rows = []
    for item_id in preview.first[:SHOWN]:
        item = store.items.get(item_id)
        if item is not None:
            rows.append({_("Item"): item.text or item.source, _("Source"): plain(translate(origin(item.source)))})
    show_table(rows)
    if len(preview.first) > SHOWN:
        st.caption(_("… and {n:,} more.", n=len(preview.first) - SHOWN))


def _table(changes: list[StoredChange]) -> None:
    """All changes so far, the latest first."""
    st.caption(_("Changes so far"))
    rows = [
        {
            _("When"): local_time(stored.at),
            _("Change"): _(KINDS[stored.change.kind]),
            _("Before"): ", ".join(stored.change.old) or "–",
            _("After"): ", ".join(stored.change.new) or "–",
            _("Answers changed"): stored.labels,
            _("Asked again"): stored.asked_again,
            _("By"): stored.by,
        }
        for stored in reversed(changes)
    ]
    show_table(rows)
