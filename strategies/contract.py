"""What every strategy promises, as code: one list of checks, for the tests and for `labeler check-strategy`."""

# ruff: noqa: N818 - an exception is named after what is wrong

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from strategies.base import Candidates, InvalidCandidates, InvalidScores, PoolExhausted, Strategy, StrategyError
from strategies.worlds import arrays, generator, only_needed, pool, without_ties

SEEDS = 60  # draws that are compared where a strategy draws
LARGE = 100_000


class BrokenPromise(StrategyError):
    """A strategy does not keep what every strategy promises; the message says how it shows."""


@dataclass(frozen=True)
class Check:
    """A promise in words, and the function that raises StrategyError for a strategy that breaks it."""

    name: str
    promise: str
    function: Callable[[Strategy], None]
    hint: bool = False  # worth saying, but no reason to refuse somebody's file

    def broken(self, strategy: Strategy) -> str | None:
        """One sentence on how the strategy breaks the promise, with file and line; None if it keeps it."""
        try:
            self.function(strategy)
        except StrategyError as error:
            code = getattr(strategy.function, "__code__", None)
            file = Path(code.co_filename).name if code else ""
            if not code or f"{file}, line" in str(error):
                return str(error)
            return f"{file}, line {code.co_firstlineno}: {error}"
        return None


CHECKS: list[Check] = []


def promise(function: Callable[[Strategy], None]) -> Callable[[Strategy], None]:
    """Make the function a check of the contract; its docstring begins with the promise."""
    CHECKS.append(_check(function))
    return function


def _check(function: Callable[[Strategy], None], hint: bool = False) -> Check:
    return Check(function.__name__, (inspect.getdoc(function) or "").split("\n")[0], function, hint)


# ---------------------------------------------------------------- asking


def _ask(strategy: Strategy, c: Candidates, n: int, seed: int = 7, world: str = "") -> list[int]:
    """The positions that the strategy gives; `world` says on what it was tried, where that is out of the ordinary."""
    try:
        positions = strategy.query(c, n, generator(seed)).positions.tolist()
    except StrategyError as error:
        raise BrokenPromise(f"{world}{error}") from error
    if len(positions) != n or sorted(set(positions) & set(range(len(c)))) != sorted(positions):
        raise BrokenPromise(f"{world}{n} of {len(c)} items were asked for, and it gave the positions {positions}.")
    return positions


# ---------------------------------------------------------------- the promises


@promise
def repeatable(strategy: Strategy) -> None:
    """The same seed gives the same items."""
    first, second = _ask(strategy, pool(), 9), _ask(strategy, pool(), 9)
    if first != second:
        raise BrokenPromise(
            f"with one seed it chose {first} and then {second}: draw from `rng` alone, and remember nothing."
        )


@promise
def inputs_untouched(strategy: Strategy) -> None:
    """What it is given is not written to."""
    c, before = pool(), pool()
    for array in vars(c).values():
        array.flags.writeable = False
    _ask(strategy, c, 9, world="In arrays that cannot be written to: ")
    for name, array in vars(c).items():
        if not np.array_equal(array, getattr(before, name)):
            raise BrokenPromise(f"it changed {name}: work on a copy.")


@promise
def positions(strategy: Strategy) -> None:
    """As many positions as are asked for, none twice and all in range: for one item, some, and all."""
    for n in (1, 9, 40):
        _ask(strategy, pool(), n)


@promise
def none_for_none(strategy: Strategy) -> None:
    """None are chosen where none are asked for."""
    _ask(strategy, pool(), 0)


@promise
def too_many(strategy: Strategy) -> None:
    """More items than there are candidates are refused."""
    try:
        strategy.query(pool(), 41, generator())
    except PoolExhausted:
        return
    raise BrokenPromise("it was asked for 41 of 40 items, and did not refuse.")


