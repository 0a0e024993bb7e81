"""Sentences on the learning curve, in the current language: its projection, and what it cannot tell."""

from labeler.core.rounds import Metrics
from labeler.i18n.messages import _, n_, translate
from labeler.measure.intervals import items_for, labels_to_halve
from labeler.progress.curves import Projection
from labeler.progress.history import Step


def outlook(
    projection: Projection, target: float, labels: float, most: float, whole_pool: bool, hours: float | None = None
) -> str:
    """A sentence on when the target is expected, or on why that is unknown.

    Args: labels: of today. most: labels up to which the curve is projected. whole_pool: whether that is the whole pool.
          hours: that one more label takes; None: unknown.
    """
    expected, low, high = projection.expected, projection.low, projection.high
    if projection.why_not:
        return translate(projection.why_not)
    if low is None and whole_pool:
        return _(
            "{target:.0%} is not in sight, not even with all {n:,} items of the pool.", target=target, n=round(most)
        )
    if low is None:
        return _("{target:.0%} is not in sight, not before {n:,} labels.", target=target, n=rounded(most))
    if expected is None:
        return _(
            "{target:.0%} may be out of reach: the curve gets there at {low:,} labels at the earliest, if at all.",
            target=target,
            low=rounded(max(low, labels)),
        )
    if expected <= labels:
        return _reached(target, expected, high is not None and high <= labels)
    values = {"target": target, "n": rounded(expected), "low": rounded(low), "high": high and rounded(high)}
    if low <= labels:
        text = (
            _("{target:.0%} is expected at {n:,} labels; it may be reached already, or never.", **values)
            if high is None
            else _(
                "{target:.0%} is expected at {n:,} labels, by {high:,} at the latest; it may be reached already.",
                **values,
            )
        )
    elif high is None:
        text = _("{target:.0%} is expected at {n:,} labels, at {low:,} at the earliest, and perhaps never.", **values)
    else:
        text = _("{target:.0%} is expected at {n:,} labels ({low:,} to {high:,}).", **values)
    if hours is None:
        return text
    return text + " " + _("That is about {hours} h more.", hours=amount((expected - labels) * hours))


def _reached(target: float, since: float, surely: bool) -> str:
    if surely:
        return _(
            "The learning curve fitted to all rounds shows that {target:.0%} has been reached since about {n:,}"
            " labels.",
            target=target,
            n=rounded(since),
        )
    return _(
        "The learning curve fitted to all rounds suggests that {target:.0%} is about reached. It is less certain than"
        " the interval of a single round, because it also accounts for the variation between rounds.",
        target=target,
    )


def step_in_words(step: Step) -> str:
    """A sentence on whether the last two rounds differ significantly."""
    values = {
        "before": step.before,
        "now": step.now,
        "gain": 100 * step.gain.value,
        "low": 100 * step.gain.low,
        "high": 100 * step.gain.high,
    }
    if step.gain.low > 0:
        return _("Round {now} is better than round {before}, by {gain:.1f} points ({low:.1f} to {high:.1f}).", **values)
    if step.gain.high < 0:
        return _("Round {now} is worse than round {before}: {gain:.1f} points ({low:.1f} to {high:.1f}).", **values)
    return _(
        "Rounds {before} and {now} cannot be told apart: on the same items the difference is {gain:+.1f} points"
        " ({low:+.1f} to {high:+.1f}).",
        **values,
    )


def gain_in_words(now: Metrics, before: Metrics) -> str | None:
    """As `step_in_words`, for rounds without stored forecasts: None unless the interval is wider than the gain."""
    gain, width = now.accuracy - before.accuracy, now.high - now.low
    if width <= gain:
        return None
    return _(
        "The last two rounds cannot be told apart: the interval is {width:.1f} points wide, the difference is"
        " {gain:+.1f}.",
        width=100 * width,
        gain=100 * gain,
    )


def width_in_words(measured: Metrics, left: int) -> str:
    """A sentence on the width of the accuracy's interval, and on the labels that would narrow it.

    Args: left: holdout items without a label.
    """
    # the size of a simple random sample with this width, since items of active testing are not equally informative
    more = labels_to_halve(measured.accuracy, items_for(measured.accuracy, measured.high - measured.low))
    text = _(
        "The interval is {width:.1f} points wide; {more:,} more labels of the holdout would halve it.",
        width=100 * (measured.high - measured.low),
        more=more,
    )
    if left < more:
        text += " " + n_(
            "The holdout has one item without a label.", "The holdout has {n:,} items without a label.", left
        )
    return text


def rounded(n: float) -> int:
    """Rounded to two digits; the projection is no more precise."""
    n = round(n)
    return n if n < 100 else round(n, 2 - len(str(n)))


def amount(hours: float) -> str:
    """Hours as text, rounded to a sensible number of digits."""
    return f"{hours:.1f}" if hours < 10 else f"{rounded(hours):,}"
