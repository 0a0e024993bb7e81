"""Who labels: roles, whose classes are whose, who is let in, who pauses."""

import pandas as pd
import streamlit as st

from labeler.i18n.messages import _
from labeler.projects.project import Project


def team(project: Project) -> None:
    """A table of those who have opened the desk; names can be added before they come."""
    groups = sorted({detail.group for detail in project.config.class_details.values() if detail.group})
    entries = {None: _("by the known items"), True: _("let in"), False: _("kept out")}
    with project.store() as store:
        people = store.team.all()
        scores = {person.name: store.team.qualification_of(person.name) for person in people}
    frame = pd.DataFrame(
        [
            {
                "name": person.name,
                "role": person.role,
                "groups": list(person.groups),
                "known": _("{right} of {asked}", right=scores[person.name][1], asked=scores[person.name][2])
                if scores[person.name][2]
                else "",
                "entry": entries[person.qualified],
                "paused": person.paused,
            }
            for person in people
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
    with project.store() as store:
        for row in edited.to_dict("records"):
            if name := str(row["name"] or "").strip():
                given = row["groups"] if isinstance(row["groups"], list) else []
                role = row["role"] if isinstance(row["role"], str) else ""
                store.team.assign(name, role.strip(), given, bool(row["paused"] is True), answer.get(row["entry"]))
    st.success(_("Saved."))
