"""How many answers there are, when there will be enough, and what that takes: for leads."""

import streamlit as st

from labeler.core.items import Counts
from labeler.i18n.markdown import plain
from labeler.i18n.messages import _, mark
from labeler.i18n.money import money, symbol
from labeler.measure.intervals import OpenEstimate
from labeler.progress import curves, pace
from labeler.projects.project import Project
from labeler.report.charts import effort as effort_charts
from labeler.report.sentences.counts import MEANING
from labeler.report.sentences.pace import finish_in_words, pace_in_words, remaining_in_words, target_in_words
from pages.shared.figures import figures_in_a_row
from pages.team.figures import Figures

GOALS = {"budget": mark("Budget"), "target": mark("Target accuracy"), "number": mark("Another number")}


def outlook(project: Project, work: Figures) -> None:
    """Figures and charts up to a goal that is chosen: the budget, the target accuracy, or a number of answers."""
    config, given, hours, cost = project.config, work.given, work.hours, work.cost
    with project.store() as store:
        counts = store.items.counts()
    goal, words = choose_goal(project, work, counts)
    remaining = max(0, goal - given)
    speed, finish = pace.pace(work.days, work.today), pace.finish(work.days, work.today, remaining)
    rest = pace.hours_and_cost(speed, remaining)
    paid = cost > 0

    columns = figures_in_a_row(4)
    columns[0].metric(_("Answers"), f"{given:,}", help=_(MEANING))
    columns[0].caption(_("of {goal:,} to the goal", goal=goal))
    columns[1].metric(_("Time at work"), _("{n:,.1f} h", n=hours), help=_(HOURS, seconds=config.team.idle_seconds))
    columns[1].caption(remaining_in_words(rest and rest[0], remaining, lambda amount: _("{n:,.1f} h", n=amount)))
    columns[2].metric(_("Cost"), money(cost, config.team.currency) if paid else "–")
    columns[2].caption(
        remaining_in_words(rest and rest[1], remaining, lambda amount: money(amount, config.team.currency))
        if paid
        else _("No hourly rate is set yet.")
    )
    columns[3].metric(_("Done on"), f"{finish.expected:%Y-%m-%d}" if finish.expected else "–")
    columns[3].caption(finish_in_words(finish).replace("-", "-\N{WORD JOINER}"))  # no line breaks within a date
    if words:
        st.caption(words)

    left, right = st.columns([2, 1])
    with left:
        st.markdown("**" + _("Answers still missing") + "**")
        chart = effort_charts.burn_down_chart(pace.burn_down(work.days, goal), finish, work.today)
        st.altair_chart(chart, width="stretch", key="burn-down")
    with right:
        st.markdown("**" + _("Spent and still expected") + "**")
        expected = rest if remaining else (OpenEstimate(0.0), OpenEstimate(0.0))
        st.altair_chart(
            effort_charts.spent_chart(hours, expected and expected[0], _("hours")), width="stretch", key="hours"
        )
        if paid:
            title = plain(_("cost ({currency})", currency=symbol(config.team.currency)))
            st.altair_chart(
                effort_charts.spent_chart(cost, expected and expected[1], title, legend=False),
                width="stretch",
                key="cost",
            )
        st.caption(pace_in_words(speed))
    if finish.expected:
        st.caption(
            _(
                "Projected from the working days of the last four weeks, at the same pace. The band is a 95%"
                " interval; it follows from how much the days differ."
            )
        )


HOURS = mark(
    "The time from seeing an item on the Label page to answering it. An answer counts for {seconds}"
    " seconds at most, since somebody who takes longer has left the desk. An answer without a time"
    " counts as that annotator's median. Imported labels and work on other pages do not count."
)


def choose_goal(project: Project, work: Figures, counts: Counts) -> tuple[int, str]:
    """Answers in all that are aimed at, no more than the data need, and what there is to say about that number."""
    config = project.config
    columns = st.columns([3, 1])
    goal = columns[0].segmented_control(
        _("Goal"),
        [*GOALS],
        default="budget",
        required=True,
        format_func=lambda name: _(GOALS[name]),
        key=f"goal-{project.slug}",
    )
    payable, most = counts.payable(config.budget), max(1, counts.answers_by_people + counts.open.answers)
    if goal == "number":
        number = columns[1].number_input(
            _("Answers"), 1, most, max(min(payable, most), 1), key=f"goal-labels-{project.slug}"
        )
        return int(number), ""
    if goal == "target":
        return _target(project, work, counts)
    if payable < config.budget:
        return payable, _(
            "The data need {n:,} answers in all, fewer than the budget of {budget:,}.", n=payable, budget=config.budget
        )
    return config.budget, ""


def _target(project: Project, work: Figures, counts: Counts) -> tuple[int, str]:
    """The answers that the learning curve takes to the target accuracy; the budget where it cannot tell."""
    config, most = project.config, counts.answers_by_people + counts.open.answers
    with project.store() as store:
        rounds = [(r.labels, r.metrics) for r in store.rounds.all() if r.metrics]
    holdout = rounds[-1][1].n if rounds else None
    curve = curves.fit_curve([n for n, _ in rounds], [measured.accuracy for _, measured in rounds], holdout)
    leads_to = curve.projection(config.target_accuracy, counts.reachable)
    if leads_to.expected is None:
        why = (
            _(leads_to.why_not)
            if leads_to.why_not
            else _("The learning curve probably does not reach the target with the labels that can be had.")
        )
        return counts.payable(config.budget), " ".join([why, _("Until it does, the goal is the budget.")])
    missing = max(0.0, leads_to.expected - counts.labeled)
    explanation = target_in_words(
        leads_to,
        config.target_accuracy,
        counts.labeled,
        rounds[-1][1].high >= config.target_accuracy,
        work.labels_an_item,
    )
    return min(work.given + round(missing * work.labels_an_item), most), explanation
