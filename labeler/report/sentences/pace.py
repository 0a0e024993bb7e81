"""Sentences on the pace of labeling, on when a goal is reached, and on what that takes, for the Team page."""

from collections.abc import Callable

from labeler.i18n.messages import _
from labeler.measure.intervals import OpenEstimate
from labeler.progress.curves import Projection
from labeler.progress.pace import Finish, Pace
from labeler.report.sentences.curve import rounded as rounded_labels
from labeler.report.sentences.curve import span_in_words


def target_in_words(
    projection: Projection, target: float, labels: int, may_be_reached: bool, answers_an_item: float
) -> str:
    """How many answers the target accuracy takes, and how certain that is.

    Args: projection: with an expected number of labels. labels: pool labels of today. may_be_reached: as in
          `curve.span_in_words`. answers_an_item: until now.
    """
    assert projection.expected is not None
    if projection.expected <= labels:
        return _(
            "The learning curve may have reached {target:g}% already, so the goal is today's number of answers. The"
            " Progress page shows how certain that is.",
            target=100 * target,
        )
    until = _(
        "The learning curve reaches {target:g}% at about {n:,} pool labels ({span}).",
        target=100 * target,
        n=rounded_labels(projection.expected),
        span=span_in_words(projection, labels, may_be_reached),
    )
    rest = _(
        "The goal is that number, with {an_item:.2f} answers an item as until now. The intervals here are of the pace"
        " alone, not of the curve.",
        an_item=answers_an_item,
    )
    return f"{until} {rest}"


def remaining_in_words(rest: OpenEstimate | None, remaining: int, shown: Callable[[float], str]) -> str:
    """What is still expected, with its interval."""
    if not remaining:
        return _("nothing more to the goal")
    if rest is None:
        return _("not enough data to project the rest yet")
    if rest.low is None:
        return _("about {more} more to the goal", more=shown(rest.value))
    if rest.high is None:
        return _("{more} more to the goal (95%: at least {low})", more=shown(rest.value), low=shown(rest.low))
    return _(
        "{more} more to the goal (95%: {low} – {high})",
        more=shown(rest.value),
        low=shown(rest.low),
        high=shown(rest.high),
    )


def finish_in_words(finish: Finish) -> str:
    """The interval of the date, or why there is none."""
    if not finish.remaining:
        return _("The goal is reached.")
    if finish.expected is None:
        return _(finish.note) if finish.note else _("In more than ten years at this pace.")
    if finish.latest is None:
        return _("95%: {earliest} at the earliest, the end is open", earliest=finish.earliest)
    if finish.latest == finish.earliest:
        return _("95%: this day")
    return _("95%: {earliest} – {latest}", earliest=finish.earliest, latest=finish.latest)


def pace_in_words(speed: Pace) -> str:
    if not speed.per_hour or not speed.per_day:
        return _(speed.note) if speed.note else ""
    if speed.per_hour.low is None or speed.per_day.low is None or speed.per_day.high is None:
        return _(
            "So far {hour:,.0f} answers an hour of work and {day} a day of the calendar.",
            hour=speed.per_hour.value,
            day=rounded(speed.per_day.value),
        )
    return _(
        "{hour:,.0f} answers an hour of work (95%: {hour_low:,.0f} – {hour_high:,.0f}) and {day} a day of the"
        " calendar ({day_low} – {day_high}), from {working} working days in {days} calendar days.",
        hour=speed.per_hour.value,
        hour_low=speed.per_hour.low,
        hour_high=speed.per_hour.high,
        day=rounded(speed.per_day.value),
        day_low=rounded(speed.per_day.low),
        day_high=rounded(speed.per_day.high),
        working=speed.working,
        days=speed.days,
    )


def rounded(amount: float) -> str:
    """An amount to one decimal place below ten, and whole from there on: the pace is no more precise."""
    return f"{amount:,.1f}".removesuffix(".0") if amount < 10 else f"{amount:,.0f}"
