"""Who labels: roles, whose classes are whose, who is let in, who pauses."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from labeler.core.items import Annotator
from labeler.i18n.messages import _
from labeler.projects.project import Project
from labeler.store import Store
from pages.shared.background import announce, announced
from pages.shared.settings_form import STATE

NAME = "annotators"  # of this table's message, see `announce`
CLASHING = "annotators-clashing"  # the names of rows that were not saved
Drawn = dict[str, tuple[Annotator, str]]  # people by name, with how many known items they answered right
Set = tuple[str, tuple[str, ...], bool, bool | None]  # role, groups, paused, qualified


def team(project: Project) -> None:
    """A table of those who have opened the desk; names can be added before they come."""
    groups = sorted({detail.group for detail in project.config.class_details.values() if detail.group})
    entries = {None: _("by the known items"), True: _("let in"), False: _("kept out")}
    drawn = _drawn(project)
    frame = pd.DataFrame(
        [
            {
                "name": person.name,
                "role": person.role,
                "groups": list(person.groups),
                "known": known,
                "entry": entries[person.qualified],
                "paused": person.paused,
            }
            for person, known in drawn.values()
        ],
        columns=["name", "role", "groups", "known", "entry", "paused"],
    )
    st.caption(
        _(
            "Items that the model predicts to be of an assigned group go only to its annotators and to others"
            " with the same role; all other items go to everybody. Groups are defined in the table of"
            " classes."
        )
    )
    with st.form("team", border=False):
        edited = st.data_editor(
            frame,
            hide_index=True,
            width="stretch",
            num_rows="dynamic",
            disabled=["known"],
            column_config={
                "name": st.column_config.TextColumn(_("Annotator"), max_chars=60, required=True),
                "role": st.column_config.TextColumn(_("Role")),
                "groups": st.column_config.MultiselectColumn(_("Groups of classes"), options=groups),
                "known": st.column_config.TextColumn(_("Known items right")),
                "entry": st.column_config.SelectboxColumn(_("Entry"), options=[*entries.values()]),
                "paused": st.column_config.CheckboxColumn(_("Paused")),
            },
        )
        if not st.form_submit_button(_("Save")):
            return
    answer = {words: value for value, words in entries.items()}
    wanted = {}
    for row in edited.to_dict("records"):
        if name := str(row["name"] or "").strip():
            groups_of = tuple(row["groups"]) if isinstance(row["groups"], list) else ()
            role = row["role"].strip() if isinstance(row["role"], str) else ""
            wanted[name] = (role, groups_of, bool(row["paused"] is True), answer.get(row["entry"]))
    _save(project, drawn, wanted)


def _drawn(project: Project) -> Drawn:
    """The people as this session opened the table, with messages about it above."""
    announced(NAME)
    if clashing := st.session_state.pop(CLASHING, None):
        st.warning(
            _(
                "Not saved, because somebody else has changed the same rows meanwhile: {names}. The table shows them as"
                " they are now.",
                names=", ".join(clashing),
            )
        )
    with project.store() as store:
        present = {person.name: (person, _known(store, person.name)) for person in store.team.all()}
    drawn: Drawn = st.session_state.setdefault(STATE, {}).setdefault(f"team-{project.slug}", present)
    if {n: _set_of(person) for n, (person, _k) in drawn.items()} != {n: _set_of(p) for n, (p, _k) in present.items()}:
        st.caption(_("Somebody has joined, or was changed by somebody else, since you opened this table."))
        if st.button(_("Show the present table")):
            _draw_anew(project)
    return drawn


def _known(store: Store, name: str) -> str:
    """How many of the known items somebody answered right; "" where none were asked."""
    _passed, right, asked = store.team.qualification_of(name)
    return _("{right} of {asked}", right=right, asked=asked) if asked else ""


def _save(project: Project, drawn: Drawn, wanted: Mapping[str, Set]) -> None:
    """Save the rows that were changed here; those that somebody else has changed meanwhile are named instead."""
    clashing = []
    with project.store() as store, store.write():
        now = {person.name: person for person in store.team.all()}
        for name, values in wanted.items():
            before = _set_of(drawn[name][0]) if name in drawn else None
            present = _set_of(now[name]) if name in now else None
            if values in (before, present):
                continue
            if present != before:
                clashing.append(name)
            else:
                store.team.assign(name, *values)
    announce(NAME, _("Saved."))
    st.session_state[CLASHING] = clashing
    _draw_anew(project)


def _draw_anew(project: Project) -> None:
    st.session_state[STATE].pop(f"team-{project.slug}", None)
    st.rerun()


def _set_of(person: Annotator) -> Set:
    """What the table sets for a person."""
    return person.role, person.groups, person.paused, person.qualified
