"""When to stop: the rules side by side, each with its evidence and what it would have done to this project so far."""

from typing import Any

import streamlit as st

from labeler.access.roles import may
from labeler.access.users import User
from labeler.core.errors import LabelerError
from labeler.core.rounds import Rule
from labeler.core.settings import Config, StoppingConfig
from labeler.core.settings_parser import parse
from labeler.i18n.messages import _, translate
from labeler.progress import stopping as rules
from labeler.progress.history import history, thresholds
from labeler.progress.stopping import Backtest, Evidence, History, Thresholds
from labeler.projects.project import Project
from labeler.report.sentences.stopping import MET, NAMES, NOT_MET, UNKNOWN, back_in_words, in_words, stopped_in_words
from pages.progress.curve import where_it_stands
from pages.shared.access import is_allowed, name_is_known, named_button, require_user
from pages.shared.cache import cached
from pages.shared.percent import percent_input
from pages.shared.settings_form import Form, opened, save
from pages.shared.times import local_time

WIDTHS = (4, 5, 4)
FORM = Form("stopping", ("stopping",))


def stopping(project: Project) -> None:
    stands, config = where_it_stands(project), project.config
    asked = history(stands.rounds, stands.counts, config)
    compared = thresholds(config)
    key = (asked, compared)
    judged: list[tuple[Evidence, Backtest]] = cached("stopping", key, lambda: _judged(asked, compared))
    _decision(project, [evidence for evidence, _back in judged])
    for evidence, back in judged:
        with st.container(border=True):
            state, today, past = st.columns(WIDTHS, vertical_alignment="center")
        state.markdown(f"{_badge(evidence)} **{_(NAMES[evidence.rule])}**{_by_itself(evidence.rule, config)}")
        today.markdown(in_words(evidence, asked, compared))
        if len(asked):  # before the first round no rule could have stopped anything
            past.markdown(back_in_words(back, asked))
    st.caption(_("Each rule uses only what was known at the round that it judges."))
    if is_allowed(project, "change_settings"):
        _automatic(project)


def _judged(asked: History, compared: Thresholds) -> list[tuple[Evidence, Backtest]]:
    return list(zip(rules.evidence(asked, compared), rules.backtests(asked, compared), strict=True))


def _badge(evidence: Evidence) -> str:
    if evidence.met:
        return f":green-badge[:material/check: {_(MET)}]"
    return f":gray-badge[{_(NOT_MET if evidence.value is not None else UNKNOWN)}]"


def _by_itself(rule: Rule, config: Config) -> str:
    return " :orange-badge[" + _("stops automatically") + "]" if rule in config.stopping.stop_when else ""


# ---------------------------------------------------------------- the rules that stop labeling automatically


def _automatic(project: Project) -> None:
    """The form of the settings under `[stopping]`, but for the number of rounds that the agreement is averaged over."""
    with st.expander(_("Stop automatically"), icon=":material/rule:"):
        if not name_is_known(_("Go on"), "rules"):
            return
        drawn = opened(project, FORM)
        if drawn is None:
            return
        with st.form("stopping", border=False):
            values = _fields(drawn.config.stopping)
            is_sent = st.form_submit_button(_("Save"))
    if not is_sent:
        return
    settings = drawn.config.as_dict()
    settings["stopping"] |= values
    try:
        changed = parse(settings, _("The form"))
    except LabelerError as error:
        st.error(translate(error))
    else:
        save(drawn, FORM, changed)


def _fields(stopping: StoppingConfig) -> dict[str, Any]:
    """The fields, by the names of the settings."""
    names = st.multiselect(
        _("Rules that stop labeling without a lead"),
        [*NAMES],
        [*stopping.stop_when],
        format_func=lambda rule: _(NAMES[rule]),
        placeholder=_("none"),
        help=_("They are judged after each round. After a lead has let labeling go on, a rule does not stop it again."),
    )
    kappa, uncertainty, gain = st.columns(3)
    return {
        "stop_when": names,
        "kappa": kappa.number_input(
            _("Predictions stable: mean kappa from"), 0.0, 1.0, stopping.kappa, 0.01, format="%.3f"
        ),
        "uncertainty": percent_input(uncertainty, _("Model is sure: uncertainty up to (%)"), stopping.uncertainty, 0.5),
        "gain": percent_input(gain, _("Little left to gain: points, below"), stopping.gain, 0.05),
    }


# ---------------------------------------------------------------- the decision


def _decision(project: Project, judgements: list[Evidence]) -> None:
    """Whether labeling goes on, in how far the rules agree, and the lead's buttons."""
    user = require_user()
    with project.store() as store:
        stopped = store.stops.current()
    met = sum(evidence.met for evidence in judgements)
    left, right = st.columns([3, 1], vertical_alignment="center")
    if stopped:
        left.markdown(stopped_in_words(stopped, local_time(stopped["at"])))
    else:
        left.markdown(_("{met} of {n} rules are met. Labeling goes on.", met=met, n=len(judgements)))
    if not may(user, project, "stop_labeling"):
        right.caption(_("The lead decides."))
    elif stopped:
        with right:
            goes_on = named_button(_("Go on"), "go-on", ":material/play_arrow:", "stretch")
        if goes_on:
            with project.store() as store:
                store.stops.lift(user.name)
            st.rerun()
    else:
        with right.popover(_("Stop labeling"), icon=":material/stop_circle:", width="stretch"):
            if name_is_known(_("Go on"), "stop"):
                _stop(project, user)


def _stop(project: Project, user: User) -> None:
    """The reason, and the button that stops labeling."""
    reason = st.text_input(_("Reason (visible to others)"), max_chars=200, key="stop-reason")
    st.caption(_("No items are assigned until you let labeling go on; answers in progress are kept."))
    if st.button(_("Stop now"), type="primary", key="stop-now"):
        with project.store() as store:
            store.stops.stop(user.name, reason.strip())
        st.rerun()
