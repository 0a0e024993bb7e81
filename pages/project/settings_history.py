"""What was changed in the settings, by whom and when, and the way back."""

import streamlit as st

from labeler.core.errors import LabelerError
from labeler.core.settings_changes import changed_names, flat
from labeler.i18n.markdown import joined
from labeler.i18n.messages import _, n_, translate
from labeler.projects import settings_history
from labeler.projects.project import Project
from labeler.report.sentences.settings import change_in_words, changes_in_words
from labeler.store.audit import AuditRow
from labeler.store.settings_log import RESTORED
from pages.shared.background import announce, announced
from pages.shared.settings_form import forget_forms
from pages.shared.times import local_time

NAME = "settings-history"  # of this part's message, see `announce`
SHOWN = 8  # changes, before the others are asked for
MOST = 200


def history(project: Project) -> None:
    """The changes, the latest first, each with the button that goes back to before it."""
    announced(NAME)
    rows = settings_history.history(project, MOST)
    if not rows:
        st.caption(_("Nobody has changed the settings yet."))
        return
    st.caption(
        _(
            "Going back is a change as well: it is listed here, and can be taken back. Classes stay as they are;"
            " “Change the classes” changes them back."
        )
    )
    drawn = st.session_state.get(f"{NAME}-{project.slug}")
    st.session_state[f"{NAME}-{project.slug}"] = rows[0].id
    n = len(rows) if st.session_state.get(f"{NAME}-all") else SHOWN
    for row in rows[:n]:
        _change(project, row, rows[0].id, drawn)
    if len(rows) > n:
        st.checkbox(n_("Show {n:,} earlier change", "Show {n:,} earlier changes", len(rows) - n), key=f"{NAME}-all")


def _change(project: Project, row: AuditRow, latest: int, drawn: int | None) -> None:
    """One change: when, who, what, and its button.

    Args: latest: the latest change now. drawn: the one when the button was drawn.
    """
    with st.container(border=True, key=f"change-{project.slug}-{row.id}"):
        about = _("{when} · {who}", when=local_time(row.at), who=row.by or _("in the file"))
        st.caption(about + (" · " + _("went back") if row.action == RESTORED else ""))
        st.markdown(changes_in_words(row))
        if not row.before and not row.after:
            return
        if row.id == latest and {*changed_names(row.before or {}, row.after or {})} <= {*settings_history.STAYS}:
            return  # nothing to take back here
        label = _("Take this change back") if row.id == latest else _("Go back to before this change")
        if not st.button(label, key=f"back-{project.slug}-{row.id}", icon=":material/undo:"):
            return
        if drawn is not None and drawn != latest:
            st.warning(_("Somebody has changed the settings meanwhile: look at the list, and click again."))
            return
        _go_back(project, row)


def _go_back(project: Project, row: AuditRow) -> None:
    try:
        before = flat(project.config.as_dict())
        after = flat(settings_history.go_back(project, row.id).config.as_dict())
    except LabelerError as error:
        st.error(translate(error))
        return
    names = changed_names(before, after)
    if not names:
        st.info(_("The settings are as they were then already."))
        return
    changes = [change_in_words(name, before.get(name), after.get(name)) for name in names]
    announce(NAME, _("The settings are as they were. Changed back: {changes}", changes=joined("; ", changes)))
    forget_forms()
    st.rerun()
