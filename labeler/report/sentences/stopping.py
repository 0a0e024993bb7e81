"""Sentences on the stopping rules, for the Progress page and for the report."""

from collections.abc import Callable, Mapping

from labeler.core.rounds import Rule
from labeler.i18n.messages import Message, _, mark, translate
from labeler.progress.stopping import Backtest, Evidence, History, Thresholds

NAMES: dict[Rule, str] = {
    "target": mark("Target reached"),
    "budget": mark("Budget spent"),
    "stable": mark("Predictions stable"),
    "confident": mark("Model is sure"),
    "gain": mark("Little left to gain"),
    "exhausted": mark("Pool exhausted"),
}
GO_ON = mark("A lead can let it go on under “When to stop”.")
MOST_DIGITS = 8  # of a value beside its limit
MET, NOT_MET, UNKNOWN = mark("met"), mark("not met"), mark("unknown")


def stop_reason(rule: Rule) -> Message:
    """The stored reason of a stop by a rule."""
    return mark("The rule “{rule}” is met.", rule=NAMES[rule])


def stopped_in_words(stopped: Mapping[str, str], at: str) -> str:
    """A sentence on when labeling was stopped, by whom and why.

    Args: stopped: as `Stops.current` gives it. at: its time in words, with the zone.
    """
    if stopped["by"]:
        sentence = _("Labeling has been stopped since {at} by {name}.", at=at, name=stopped["by"])
    else:
        sentence = _("Labeling has been stopped since {at} by a rule that the settings name.", at=at)
    return f"{sentence} {translate(stopped['reason'])}".strip()


def in_words(evidence: Evidence, asked: History, compared: Thresholds) -> str:
    """A rule's evidence at the latest round, with its threshold."""
    if evidence.value is None:
        return translate(evidence.why_not)
    sentences: dict[Rule, Callable[[float], str]] = {
        "target": lambda value: _(
            "The low end of the interval is {value}%, the target {target:g}%.",
            value=_beside(100 * value, 100 * compared.target, 1),
            target=100 * compared.target,
        ),
        "budget": lambda value: _spent(value, asked),
        "stable": lambda value: _(
            "Successive models agree with a mean kappa of {value} over the last {n}; the rule needs {kappa:g}.",
            value=_beside(value, compared.kappa, 3),
            n=compared.kappa_rounds,
            kappa=compared.kappa,
        ),
        "confident": lambda value: _(
            "The model's mean uncertainty is {value}%; the rule needs {most:.1%} or less.",
            value=_beside(100 * value, 100 * compared.uncertainty, 1),
            most=compared.uncertainty,
        ),
        "gain": lambda value: _(
            "The next {n:,} pool labels gain {value} points at most (upper end of the 95% interval); the rule"
            " needs less than {least:.2f}.",
            n=asked.next_batch,
            value=_beside(100 * value, 100 * compared.gain, 2),
            least=100 * compared.gain,
        ),
        "exhausted": lambda value: _("Today {value:,.0f} items of the pool can still get a label.", value=value),
    }
    return sentences[evidence.rule](evidence.value)


def _beside(value: float, limit: float, digits: int) -> str:
    """The value with so many digits, or as many as tell it from the limit that it is compared with."""
    while digits < MOST_DIGITS and round(value, digits) == round(limit, digits) and abs(value - limit) > 1e-9:
        digits += 1
    return f"{value:.{digits}f}"


def _spent(value: float, asked: History) -> str:
    """The answers paid at the latest round, of the budget; and whether the data need less than that."""
    if not len(asked):
        return _("No answer is paid yet; the budget is {budget:,}.", budget=asked.budget)
    text = _(
        "At round {round}, {value:,.0f} answers of a budget of {budget:,} were paid.",
        round=asked.numbers[-1],
        value=value,
        budget=asked.budget,
    )
    if asked.payable is None or asked.payable >= asked.budget:
        return text
    return text + " " + _("The data need {n:,} answers in all, so the budget will not be used up.", n=asked.payable)


def back_in_words(back: Backtest, asked: History) -> str:
    """A rule's back-test: the round at which it would have stopped, the accuracy lost and the labels saved."""
    if back.round is None or back.saved is None:
        return _("Would not have stopped so far.")
    if back.round == asked.numbers[-1]:
        return _("Would stop now, for the first time.")
    if back.lost is None:
        return _(
            "Would have stopped at round {round}, {saved:,} pool labels earlier; nothing was measured then.",
            round=back.round,
            saved=back.saved,
        )
    values = {"round": back.round, "saved": back.saved, "points": abs(100 * back.lost)}
    if back.lost >= 0:
        return _(
            "Would have stopped at round {round}, {points:.1f} points below today, {saved:,} pool labels earlier.",
            **values,
        )
    return _(
        "Would have stopped at round {round}, {points:.1f} points above today, {saved:,} pool labels earlier.", **values
    )
