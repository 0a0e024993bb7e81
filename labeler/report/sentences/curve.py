"""Sentences on the learning curve, in the current language: its projection, and what it cannot tell."""

from dataclasses import dataclass

from labeler.core.rounds import Metrics
from labeler.i18n.messages import _, n_, translate
from labeler.measure.intervals import items_for, labels_to_halve, width
from labeler.progress.curves import FLAT, Projection
from labeler.progress.history import Step
from labeler.report.sentences.groups import basis_in_words


@dataclass(frozen=True)
class Outlook:
    """What a headline says of the curve.

    measured: the latest measured round. labels: pool labels of today. most: pool labels up to which the curve is
    projected. whole_pool: whether there can be no more than that. affordable: pool labels at which the budget is spent;
    None: it pays for all that can be labeled. hours: that one more label takes; None: unknown. holdout_left: holdout
    items that can still get a label.
    """

    projection: Projection
    target: float
    measured: Metrics
    labels: int
    most: float
    whole_pool: bool
    affordable: float | None = None
    hours: float | None = None
    holdout_left: int = 0

    def in_words(self) -> str:
        """What is known, how certain that is, and what to do."""
        return " ".join(sentence for sentence in (self._now(), self._ahead(), self._advice()) if sentence)

    @property
    def _reached(self) -> bool:
        return self.measured.low >= self.target

    @property
    def _done(self) -> bool:
        """Whether no pool item can get a label any more."""
        return self.whole_pool and self.labels >= round(self.most)

    def _now(self) -> str:
        values = {
            "target": 100 * self.target,
            "accuracy": self.measured.accuracy,
            "low": 100 * self.measured.low,
            "high": self.measured.high,
        }
        if self._reached:
            return _("{target:g}% is reached: the accuracy is {accuracy:.1%} (95%: {low:.1f} – {high:.1%}).", **values)
        if self.measured.high < self.target:
            return _(
                "{target:g}% is not reached: the accuracy is {accuracy:.1%} (95%: {low:.1f} – {high:.1%}).", **values
            )
        return _(
            "Whether {target:g}% is reached is not certain: the accuracy is {accuracy:.1%} (95%: {low:.1f} –"
            " {high:.1%}).",
            **values,
        )

    def _ahead(self) -> str:
        """Where the curve leads, as far as that says more than the latest round does."""
        projection, labels = self.projection, self.labels
        low = projection.low
        if self._reached:
            return ""
        if self._done:
            return _("The whole pool is labeled, {n:,} items.", n=labels)
        if projection.why_not == FLAT:
            return _(
                "How fast it still rises cannot be told from chance yet, so there is no forecast of when the target is"
                " reached."
            )
        if projection.why_not:
            return translate(projection.why_not)
        if low is None:
            if self.whole_pool:
                return _(
                    "If the model goes on learning as it has so far, the curve stays below it even with labels of all"
                    " {n:,} pool items that can get one (97.5% certain).",
                    n=round(self.most),
                )
            return _(
                "If the model goes on learning as it has so far, the curve stays below it up to {n:,} pool labels"
                " (97.5% certain); it is projected no further.",
                n=rounded(self.most),
            )
        return self._crossing(low)

    def _crossing(self, low: float) -> str:
        """The pool labels at which the curve reaches the target. Args: low: of the projection."""
        expected, high, labels = self.projection.expected, self.projection.high, self.labels
        may_be_reached = self.measured.high >= self.target  # else the latest round says that it is not
        if expected is None:
            if low > labels:
                text = _(
                    "The curve reaches it at {low:,} pool labels at the earliest (97.5% certain), and perhaps never.",
                    low=rounded(low),
                )
                return " ".join([text, *self._end_of_budget(low)])
            if may_be_reached:
                return _("The curve may have reached it already, or may never do so.")
            return _("The curve may reach it with more labels, or may never do so.")
        if expected <= labels:
            if may_be_reached and high is not None and high <= labels:
                return _("The curve fitted to all rounds has reached it.")
            return _("The curve fitted to all rounds is about there, which is less certain than a single round.")
        span = span_in_words(self.projection, labels, may_be_reached)
        text = _("The curve reaches it at about {n:,} pool labels ({span}).", n=rounded(expected), span=span)
        return " ".join([text, *self._way(expected)])

    def _is_beyond_budget(self, labels: float) -> bool:
        return self.affordable is not None and labels > self.affordable

    def _end_of_budget(self, labels: float) -> list[str]:
        """A sentence on where the budget ends, if it does not last for so many pool labels."""
        if self.affordable is None or not self._is_beyond_budget(labels):
            return []
        if self.affordable <= self.labels:
            return []  # the advice says it
        return [_("The budget ends before that, at about {n:,} pool labels.", n=rounded(self.affordable))]

    def _way(self, expected: float) -> list[str]:
        """Whether the budget lasts until then, or how much work it is. Args: expected: pool labels."""
        if self._is_beyond_budget(expected):
            return self._end_of_budget(expected)
        if self.hours is None:
            return []
        low, high = self.projection.low, self.projection.high
        hours, least, most = (
            amount((max(n, self.labels) - self.labels) * self.hours) if n is not None else None
            for n in (expected, low, high)
        )
        if most is None:
            return [_("That is about {hours} h more, or longer.", hours=hours)]
        return [_("That is about {hours} h more (95%: {low} – {high}).", hours=hours, low=least, high=most)]

    def _advice(self) -> str:
        """What to do next."""
        if self._reached:
            return _("You can stop, or go on to be on the safe side.")
        out_of_reach = not self.projection.why_not and self.projection.low is None
        if self._done or out_of_reach:
            return _("What may help: more items, clearer guidelines, corrected labels, or a larger backbone.")
        if self.affordable is not None and self.affordable <= self.labels:
            return _("The budget is spent: raise it to go on.")
        if self.measured.high >= self.target and self.holdout_left:
            return _("Holdout labels make this certain sooner than pool labels do.")
        if self.projection.why_not:
            return _("Label on: each round makes this more certain.")
        expected, earliest = self.projection.expected, self.projection.low
        if expected is not None and expected <= self.labels and self.measured.high < self.target:
            return _("Label on: the next rounds show which of them is right.")
        if expected is not None and expected <= self.labels:
            return _("Label on: each round makes this more certain.")
        if expected is None and not self._is_beyond_budget(earliest or 0):
            return _("Label on for now: the next rounds show whether the curve rises enough.")
        if expected is None or self._is_beyond_budget(expected):
            return _("Raise the budget, or settle for a lower target.")
        return _("Label on: the budget pays for that.")


