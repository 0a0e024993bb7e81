"""What every strategy must keep, whoever wrote it: each registered one and each adapter's, held to each promise.

A new file in strategies/ is tested here without a word; the promises are in `strategies/contract.py`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
import pytest

from strategies import Candidates, Query, Strategy, get, registered
from strategies.contract import CHECKS, IN_TIME, Check
from strategies.modal import NAMES as MODAL
from strategies.skactiveml import NAMES as SKACTIVEML

# Of scikit-activeml's, those that fit a classifier for each candidate take minutes; test_skactiveml.py tries them.
# Those that take up to a second a choice are not asked for the hundreds of choices that a comparison of orders needs.
SLOW = ("EpistemicUncertaintySampling", "MonteCarloEER", "ValueOfInformationEER")
SLOW_TO_SHUFFLE = (
    "CostEmbeddingAL",
    "TypiClust",
    "ProbCover",
    "Badge",
    "Clue",
    "DiscriminativeAL",
    "DropQuery",
    "FourDs",
)
# What the libraries' own code breaks: told to who runs into it, and not repaired.
FAULTS: dict[str, dict[str, str]] = {
    "modAL.batch.uncertainty_batch_sampling": {"no_labels": "positions that repeat"},
    "skactiveml.pool.UncertaintySampling.margin_sampling": {"one_class": "out of bounds"},
    "skactiveml.pool.Falcun": {"one_class": "out of bounds"},
    "skactiveml.pool.Badge": {"one_class": "positions that repeat"},
    "skactiveml.pool.BatchBALD": dict.fromkeys(("one_class", "one_member", "extremes"), "positions that repeat"),
    "skactiveml.pool.TypiClust": {"extremes": "positions that repeat"},
    "skactiveml.pool.ProbCover": {"one_candidate": "should be >= n_clusters"},
    "skactiveml.pool.FourDs": {
        "one_class": "out of bounds",
        "one_candidate": "a minimum of 2 is required",
        "extremes": "positions that repeat",
    },
}
EVERY = [*registered(), *MODAL]
if find_spec("skactiveml"):
    EVERY += [name for name in SKACTIVEML if not any(slow in name for slow in SLOW)]


@pytest.fixture
def quick_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    """CostEmbeddingAL scales distances in two steps, not 300: no promise depends on it."""
    if find_spec("skactiveml"):
        from skactiveml.pool import _cost_embedding_al as library

        scaling = library.MDSP
        monkeypatch.setattr(library, "MDSP", lambda **options: scaling(**options | {"max_iter": 2}))


@pytest.mark.slow
@pytest.mark.usefixtures("quick_scaling")
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.filterwarnings("ignore")  # what the libraries warn of while they work is not asked here
def test_every_strategy_keeps_every_promise(name: str) -> None:
    faults = FAULTS.get(name, {})
    to_shuffle = not any(slow in name for slow in SLOW_TO_SHUFFLE)
    broken = {
        check.name: sentence
        for check in CHECKS
        if check.name != "any_order" or to_shuffle
        if (sentence := check.broken(get(name)))
    }
    assert {check: words for check, words in broken.items() if check not in faults or faults[check] not in words} == {}
    assert faults.keys() - broken.keys() == set()  # what is mended is taken off the list


# ---------------------------------------------------------------- each check can fail, and says how in words


def scoring(function: Callable[..., object], needs: str = "proba") -> Strategy:
    return Strategy("scoring", "test", frozenset([needs]), "scores", function)  # type: ignore[arg-type, list-item]


def selecting(function: Callable[..., object], needs: str = "embeddings") -> Strategy:
    return Strategy("selecting", "test", frozenset([needs]), "selects", function)  # type: ignore[arg-type, list-item]


@dataclass(frozen=True)
class Lax(Strategy):
    """A strategy that answers whatever it is asked, and checks nothing."""

    def query(self, candidates: Candidates, n: int, rng: np.random.Generator) -> Query:
        return Query(np.asarray(self.function(candidates, n, rng)), None)


def lax(function: Callable[..., object], needs: str = "proba") -> Strategy:
    return Lax("lax", "test", frozenset([needs]), "selects", function)  # type: ignore[arg-type, list-item]


def first(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.arange(n)


def sound(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(len(c), n, replace=False)


def unless(broken: Callable[[Candidates], bool]) -> Strategy:
    """A strategy whose code fails in some worlds."""

    def function(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
        if broken(c):
            raise ZeroDivisionError("float division")
        return sound(c, n, rng)

    return selecting(function)


def writes(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    c.proba[0] = 0
    return np.zeros(len(c))


def writes_all_the_same(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    c.embeddings.flags.writeable = True
    c.embeddings[0] = 0
    return sound(c, n, rng)


def of_the_first_half(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
    """It draws, but prefers the items that stand first."""
    return rng.permutation(max(n, len(c) // 2))[:n]


def above_the_one_before(c: Candidates, rng: np.random.Generator) -> np.ndarray:
    return np.diff(c.proba[:, 0], prepend=0.0)


GLOBAL = np.random.default_rng()

BROKEN: list[tuple[str, Strategy, str]] = [
    ("repeatable", scoring(lambda c, rng: GLOBAL.random(len(c))), "draw from `rng` alone"),
    (
        "inputs_untouched",
        scoring(writes),
        r"test_contract\.py, line \d+: ValueError: assignment destination is read-only",
    ),
    ("inputs_untouched", selecting(writes_all_the_same), "it changed embeddings: work on a copy"),
    ("positions", selecting(lambda c, n, rng: np.zeros(n, dtype=int)), "positions that repeat or lie outside"),
    ("positions", selecting(lambda c, n, rng: c.ids[:n]), "positions that repeat or lie outside"),
    ("positions", lax(lambda c, n, rng: c.ids[:n]), r"1 of 40 items were asked for, and it gave .* \[1000000\]"),
    ("positions", scoring(lambda c, rng: c.proba), r"returned shape \(40, 4\), not \(40,\)"),
    (
        "none_for_none",
        lax(lambda c, n, rng: np.arange(max(n, 1))),
        r"0 of 40 items were asked for, and it gave .* \[0\]",
    ),
    ("too_many", lax(first), "41 of 40 items, and did not refuse"),
    ("nan_refused", lax(first), "NaN in what it gives back was not refused"),
    ("any_order", scoring(above_the_one_before), r"the candidate at position \d+ has the score .* in another order"),
    ("any_order", selecting(first), "choice [123] in 100% of the draws, and in [12].% where"),
    ("any_order", selecting(of_the_first_half), r"came first \[\d+, \d+, \d+, 0, 0, 0\] times: it prefers places"),
    ("ties", selecting(first), r"those at \[0\] ever came first"),
    ("one_class", scoring(lambda c, rng: np.sort(c.proba)[:, -2]), "With one class: .* IndexError: index -2"),
    ("one_member", unless(lambda c: len(c.member_proba) == 1), "With one member: .* ZeroDivisionError"),
    ("one_label", unless(lambda c: len(c.labeled_targets) == 1), "With one label: .* ZeroDivisionError"),
    ("no_labels", unless(lambda c: len(c.labeled_targets) == 0), "Without labels: .* ZeroDivisionError"),
    ("one_candidate", unless(lambda c: len(c) == 1), "With one candidate: .* ZeroDivisionError"),
    (
        "extremes",
        scoring(lambda c, rng: -(c.proba * np.log(c.proba)).sum(axis=1)),
        "certain .* candidate 0 the score nan",
    ),
    ("extremes", unless(lambda c: not c.embeddings.any()), "all features are zero: .* ZeroDivisionError"),
    ("needs_suffice", unless(lambda c: c.proba is None), r"With nothing but \['embeddings'\]: .* ZeroDivisionError"),
    ("needs_named", lax(first, "labeled"), "it needs labeled_embeddings, was not given it, and did not say so"),
    ("documented", scoring(lambda c, rng: np.zeros(len(c))), "begin its docstring with one sentence"),
    ("in_time", unless(lambda c: len(c) > 1000), "ZeroDivisionError"),
]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(("name", "strategy", "says"), BROKEN, ids=[name for name, _, _ in BROKEN])
def test_a_broken_promise_is_found_and_told_with_its_place(name: str, strategy: Strategy, says: str) -> None:
    (check,) = (check for check in [*CHECKS, IN_TIME] if check.name == name)
    sentence = check.broken(strategy)
    assert sentence is not None
    assert re.search(says, sentence), sentence
    assert "test_contract.py, line " in sentence


def test_each_check_is_shown_to_fail() -> None:
    assert {name for name, _, _ in BROKEN} == {check.name for check in [*CHECKS, IN_TIME]}


@pytest.mark.parametrize("needs", ["proba", "member_proba", "embeddings", "labeled"])
def test_nan_that_candidates_would_let_pass_is_found(monkeypatch: pytest.MonkeyPatch, needs: str) -> None:
    monkeypatch.setattr(Candidates, "__post_init__", lambda self: None)
    (check,) = (check for check in CHECKS if check.name == "nan_refused")
    assert "was not refused" in str(check.broken(selecting(sound, needs)))


@pytest.mark.parametrize(
    ("doc", "family", "says"),
    [
        ("Items that are near.", "mine", "name the paper"),
        ("Items that are near. Source: my notes.", "custom", "which family it is of"),
        ("Items that are near. Source: my notes.", "mine", None),
    ],
)
def test_a_strategy_needs_a_summary_and_a_source(doc: str, family: str, says: str | None) -> None:
    def function(c: Candidates, rng: np.random.Generator) -> np.ndarray:
        return np.zeros(len(c))

    function.__doc__ = doc
    (check,) = (check for check in CHECKS if check.name == "documented")
    sentence = check.broken(replace(scoring(function), family=family))
    assert sentence is None if says is None else says in str(sentence)
    assert check.hint


# ---------------------------------------------------------------- what keeps them is not accused


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize(
    "strategy",
    [
        selecting(sound),
        scoring(lambda c, rng: rng.random(len(c))),
        scoring(lambda c, rng: np.zeros(len(c))),
        scoring(lambda c, rng: (c.embeddings - c.embeddings.mean(axis=0)).sum(axis=1), "embeddings"),
    ],
    ids=["draws items", "draws scores", "all equal", "sums over the pool"],
)
def test_a_sound_strategy_passes_however_it_chooses(strategy: Strategy, check: Check) -> None:
    if not check.hint:
        assert check.broken(strategy) is None
