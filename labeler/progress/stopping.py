"""Stopping rules, each with its evidence and a back-test on the project's own history.

A rule is a function of the history up to a round and never sees later rounds. It is evidence for a decision; it stops
labeling only if the project asks for that.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from labeler.core.rounds import Rule
from labeler.i18n.messages import mark
from labeler.progress.curves import fit_curve


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of the rules.

    target: accuracy. kappa: mean agreement of successive models over `kappa_rounds` rounds.
    uncertainty: mean of 1 − the highest probability. gain: expected gain in accuracy of the next batch.
    """

    target: float = 0.9
    kappa: float = 0.99
    kappa_rounds: int = 3
    uncertainty: float = 0.05
    gain: float = 0.002


@dataclass(frozen=True)
class History:
    """The rounds in order, as tuples of equal length; missing measurements are None.

    asked: labels without those of items that people chose, which say nothing about what the next query brings; None: as
    many as the labels.
    accuracy, low, high: on the holdout, with the 95% interval. agreement: Cohen's kappa with the round before, and
    uncertainty: mean of 1 − the highest probability, both on the stop set. spent: answers paid from the budget.
    pool_left: pool items that could still get a label; in place of the latest, those that can today. holdout: items
    that accuracy is measured on. batch: labels of a batch. payable: answers in all that the budget pays for and the
    data need; None: as many as the budget.
    newer_missing: labels of holdout items of later imports that are missing before accuracy is also of these.
    """

    numbers: tuple[int, ...]
    labels: tuple[int, ...]
    accuracy: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    agreement: tuple[float | None, ...]
    uncertainty: tuple[float | None, ...]
    spent: tuple[int, ...]
    pool_left: tuple[int, ...]
    holdout: int
    budget: int
    batch: int
    payable: int | None = None
    asked: tuple[int, ...] | None = None
    newer_missing: int = 0

    @property
    def queried(self) -> tuple[int, ...]:
        """The labels at each round without those of items that people chose."""
        return self.labels if self.asked is None else self.asked

    @property
    def next_batch(self) -> int:
        """The pool labels that the next batch can have."""
        return min(self.batch, self.pool_left[-1]) if len(self) else self.batch

    def __len__(self) -> int:
        return len(self.numbers)

    def until(self, rounds: int) -> "History":
        """The history of the first `rounds` rounds."""
        return replace(
            self,
            numbers=self.numbers[:rounds],
            labels=self.labels[:rounds],
            accuracy=self.accuracy[:rounds],
            low=self.low[:rounds],
            high=self.high[:rounds],
            agreement=self.agreement[:rounds],
            uncertainty=self.uncertainty[:rounds],
            spent=self.spent[:rounds],
            pool_left=self.pool_left[:rounds],
            asked=self.queried[:rounds],
            newer_missing=self.newer_missing if rounds >= len(self) else 0,
        )


@dataclass(frozen=True)
class Evidence:
    """A rule's judgement of the last round: `value` against `threshold`. value: None if unknown; `why_not` says why."""

    rule: Rule
    met: bool
    value: float | None
    threshold: float
    why_not: str = ""


@dataclass(frozen=True)
class Backtest:
    """Where a rule would first have stopped this project. All but `rule` are None if it never would have.

    lost: gain in accuracy from that round to the latest. saved: labels given since that round, but of items that
    people chose.
    """

    rule: Rule
    round: int | None = None
    labels: int | None = None
    accuracy: float | None = None
    lost: float | None = None
    saved: int | None = None


UNMEASURED = mark("No round has been measured on the holdout yet.")
TOO_FEW_ROUNDS = mark("There are too few rounds to compare successive models.")
WHOLE_POOL = mark("There is no next batch: the whole pool is labeled.")
NEWER_UNMEASURED = mark(
    "Items came with later imports, and the accuracy is not of these yet: too few of their holdout items have a label."
)
UNPREDICTED = mark("There is no round yet whose predictions were kept.")


def target(history: History, thresholds: Thresholds) -> Evidence:
    """Met if the low end of the accuracy's 95% interval has reached the target, of all items that the holdout has."""
    low = history.low[-1] if len(history) else None
    if low is None:
        return Evidence("target", False, None, thresholds.target, UNMEASURED)
    if history.newer_missing:
        return Evidence("target", False, None, thresholds.target, NEWER_UNMEASURED)
    return Evidence("target", low >= thresholds.target, low, thresholds.target)