@promise
def nan_refused(strategy: Strategy) -> None:
    """NaN is refused: it does not reach the strategy, and what the strategy makes of it reaches nobody."""
    for name in arrays(strategy):
        if name != "labeled_targets":
            spoiled = getattr(pool(), name).copy()
            spoiled.flat[3] = np.nan
            try:
                replace(pool(), **{name: spoiled})
            except InvalidCandidates:
                continue
            raise BrokenPromise(f"NaN in {name} was not refused.")
    nonsense = replace(strategy, function=lambda c, *_: np.full(len(c), np.nan))
    try:
        nonsense.query(pool(), 9, generator())
    except InvalidScores:
        return
    raise BrokenPromise("NaN in what it gives back was not refused.")


@promise
def any_order(strategy: Strategy) -> None:
    """The order of the candidates does not matter: scores move with them, and the same items are chosen.

    A strategy that draws chooses each item as often, over many seeds, as chance explains.
    """
    if strategy.kind == "scores":
        c, order = pool(), generator(3).permutation(40)
        # sums over the candidates may be added up in another order
        tolerance = 1e-5 if "embeddings" in strategy.needs else 1e-9
        expected, again, moved = (
            _scores(strategy, c, 7),
            _scores(strategy, c, 8),
            _scores(strategy, c.take(order), 7),
        )
        within = tolerance * max(1.0, float(np.abs(expected).max()))
        if np.abs(expected - again).max() <= within:  # it does not draw
            worst = int(np.abs(moved - expected[order]).argmax())
            if abs(moved[worst] - expected[order][worst]) > within:
                raise BrokenPromise(
                    f"the candidate at position {order[worst]} has the score {expected[order[worst]]:.6g}, and"
                    f" {moved[worst]:.6g} where the same candidates stand in another order."
                )
            return
    draws = [n for n in (1, 3, 6) if not _same_choices(strategy, n)]
    if draws:
        _same_law(strategy, draws[len(draws) // 2])


def _scores(strategy: Strategy, c: Candidates, seed: int) -> np.ndarray:
    query = strategy.query(c, len(c), generator(seed))
    values = np.empty(len(c))
    values[query.positions] = np.nan if query.scores is None else query.scores
    return values


def _draws(strategy: Strategy, n: int, seeds: int, shuffle: bool) -> np.ndarray:
    """(2, seeds, n): the items that are chosen for each seed, and the places where they stood."""
    c, drawn = without_ties(), []
    for seed in range(seeds):
        order = generator(seed).permutation(6) if shuffle else np.arange(6)
        places = _ask(strategy, c.take(order), n, seed)
        drawn.append((order[places], places))
    return np.array(drawn).swapaxes(0, 1)


def _same_choices(strategy: Strategy, n: int) -> bool:
    """Whether the same n items are chosen for a few seeds and orders."""
    items = np.concatenate([_draws(strategy, n, 5, shuffle)[0] for shuffle in (False, True)])
    return bool((items == items[0]).all())


def _same_law(strategy: Strategy, n: int) -> None:
    """The n items chosen over many seeds, as the candidates stand and shuffled anew for each, are of one law."""
    (standing, _), (shuffled, places) = (_draws(strategy, n, SEEDS, shuffle) for shuffle in (False, True))
    # how often each item (column) is at each rank (row)
    often, elsewhere = (np.eye(6)[items].mean(axis=0) for items in (standing, shuffled))
    mean = (often + elsewhere) / 2
    constant = any((items == items[0]).all() for items in (standing, shuffled))
    # five standard deviations of a difference of two shares: by chance, one of a million is farther off
    chance = np.zeros_like(mean) if constant else 5 * np.sqrt(2 * mean * (1 - mean) / SEEDS)
    rank, item = np.unravel_index(np.argmax(np.abs(often - elsewhere) - chance), mean.shape)
    if np.abs(often - elsewhere)[rank, item] > chance[rank, item]:
        raise BrokenPromise(
            f"of 6 candidates, {n} asked for, one item was choice {rank + 1} in {often[rank, item]:.0%} of the draws,"
            f" and in {elsewhere[rank, item]:.0%} where the same candidates stand in other orders."
        )
    counts = np.bincount(places[:, 0], minlength=6)
    # χ² with 5 degrees of freedom is above 36 once in a million
    if ((counts - SEEDS / 6) ** 2).sum() / (SEEDS / 6) > 36:
        raise BrokenPromise(
            f"of 6 candidates in {SEEDS} random orders, those at places 0 to 5 came first {counts.tolist()} times:"
            " it prefers places, not items."
        )


@promise
def ties(strategy: Strategy) -> None:
    """Among equal candidates the generator decides, so that none is preferred for its place."""
    equal = pool(5).take(np.zeros(5, dtype=int))
    firsts: set[int] = set()
    for seed in range(SEEDS):  # each of five is missed by 60 draws once in 650,000
        firsts |= {_ask(strategy, equal, 1, seed)[0]}
        if len(firsts) == 5:
            return
    raise BrokenPromise(
        f"of five equal candidates only those at {sorted(firsts)} ever came first, in {SEEDS} draws:"
        " put them in an order that `rng` draws."
    )


@promise
def one_class(strategy: Strategy) -> None:
    """It works where there is one class."""
    _ask(strategy, pool(classes=1), 9, world="With one class: ")


@promise
def one_member(strategy: Strategy) -> None:
    """It works where the committee has one member."""
    _ask(strategy, pool(members=1), 9, world="With one member: ")


@promise
def one_label(strategy: Strategy) -> None:
    """It works with one label."""
    _ask(strategy, pool(labeled=1), 9, world="With one label: ")


@promise
def no_labels(strategy: Strategy) -> None:
    """It works before there is a label, also where all items are asked for."""
    for n in (9, 40):
        _ask(strategy, pool(labeled=0), n, world="Without labels: ")


@promise
def one_candidate(strategy: Strategy) -> None:
    """It works with one candidate, which is the answer."""
    for labeled in (0, 12):
        _ask(strategy, pool(n=1, labeled=labeled), 1, world="With one candidate: ")


@promise
def extremes(strategy: Strategy) -> None:
    """It works where the model is certain, and where an item's features are all zero."""
    c = pool()
    certain = np.eye(4)[np.arange(40) % 4]
    empty = np.zeros_like(c.embeddings)
    worlds = {
        "Where the model is certain of each item: ": {"proba": certain, "member_proba": np.stack([certain] * 5)},
        "Where all features are zero: ": {"embeddings": empty},
    }
    for world, changes in worlds.items():
        _ask(strategy, replace(c, **changes), 9, world=world)


@promise
def needs_suffice(strategy: Strategy) -> None:
    """It works with nothing but what it says that it needs."""
    _ask(strategy, only_needed(strategy, pool()), 9, world=f"With nothing but {arrays(strategy) or 'ids'}: ")


@promise
def needs_named(strategy: Strategy) -> None:
    """What it needs and does not get is named."""
    for missing in arrays(strategy):
        try:
            strategy.query(replace(pool(), **{missing: None}), 1, generator())  # type: ignore[arg-type]
        except InvalidCandidates as error:
            if missing in str(error):
                continue
        raise BrokenPromise(f"it needs {missing}, was not given it, and did not say so.")


def documented(strategy: Strategy) -> None:
    """It says what it asks in one sentence, names its source, and belongs to a family."""
    if not strategy.summary.endswith("."):
        raise BrokenPromise("begin its docstring with one sentence on what it asks, for those who choose by it.")
    if not strategy.source:
        raise BrokenPromise("name the paper or the person behind it in its docstring: `Source: …`.")
    if strategy.family in ("", "custom"):
        raise BrokenPromise("say which family it is of: `FAMILY = …` in the file.")


CHECKS.append(_check(documented, hint=True))


def in_time(strategy: Strategy) -> None:
    """It ranks 100,000 candidates in time."""
    _ask(strategy, pool(LARGE, 10, 5, 500, 384, arrays(strategy)), 100)


# Not in the list: how long is too long depends on the machine, and is for the caller to say.
IN_TIME = _check(in_time)
