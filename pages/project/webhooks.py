"""Other programs that are told of what happens: webhooks, the log of what was sent, and trackers of experiments."""

from dataclasses import replace

import streamlit as st

from labeler.core.errors import LabelerError
from labeler.core.events import EVENTS, Delivery
from labeler.events.addresses import shown
from labeler.events.trackers import NAMES
from labeler.events.webhooks import MEANINGS, add_webhook
from labeler.i18n.markdown import escaped, in_code
from labeler.i18n.messages import _, translate
from labeler.projects.project import Project
from pages.shared.times import local_time

LISTED = 20  # messages in the log


def other_programs(project: Project) -> None:
    """The webhooks, the form for another one, the log, and the trackers."""
    _webhooks(project)
    _add(project)
    with project.store() as store:
        deliveries = store.webhooks.deliveries(LISTED)
    if deliveries:
        st.markdown(_("**What was sent**, the latest first"))
        for delivery in deliveries:
            _delivery(project, delivery)
    st.divider()
    _trackers(project)


def _webhooks(project: Project) -> None:
    with project.store() as store:
        webhooks = store.webhooks.all()
    if not webhooks:
        st.caption(_("No other program is told of anything yet."))
    for webhook in webhooks:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{in_code(shown(webhook.url))} · {', '.join(webhook.events)}")
            if st.button(_("Remove"), key=f"webhook-{project.slug}-{webhook.id}", icon=":material/delete:"):
                with project.store() as store:
                    store.webhooks.remove(webhook.id)
                st.rerun()


def _add(project: Project) -> None:
    with st.form("webhook", clear_on_submit=False):
        url = st.text_input(_("Address of a webhook"))
        events = st.multiselect(
            _("It is told of"), EVENTS, list(EVENTS), format_func=lambda name: _(MEANINGS[name]), placeholder=_("none")
        )
        if not st.form_submit_button(_("Add the webhook")):
            return
    try:
        number, secret = add_webhook(project, url, events)
    except LabelerError as error:
        st.error(translate(error))
        return
    st.success(
        _(
            "Webhook {number} is added. Its messages are signed with this secret, which is not shown again:",
            number=number,
        )
    )
    st.code(secret, language=None)


def _delivery(project: Project, delivery: Delivery) -> None:
    """One message: of what, when, to whom, what came of it, and the button that sends it again."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"{escaped(_(MEANINGS[delivery.event]))}  \n"
            + _(
                "{when} · {where} · {state}",
                when=local_time(delivery.at),
                where=in_code(shown(delivery.url)),
                state=_state(delivery),
            )
        )
        waits = delivery.next_at is not None and not delivery.problem
        if not waits and st.button(
            _("Send again"), key=f"delivery-{project.slug}-{delivery.id}", icon=":material/send:"
        ):
            with project.store() as store:
                store.webhooks.send_again(delivery.id)
            st.rerun()


def _state(delivery: Delivery) -> str:
    if delivery.problem and delivery.next_at is not None:
        return _("{problem} It is tried again.", problem=escaped(translate(delivery.problem)))
    if delivery.problem:
        return _("{problem} It is not tried again.", problem=escaped(translate(delivery.problem)))
    return _("received") if delivery.next_at is None else _("waits for the worker")


def _trackers(project: Project) -> None:
    """The trackers that each round is written to, and what keeps one from it."""
    used = project.config.tracking.to
    wanted = st.multiselect(
        _("Write each round to"),
        [*NAMES],
        list(used),
        format_func=NAMES.__getitem__,
        placeholder=_("none"),
        help=_("Where they keep it say their own variables, such as MLFLOW_TRACKING_URI; see docs/events.md."),
    )
    if tuple(wanted) != used and st.button(_("Save"), key="save-trackers"):
        project.save(replace(project.config, tracking=replace(project.config.tracking, to=tuple(wanted))))
        st.rerun()
    for tracker in used:
        with project.store() as store:
            problem, latest = store.tracked.problem(tracker), store.tracked.latest(tracker)
        if problem:
            st.warning(translate(problem))
        elif latest:
            st.caption(_("{tracker} has all rounds up to {round}.", tracker=NAMES[tracker], round=latest))