def budget(history: History, thresholds: Thresholds) -> Evidence:
    """Met if the budget is spent."""
    spent = history.spent[-1] if len(history) else 0
    return Evidence("budget", spent >= history.budget, spent, history.budget)


def stable(history: History, thresholds: Thresholds) -> Evidence:
    """Met if the predictions for the stop set have hardly changed for some rounds.

    Source: Bloodgood and Vijay-Shanker 2009, "A method for stopping active learning based on stabilizing predictions".
    """
    latest = history.agreement[-thresholds.kappa_rounds :]
    kappas = [kappa for kappa in latest if kappa is not None]
    if len(kappas) < thresholds.kappa_rounds:
        return Evidence("stable", False, None, thresholds.kappa, TOO_FEW_ROUNDS)
    mean = sum(kappas) / len(kappas)
    return Evidence("stable", mean >= thresholds.kappa, mean, thresholds.kappa)


def confident(history: History, thresholds: Thresholds) -> Evidence:
    """Met if the model is confident on the stop set; whether it is right is another question.

    Source: Zhu, Wang and Hovy 2008, "Learning a stopping criterion for active learning"; Zhu et al. 2010,
            "Confidence-based stopping criteria for active learning for data annotation" (overall uncertainty).
    """
    value = history.uncertainty[-1] if len(history) else None
    if value is None:
        return Evidence("confident", False, None, thresholds.uncertainty, UNPREDICTED)
    return Evidence("confident", value <= thresholds.uncertainty, value, thresholds.uncertainty)


def gain(history: History, thresholds: Thresholds) -> Evidence:
    """Met if the high end of the next batch's expected gain (95% interval) is below the threshold.

    The high end counts, since an uncertain curve must not be a reason to stop.
    """
    measured = [(n, a) for n, a in zip(history.queried, history.accuracy, strict=True) if a is not None]
    curve = fit_curve([n for n, _a in measured], [a for _n, a in measured], history.holdout)
    if not history.next_batch:
        return Evidence("gain", False, None, thresholds.gain, WHOLE_POOL)
    expected = curve.gain(history.next_batch)
    if expected is None:
        return Evidence("gain", False, None, thresholds.gain, curve.why_not)
    return Evidence("gain", expected.high < thresholds.gain, expected.high, thresholds.gain)


def exhausted(history: History, thresholds: Thresholds) -> Evidence:
    """Met if no item of the pool can get a label any more."""
    if not len(history):
        return Evidence("exhausted", False, None, 0, mark("No round is finished yet."))
    left = history.pool_left[-1]
    return Evidence("exhausted", left == 0, left, 0)


RULES: dict[Rule, Callable[[History, Thresholds], Evidence]] = {
    "target": target,
    "budget": budget,
    "stable": stable,
    "confident": confident,
    "gain": gain,
    "exhausted": exhausted,
}


def evidence(history: History, thresholds: Thresholds) -> list[Evidence]:
    """The evidence of each rule at the latest round, in the order of `RULES`."""
    return [rule(history, thresholds) for rule in RULES.values()]


def met(rules: Iterable[str], history: History, thresholds: Thresholds) -> Evidence | None:
    """The evidence of the first of these rules that the latest round meets; None if it meets none.

    Args: rules: names of `RULES`; others are never met.
    """
    judgements = (rule(history, thresholds) for name, rule in RULES.items() if name in set(rules))
    return next((judgement for judgement in judgements if judgement.met), None)


def backtest(rule: Rule, history: History, thresholds: Thresholds) -> Backtest:
    """The back-test of a rule that is evaluated at the end of each round."""
    for rounds in range(1, len(history) + 1):
        if RULES[rule](history.until(rounds), thresholds).met:
            at, last = rounds - 1, len(history) - 1
            then, today = history.accuracy[at], history.accuracy[last]
            return Backtest(
                rule,
                history.numbers[at],
                history.labels[at],
                then,
                None if then is None or today is None else today - then,
                history.queried[last] - history.queried[at],
            )
    return Backtest(rule)


def backtests(history: History, thresholds: Thresholds, rules: Sequence[Rule] = tuple(RULES)) -> list[Backtest]:
    """`backtest` of each rule."""
    return [backtest(rule, history, thresholds) for rule in rules]
