"""The Review page: doubtful labels, one at a time, with the evidence and the lead's decision."""

import streamlit as st

from labeler.core.setting_rules import LINEAR
from labeler.i18n.messages import _, translate
from labeler.quality.review import FURTHER, SECOND_LOOK
from labeler.report.sentences.labels import next_in_doubt, second_look
from pages.review import evidence
from pages.review.cases import PASSED, chosen, current, latest_findings, waiting
from pages.review.decisions import MESSAGE, decision_buttons, latest_decisions
from pages.review.item import item
from pages.shared.access import is_allowed, require_name, require_project, require_right, require_user
from pages.shared.next_step import next_step

user = require_user()
project = require_project()
user = require_name(_("Go on"))

# The item is what the page is for, so little space stays empty above it.
st.html("<style>@media (min-width: 769px) { .stMainBlockContainer { padding-top: 3rem } }</style>")
st.title(_("Review"))
require_right(project, "review", _("The reviewers and leads of this project review the labels."))
with st.container():  # always there, so that a message does not move what is below
    if message := st.session_state.pop(MESSAGE, None):
        st.error(translate(message))
with project.store() as store:
    version, decided = store.version(), store.decisions.count()
queue = waiting(project, version)
left = sum(not case.further for case in queue)
st.progress(
    decided / max(decided + left, 1),
    text=_("**{left:,}** to look at · {decided:,} decided", left=left, decided=decided),
)
doubted, further = (
    [case.opinion.wrong for case in queue if case.opinion and reason in case.reasons]
    for reason in (SECOND_LOOK, FURTHER)
)
if doubted or further:
    st.caption(f"{second_look(len(doubted), sum(doubted))} {next_in_doubt(len(further), sum(further))}")
checked, of = latest_findings(project).checked
if checked < of:
    st.caption(
        _(
            "The latest audit checked {checked:,} of {n:,} labels: those in doubt before, the latest ones, and"
            " others at random, different ones each time.",
            checked=checked,
            n=of,
        )
    )
if project.config.learner.head != LINEAR and queue:
    st.caption(
        _(
            "Labels are checked by linear heads, because their probabilities are known to suit that; the project's"
            " own model has the head {head}.",
            head=project.config.learner.head,
        )
    )
if queue:
    cases = chosen(project, queue)
    case = current(cases)
    if case is not None:
        with project.store() as store:
            shown, answers = store.items.get(case.item_id), store.reviews.answers_to(case.item_id)
            before = store.decisions.of_item(case.item_id)
        columns = st.columns([3, 2], gap="medium")
        with columns[0]:
            if shown:
                item(project, user, shown)
        with columns[1]:
            evidence.reasons(case)
            evidence.answers_of_people(project, case, answers)
            if shown:
                evidence.prediction(project, case, shown)
            evidence.earlier_decisions(project, before)
            decision_buttons(project, user, case, version)
    elif cases:
        st.info(_("You have passed over all {n:,} items that are left.", n=len(cases)), icon=":material/low_priority:")
        if st.button(_("Begin again"), shortcut="Left"):
            st.session_state[PASSED] = []
            st.rerun()
    else:
        st.info(_("No item with this filter is left to review."), icon=":material/filter_alt:")
else:
    st.success(
        _(
            "No item is waiting for a review. Items come here when annotators disagree, are unsure or flag an"
            " item, and when a model that was not trained on a label predicts another one."
        ),
        icon=":material/task_alt:",
    )
    next_step(project, is_allowed(project, "see_holdout"))
with st.expander(_("Last decisions"), icon=":material/history:"):
    latest_decisions(project, user)
