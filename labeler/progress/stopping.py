"""Rules that say when labeling can stop, side by side, each with its evidence and tried on the project's own past.

A rule is a function of the history up to a round: it never sees a later one. What it says is evidence for a decision;
nothing stops because of it unless the project asks for that.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from labeler.core.rounds import Rule
from labeler.i18n.messages import mark
from labeler.progress.curves import fit_curve


@dataclass(frozen=True)
class Thresholds:
    """What the rules compare with.

    target: accuracy. kappa: of agreement between successive models, in the mean of `kappa_rounds`.
    uncertainty: mean of 1 − the highest probability. gain: accuracy that the next batch brings.
    """

    target: float = 0.9
    kappa: float = 0.99
    kappa_rounds: int = 3
    uncertainty: float = 0.05
    gain: float = 0.002


@dataclass(frozen=True)
class History:
    """Rounds in order, all tuples of one length; what was not measured is None.

    accuracy, low, high: on the holdout, with the 95 % interval. agreement: Cohen's kappa with the round before, and
    uncertainty: mean of 1 − the highest probability, both on the stop set. spent: answers that the budget had paid.
    pool_left: items without a label. holdout: items that accuracy is measured on. batch: labels that come next.
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

    def __len__(self) -> int:
        return len(self.numbers)

    def until(self, rounds: int) -> "History":
        """The first so many rounds: what was known then."""
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
        )


@dataclass(frozen=True)
class Evidence:
    """What a rule says of the last round, by comparing `value` with `threshold`; None: `why_not` says why it cannot."""

    rule: Rule
    met: bool
    value: float | None
    threshold: float
    why_not: str = ""


@dataclass(frozen=True)
class Backtest:
    """Where a rule would have stopped this project first. All but `rule` are None where it never would have.

    lost: accuracy by which the latest round is better than the one it would have stopped at. saved: labels since then.
    """

    rule: Rule
    round: int | None = None
    labels: int | None = None
    accuracy: float | None = None
    lost: float | None = None
    saved: int | None = None


UNMEASURED = mark("No round has been measured on the holdout yet.")
TOO_FEW_ROUNDS = mark("There are too few rounds to compare successive models.")
UNPREDICTED = mark("There is no round yet whose predictions were kept.")


def target(history: History, thresholds: Thresholds) -> Evidence:
    """The low end of the accuracy's 95 % interval has reached the target: it is reached even with bad luck."""
    low = history.low[-1] if len(history) else None
    if low is None:
        return Evidence("target", False, None, thresholds.target, UNMEASURED)
    return Evidence("target", low >= thresholds.target, low, thresholds.target)


def budget(history: History, thresholds: Thresholds) -> Evidence:
    """As many answers were given as were to be paid."""
    spent = history.spent[-1] if len(history) else 0
    return Evidence("budget", spent >= history.budget, spent, history.budget)


def stable(history: History, thresholds: Thresholds) -> Evidence:
    """Successive models have said nearly the same of the stop set for some rounds.

    Source: Bloodgood and Vijay-Shanker 2009, "A method for stopping active learning based on stabilizing predictions".
    """
    latest = history.agreement[-thresholds.kappa_rounds :]
    kappas = [kappa for kappa in latest if kappa is not None]
    if len(kappas) < thresholds.kappa_rounds:
        return Evidence("stable", False, None, thresholds.kappa, TOO_FEW_ROUNDS)
    mean = sum(kappas) / len(kappas)
    return Evidence("stable", mean >= thresholds.kappa, mean, thresholds.kappa)


def confident(history: History, thresholds: Thresholds) -> Evidence:
    """The model is sure of nearly all of the stop set; whether it is right is another question.

    Source: Zhu, Wang and Hovy 2008, "Learning a stopping criterion for active learning"; Zhu et al. 2010,
            "Confidence-based stopping criteria for active learning for data annotation" (overall uncertainty).
    """
    value = history.uncertainty[-1] if len(history) else None
    if value is None:
        return Evidence("confident", False, None, thresholds.uncertainty, UNPREDICTED)
    return Evidence("confident", value <= thresholds.uncertainty, value, thresholds.uncertainty)


def gain(history: History, thresholds: Thresholds) -> Evidence:
    """The next batch is not expected to bring much: the high end of its expected gain's 95 % interval is low.

    The high end, since a curve that says little about itself must not be a reason to stop.
    """
    measured = [(n, a) for n, a in zip(history.labels, history.accuracy, strict=True) if a is not None]
    curve = fit_curve([n for n, _a in measured], [a for _n, a in measured], history.holdout)
    expected = curve.gain(history.batch)
    if expected is None:
        return Evidence("gain", False, None, thresholds.gain, curve.why_not)
    return Evidence("gain", expected.high < thresholds.gain, expected.high, thresholds.gain)


def exhausted(history: History, thresholds: Thresholds) -> Evidence:
    """No item of the pool is without a label."""
    left = history.pool_left[-1] if len(history) else None
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
    """What each rule says of the latest round, in the order of `RULES`."""
    return [rule(history, thresholds) for rule in RULES.values()]


def met(rules: Iterable[str], history: History, thresholds: Thresholds) -> Evidence | None:
    """The evidence of the first of these rules that is met by the latest round; None if none is.

    Args: rules: names of `RULES`; others are never met.
    """
    judgements = (rule(history, thresholds) for name, rule in RULES.items() if name in set(rules))
    return next((judgement for judgement in judgements if judgement.met), None)


def backtest(rule: Rule, history: History, thresholds: Thresholds) -> Backtest:
    """Where a rule would have stopped first, asked at the end of each round, and what that cost and saved."""
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
                history.labels[last] - history.labels[at],
            )
    return Backtest(rule)


def backtests(history: History, thresholds: Thresholds, rules: Sequence[Rule] = tuple(RULES)) -> list[Backtest]:
    """`backtest` of each rule."""
    return [backtest(rule, history, thresholds) for rule in rules]
