"""The project of Label Studio that people annotate in: how it is connected, what was read from it, and the way out."""

import streamlit as st

from labeler.i18n.markdown import in_code
from labeler.i18n.messages import _, n_, translate
from labeler.projects.project import Project


def guest(project: Project) -> None:
    """How the project is connected to one of Label Studio, or how it can be."""
    with project.store() as store:
        link, problem, tasks = store.label_studio.link(), store.label_studio.problem(), store.label_studio.tasks()
    if link is None:
        st.caption(
            _(
                "People can annotate on the page of Label Studio, in the order of this project's queue. Add this server"
                " there as a model, with an API token of the scope manage as the password of the address: {address}",
                address=in_code(f"https://labeler:TOKEN@HOST/api/label-studio/{project.uid}"),
            )
        )
        return
    st.markdown(
        n_(
            "Connected to project {number} of {server}: {n:,} task.",
            "Connected to project {number} of {server}: {n:,} tasks.",
            len(tasks),
            number=link.project,
            server=in_code(link.url),
        )
    )
    if missing := sum(item is None for item in tasks.values()):
        st.warning(n_("{n:,} task could not be read.", "{n:,} tasks could not be read.", missing))
    if problem:
        st.warning(translate(problem))
    if st.button(_("Disconnect"), key=f"disconnect-{project.slug}", icon=":material/link_off:"):
        with project.store() as store:
            store.label_studio.disconnect()
        st.rerun()