def span_in_words(projection: Projection, labels: int, may_be_reached: bool) -> str:
    """The 95% interval of the pool labels at which the target is reached, to stand in brackets.

    Args: projection: with an expected number of labels. labels: of today. may_be_reached: whether the latest round
          leaves it open that the target is reached today.
    """
    assert projection.low is not None  # it is no larger than the expected number
    low, high = rounded(projection.low), None if projection.high is None else rounded(projection.high)
    if projection.low > labels:
        if high is None:
            return _("95%: {low:,} at the earliest, and perhaps never", low=low)
        return _("95%: {low:,} – {high:,}", low=low, high=high)
    if high is None:
        return _("95%: perhaps already now, or never") if may_be_reached else _("95%: perhaps soon, or never")
    if may_be_reached:
        return _("95%: perhaps already now, {high:,} at the latest", high=high)
    return _("95%: {high:,} at the latest", high=high)


def step_in_words(step: Step) -> str:
    """A sentence on whether the last two rounds differ significantly."""
    gain, low, high = (f"{100 * n:+.1f}".replace("-", "−") for n in (step.gain.value, step.gain.low, step.gain.high))
    values = {"before": step.before, "now": step.now, "gain": gain, "low": low, "high": high}
    if step.gain.low > 0:
        return _("Round {now} is better than round {before}: {gain} points (95%: {low} to {high}).", **values)
    if step.gain.high < 0:
        return _(
            "Round {now} is worse than round {before}: {gain} points (95%: {low} to {high}). Look for wrong labels on"
            " the Review page.",
            **values,
        )
    return _(
        "Rounds {before} and {now} cannot be told apart: on the same items the difference is {gain} points (95%: {low}"
        " to {high}).",
        **values,
    )


def gain_in_words(now: Metrics, before: Metrics) -> str | None:
    """As `step_in_words`, for rounds without stored forecasts: None unless the interval is wider than the gain."""
    gain, width = now.accuracy - before.accuracy, now.high - now.low
    if width <= gain:
        return None
    points = f"{100 * gain:+.1f}".replace("-", "−")
    return _(
        "The last two rounds cannot be told apart: the interval is {width:.1f} points wide, the difference is"
        " {gain} points.",
        width=100 * width,
        gain=points,
    )


def width_in_words(measured: Metrics, left: int, answers: int) -> str:
    """A sentence on the width of the accuracy's interval, and on the holdout labels that would narrow it.

    Args: left: holdout items that can still get a label. answers: that the budget still pays for.
    """
    wide = measured.high - measured.low
    # the size of a simple random sample with this width, since items of active testing are not equally informative
    items = items_for(measured.accuracy, wide)
    more = labels_to_halve(measured.accuracy, items)
    text = _("The accuracy's interval is {width:.1f} points wide.", width=100 * wide)
    if measured.groups is not None:
        return f"{text} {basis_in_words(measured.groups)}"
    if left >= more > answers:
        advice = _(
            "{more:,} more holdout labels would halve it, but the budget pays for {answers:,} more answers.",
            more=more,
            answers=answers,
        )
    elif left >= more:
        advice = _("{more:,} more holdout labels would halve it.", more=more)
    elif left:
        advice = n_(
            "The {n:,} holdout item that is still to be labeled narrows it to about {width:.1f} points.",
            "The {n:,} holdout items that are still to be labeled narrow it to about {width:.1f} points.",
            left,
            width=100 * width(measured.accuracy, items + left),
        )
    else:
        advice = _(
            "Every holdout item is labeled: only an import of more items narrows it, with a column that marks them as"
            " holdout or with a share of later items in the holdout."
        )
    return f"{text} {advice}"


def rounded(n: float) -> int:
    """Rounded to two digits; the projection is no more precise."""
    n = round(n)
    return n if n < 100 else round(n, 2 - len(str(n)))


def amount(hours: float) -> str:
    """Hours as text, rounded to a sensible number of digits."""
    return f"{hours:.1f}" if hours < 10 else f"{rounded(hours):,}"
