"""The report: where the project stands, to be handed to somebody else."""

import streamlit as st

from labeler.project import Project
from labeler.report import CARD
from labeler.words import _, language, use


def report(project: Project) -> None:
    st.markdown(
        _(
            "One page that stands alone, fit to be handed to an auditor: the curve, all figures of the holdout, what"
            " random sampling would have cost, the evidence for stopping, agreement, a data card, settings, seeds and"
            " versions."
        )
    )
    st.caption(
        _(
            "People are numbered in it, not named. What you write into `{card}` in the project's folder, such as where"
            " the data come from and under which licence, is part of it.",
            card=CARD,
        )
    )
    spoken = language()

    def page() -> bytes:
        from labeler import report_page

        use(spoken)  # it is made once somebody asks for it, in a thread of its own
        return report_page.page(project).encode()

    def values() -> bytes:
        from labeler.report import as_json, report

        return as_json(report(project)).encode()

    left, right = st.columns(2)
    left.download_button(
        _("Report as a page (HTML)"),
        page,
        f"{project.slug}.html",
        "text/html",
        icon=":material/description:",
        width="stretch",
        on_click="ignore",
    )
    right.download_button(
        _("Report for a program (JSON)"),
        values,
        f"{project.slug}.json",
        "application/json",
        icon=":material/data_object:",
        width="stretch",
        on_click="ignore",
    )
