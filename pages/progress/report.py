"""The report: where the project stands, to be handed to somebody else."""

import streamlit as st

from labeler.i18n.markdown import plain_texts
from labeler.i18n.messages import _
from labeler.projects.project import Project
from labeler.report import page as report_page
from labeler.report.facts import CARD
from labeler.report.facts import report as facts
from labeler.report.write import as_json
from pages.shared.access import is_allowed


def report(project: Project) -> None:
    if not is_allowed(project, "take_out"):
        st.info(_("Only leads and auditors of the project can make the report."), icon=":material/lock:")
        return
    st.markdown(
        _(
            "A self-contained page for an auditor: the curve, all figures of the holdout, the comparison with random"
            " sampling, the evidence for stopping, agreement, a data card, settings, seeds and versions."
        )
    )
    st.caption(
        _(
            "The report numbers people instead of naming them. It includes what you write into `{card}` in the"
            " project's folder, such as the origin of the data and their licence.",
            card=CARD,
        )
    )
    if st.button(_("Make the report"), icon=":material/description:", type="primary"):
        with st.spinner(_("Drawing the charts …")), plain_texts():
            page, values = report_page.page(project), as_json(facts(project))
        with st.container(horizontal=True):
            download_button_of(_("As a page (HTML)"), page, f"{project.slug}.html", "text/html")
            download_button_of(_("For a program (JSON)"), values, f"{project.slug}.json", "application/json")


def download_button_of(label: str, text: str, name: str, kind: str) -> None:
    st.download_button(label, text.encode(), name, kind, icon=":material/download:", on_click="ignore")
