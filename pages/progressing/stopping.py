"""When to stop: the rules side by side, each with its evidence and what it would have done to this project so far."""

from collections.abc import Callable

import streamlit as st

from labeler import stopping as rules
from labeler.access import is_lead
from labeler.config import Config
from labeler.history import history, thresholds
from labeler.project import Project
from labeler.stopping import Backtest, Evidence, History, Thresholds
from labeler.types import Rule
from labeler.words import _, mark, translate
from pages.progressing.curve import known
from pages.session import remembered, require_user

NAMES: dict[Rule, str] = {
    "target": mark("Target reached"),
    "budget": mark("Budget spent"),
    "stable": mark("Predictions stable"),
    "confident": mark("Model is sure"),
    "gain": mark("Little left to gain"),
    "exhausted": mark("Pool exhausted"),
}
MET, NOT_MET, UNKNOWN = mark("met"), mark("not met"), mark("cannot be said")
WIDTHS = (3, 5, 5)


def stopping(project: Project) -> None:
    found, config = known(project), project.config
    asked = history(found.rounds, found.counts.pool, config)
    compared = thresholds(config)
    key = (project.slug, asked, compared)
    said: list[tuple[Evidence, Backtest]] = remembered("stopping", key, lambda: _said(asked, compared))
    _decision(project, [one for one, _back in said])
    for evidence, back in said:
        with st.container(border=True):
            state, today, past = st.columns(WIDTHS, vertical_alignment="center")
        state.markdown(f"{_badge(evidence)} **{_(NAMES[evidence.rule])}**{_by_itself(evidence.rule, config)}")
        today.markdown(in_words(evidence, asked, compared))
        past.markdown(back_in_words(back, asked))
    st.caption(
        _(
            "No rule sees what came after the round it judges. Nothing stops by itself unless the project's settings"
            " name the rule in `[stopping] stop_when`; thresholds are there as well."
        )
    )


def _said(asked: History, compared: Thresholds) -> list[tuple[Evidence, Backtest]]:
    return list(zip(rules.evidence(asked, compared), rules.backtests(asked, compared), strict=True))


def _badge(evidence: Evidence) -> str:
    if evidence.met:
        return f":green-badge[:material/check: {_(MET)}]"
    return f":gray-badge[{_(NOT_MET if evidence.value is not None else UNKNOWN)}]"


def _by_itself(rule: Rule, config: Config) -> str:
    return f" :orange-badge[{_('stops by itself')}]" if rule in config.stopping.stop_when else ""


# ---------------------------------------------------------------- the decision


def _decision(project: Project, said: list[Evidence]) -> None:
    """Whether labeling goes on, in how far the rules agree, and the lead's buttons."""
    user = require_user()
    with project.store() as store:
        stopped = store.stopped()
    met = sum(evidence.met for evidence in said)
    left, right = st.columns([3, 1], vertical_alignment="center")
    if stopped:
        left.markdown(
            _(
                "Labeling has been stopped since {at} (UTC) by {name}.",
                at=stopped["at"][:16].replace("T", " "),
                name=stopped["by"],
            )
            + (f" {translate(stopped['reason'])}" if stopped["reason"] else "")
        )
    else:
        left.markdown(_("{met} of {n} rules are met. Labeling goes on.", met=met, n=len(said)))
    if not is_lead(user, project.config):
        right.caption(_("The lead decides."))
    elif stopped:
        if right.button(_("Go on"), icon=":material/play_arrow:", width="stretch"):
            with project.store() as store:
                store.go_on(user.name)
            st.rerun()
    else:
        with right.popover(_("Stop labeling"), icon=":material/stop_circle:", width="stretch"):
            reason = st.text_input(_("Why (others read it)"), max_chars=200, key="stop-reason")
            st.caption(_("Nobody is given items until you let labeling go on; answers that are under way are kept."))
            if st.button(_("Stop now"), type="primary", key="stop-now"):
                with project.store() as store:
                    store.stop(user.name, reason.strip())
                st.rerun()


# ---------------------------------------------------------------- in words


def in_words(evidence: Evidence, asked: History, compared: Thresholds) -> str:
    """What a rule says of the latest round, with its threshold."""
    if evidence.value is None:
        return translate(evidence.why_not)
    sentences: dict[Rule, Callable[[float], str]] = {
        "target": lambda value: _(
            "The low end of the interval is {value:.1%}, the target {target:.0%}.",
            value=value,
            target=compared.target,
        ),
        "budget": lambda value: _("{value:,.0f} of {budget:,} labels are spent.", value=value, budget=asked.budget),
        "stable": lambda value: _(
            "Successive models agree with a kappa of {value:.3f}, in the mean of the last {n}; it takes {kappa:g}.",
            value=value,
            n=compared.kappa_rounds,
            kappa=compared.kappa,
        ),
        "confident": lambda value: _(
            "In the mean the model doubts its answers by {value:.1%}; it takes {most:.1%} or less.",
            value=value,
            most=compared.uncertainty,
        ),
        "gain": lambda value: _(
            "The next {n:,} labels bring {value:.2f} points at most; it takes less than {least:.2f}.",
            n=asked.batch,
            value=100 * value,
            least=100 * compared.gain,
        ),
        "exhausted": lambda value: _("{value:,.0f} items of the pool have no label.", value=value),
    }
    return sentences[evidence.rule](evidence.value)


def back_in_words(back: Backtest, asked: History) -> str:
    """At which round a rule would have stopped, and what that would have cost and saved."""
    if back.round is None or back.saved is None:
        return _("Would not have stopped so far.")
    if back.round == asked.numbers[-1]:
        return _("Would stop now, for the first time.")
    if back.lost is None:
        return _(
            "Would have stopped at round {round}, {saved:,} labels earlier; nothing was measured then.",
            round=back.round,
            saved=back.saved,
        )
    values = {"round": back.round, "saved": back.saved, "points": abs(100 * back.lost)}
    if back.lost >= 0:
        return _(
            "Would have stopped at round {round}, {points:.1f} points below today, {saved:,} labels earlier.", **values
        )
    return _(
        "Would have stopped at round {round}, {points:.1f} points above today, {saved:,} labels earlier.", **values
    )
