"""The queue of items to review, and the item that is shown now."""

from collections.abc import Sequence

import streamlit as st

from labeler.core.labels import names_of
from labeler.i18n.markdown import joined
from labeler.i18n.messages import _
from labeler.projects.project import Project
from labeler.quality import review
from labeler.quality.review import REASONS, Case, Findings, matching

# Keys of the session: the item shown until a decision, and the items passed over, in order.
HERE, PASSED = "review-here", "review-passed"


def waiting(project: Project, version: tuple[int, ...]) -> tuple[Case, ...]:
    """The whole queue at this version of the project."""
    return _waiting(project, version, (str(project.folder), repr(project.config)))


# Cases cannot be changed, so all sessions share them: copying thousands of cases takes as long as finding them.
@st.cache_resource(max_entries=20, show_spinner=False)
def _waiting(_project: Project, version: tuple[int, ...], key: tuple[str, str]) -> tuple[Case, ...]:
    findings = latest_findings(_project)
    with _project.store() as store:
        return tuple(review.waiting(store, findings))


def latest_findings(project: Project) -> Findings:
    """The findings of the latest audit."""
    with project.store() as store:
        return _findings(project, store.audits.latest_done(), store.db.erasures(), str(project.folder))


@st.cache_resource(max_entries=5, show_spinner=False)
def _findings(_project: Project, audit: int | None, erasures: int, folder: str) -> Findings:
    with _project.store() as store:
        return Findings(store.audits.latest_report())


def chosen(project: Project, cases: Sequence[Case]) -> list[Case]:
    """The cases that the filters leave."""
    counts = {reason: sum(reason in case.reasons for case in cases) for reason in REASONS}
    offered = [reason for reason in REASONS if counts[reason]]
    people = sorted({name for case in cases for name in case.annotators})
    anything = _("any")
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        reason = st.pills(
            _("Reason"),
            offered,
            format_func=lambda r: f"{_(r)} · {counts[r]:,}",
            key="review-reason",
            on_change=_begin,
            label_visibility="collapsed",
            width="content",
        )
        narrowed = [st.session_state.get(key) for key in ("review-class", "review-annotator")]
        label = joined(" · ", (value for value in narrowed if value)) or _("Class, annotator")
        with st.popover(label, icon=":material/filter_alt:", width="content"):
            name = st.selectbox(
                _("Class"),
                [None, *project.config.classes],
                format_func=lambda c: c or anything,
                key="review-class",
                on_change=_begin,
            )
            annotator = st.selectbox(
                _("Annotator"),
                [None, *people],
                format_func=lambda p: p or anything,
                key="review-annotator",
                on_change=_begin,
            )
    return matching(cases, reason, name, annotator)


def _begin() -> None:
    st.session_state.pop(HERE, None)
    st.session_state[PASSED] = []


def current(cases: Sequence[Case]) -> Case | None:
    """The case to show: the one shown before if it is still in the queue, else the first that was not passed over."""
    passed = st.session_state.setdefault(PASSED, [])
    by_item = {case.item_id: case for case in cases}
    case = by_item.get(st.session_state.get(HERE, 0))
    if case is None:
        case = next((other for other in cases if other.item_id not in set(passed)), None)
    st.session_state[HERE] = case.item_id if case else None
    return case


def forward() -> None:
    """Pass over the case without a decision."""
    here = st.session_state.pop(HERE, None)
    passed = st.session_state[PASSED]
    if here and here not in passed:
        passed.append(here)


def back() -> None:
    """Show the case that was passed over last."""
    passed = st.session_state[PASSED]
    if passed:
        st.session_state[HERE] = passed.pop()


def go_to(item_id: int) -> None:
    """Show this case, also if it was passed over."""
    st.session_state[HERE] = item_id
    st.session_state[PASSED] = [number for number in st.session_state.get(PASSED, []) if number != item_id]


def in_words(label: str | None, project: Project) -> str:
    """A stored label as people read it."""
    if label is None:
        return _("no label")
    return ", ".join(names_of(label, project.config)) or _("none of the classes")
