"""The contract's own machinery: what is refused, how the best are taken, how strategies are found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import (
    Candidates,
    InvalidCandidates,
    InvalidScores,
    PoolExhausted,
    Strategy,
    StrategyError,
    UnknownStrategy,
    base,
    get,
    registered,
    scores,
    selects,
)

POOL = Candidates(ids=np.arange(3))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def scored(values: list[float]) -> Strategy:
    return Strategy("given", "test", frozenset(), "scores", lambda c, rng: np.array(values))


def selected(values: object) -> Strategy:
    return Strategy("given", "test", frozenset(), "selects", lambda c, n, rng: np.asarray(values))


# ---------------------------------------------------------------- candidates


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"proba": np.full((2, 2), 0.5)}, r"proba has shape \(2, 2\)"),
        ({"proba": np.empty((3, 0))}, r"proba has shape \(3, 0\)"),
        ({"proba": np.array([[0.5, 0.5], [0.9, 0.2], [1, 0]])}, "no probability distribution"),
        ({"proba": np.array([[0.5, 0.5], [1.5, -0.5], [1, 0]])}, "no probability distribution"),
        ({"proba": np.array([[0.5, 0.5], [np.nan, 0.5], [1, 0]])}, "no probability distribution"),
        ({"member_proba": np.full((3, 2), 0.5)}, r"member_proba has shape \(3, 2\)"),
        ({"member_proba": np.empty((0, 3, 2))}, "with M ≥ 1"),
        ({"member_proba": np.full((2, 4, 2), 0.5)}, r"member_proba has shape \(2, 4, 2\)"),
        ({"member_proba": np.full((2, 3, 2), np.nan)}, "no probability distribution"),
        ({"proba": np.full((3, 2), 0.5), "member_proba": np.full((1, 3, 4), 0.25)}, "number of classes"),
        ({"embeddings": np.zeros(3)}, "two axes"),
        ({"embeddings": np.zeros((4, 2))}, r"expected \(3, d\)"),
        ({"embeddings": np.array([[0.0], [np.nan], [1.0]])}, "embeddings holds NaN"),
        ({"labeled_embeddings": np.array([[np.inf]])}, "labeled_embeddings holds NaN or infinity"),
        ({"labeled_embeddings": np.zeros(2)}, "two axes"),
        ({"embeddings": np.zeros((3, 2)), "labeled_embeddings": np.zeros((1, 5))}, "number of columns"),
        ({"labeled_embeddings": np.zeros((2, 5)), "labeled_targets": np.zeros(3)}, "differ in length"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_in_words(arrays: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(InvalidCandidates, match=sentence):
        Candidates(ids=np.arange(3), **arrays)


def test_only_ids_are_required() -> None:
    assert len(POOL) == 3


# ---------------------------------------------------------------- query


def test_scores_come_back_with_the_positions_they_belong_to() -> None:
    query = scored([0.1, 0.9, 0.5]).query(POOL, 2, rng())
    assert query.positions.tolist() == [1, 2]
    assert query.scores is not None
    assert query.scores.tolist() == [0.9, 0.5]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_an_error_that_names_the_candidate(bad: float) -> None:
    with pytest.raises(InvalidScores, match=f"candidate 1 the score {bad}"):
        scored([0.1, bad, 0.5]).query(POOL, 1, rng())


def test_scores_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidScores, match=r"shape \(2,\), not \(3,\)"):
        scored([0.1, 0.2]).query(POOL, 1, rng())


@pytest.mark.parametrize("positions", [[0], [0, 0], [0, 3], [-1, 0], [0.0, 1.0], [True, False], [[0, 1]]])
def test_positions_that_cannot_be_used_are_refused(positions: object) -> None:
    with pytest.raises(InvalidScores):
        selected(positions).query(POOL, 2, rng())


@pytest.mark.parametrize(("n", "error"), [(4, PoolExhausted), (-1, StrategyError)])
def test_a_number_that_the_pool_cannot_give_is_refused(n: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"{n} items were asked for"):
        selected([0]).query(POOL, n, rng())


# ---------------------------------------------------------------- top

FLOATS = st.floats(-1e6, 1e6)


@given(st.lists(FLOATS, min_size=1, max_size=50, unique=True), st.data())
def test_top_is_the_head_of_the_sorted_scores(values: list[float], data: st.DataObject) -> None:
    n = data.draw(st.integers(0, len(values)))
    expected = sorted(range(len(values)), key=lambda i: -values[i])[:n]
    assert base.top(np.array(values), n, rng()).tolist() == expected


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.data())
def test_top_with_ties_takes_the_highest_once_each(values: list[int], data: st.DataObject) -> None:
    n = data.draw(st.integers(0, len(values)))
    positions = base.top(np.array(values, dtype=float), n, rng(data.draw(st.integers(0, 99))))
    assert len(set(positions.tolist())) == n
    assert [values[i] for i in positions] == sorted(values, reverse=True)[:n]


def test_ties_are_drawn_evenly_and_by_the_generator_alone() -> None:
    tied = np.array([1.0, 0.0, 1.0, 1.0, 1.0])
    draws = [base.top(tied, 2, rng(seed)).tolist() for seed in range(1200)]
    assert draws == [base.top(tied, 2, rng(seed)).tolist() for seed in range(1200)]
    # 12 ordered pairs of the 4 tied positions, each expected 100 times, standard deviation 9.6
    counts = {pair: draws.count(list(pair)) for pair in {tuple(draw) for draw in draws}}
    assert len(counts) == 12
    assert all(50 < count < 150 for count in counts.values())


@pytest.mark.parametrize("n", [3, 4])
def test_ties_above_the_last_one_taken_are_in_random_order_as_well(n: int) -> None:
    firsts = [int(base.top(np.array([2.0, 2.0, 1.0, 0.0]), n, rng(seed))[0]) for seed in range(400)]
    assert set(firsts) == {0, 1}
    assert 150 < sum(firsts) < 250  # expected 200, standard deviation 10


# ---------------------------------------------------------------- registry


def test_a_decorated_function_is_found_by_name_and_still_callable(registry: dict[str, Strategy]) -> None:
    @scores(needs="proba", family="mine")
    def first(c: Candidates, rng: np.random.Generator) -> np.ndarray:
        """One sentence. Another one.

        Source: A paper,
                section 2.
        """
        return np.zeros(len(c))

    @selects(name="second one")
    def other(c: Candidates, n: int, rng: np.random.Generator) -> np.ndarray:
        return np.arange(n)

    assert first(POOL, rng()).tolist() == [0, 0, 0]
    assert list(registered()) == ["first", "second one"]
    strategy = get("first")
    assert (strategy.family, strategy.needs, strategy.kind) == ("mine", frozenset({"proba"}), "scores")
    assert strategy.summary == "One sentence."
    assert strategy.source == "A paper, section 2."
    assert (get("second one").kind, get("second one").family) == ("selects", "custom")
    assert get("second one").source == ""


def test_the_family_is_the_files_unless_given(registry: dict[str, Strategy]) -> None:
    # a plug-in executed from a path, which no entry of sys.modules stands for
    plug_in = "FAMILY = 'house style'\n@selects()\ndef mine(c, n, rng): ...\n"
    exec(plug_in, {"selects": selects, "__name__": "nowhere"})
    assert registry["mine"].family == "house style"


def test_a_need_that_does_not_exist_is_refused_when_it_is_declared() -> None:
    with pytest.raises(StrategyError, match=r"needs=\['probabilities'\] is not understood; choose from proba"):
        scores(needs="probabilities")  # type: ignore[arg-type]


def test_an_unknown_name_is_answered_with_those_there_are(registry: dict[str, Strategy]) -> None:
    base.register(scored([0.0]))
    with pytest.raises(UnknownStrategy, match="there is no strategy 'marign'; there are given"):
        get("marign")


def test_resolvers_are_asked_for_names_that_are_not_registered(
    registry: dict[str, Strategy], monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = scored([0.0])
    monkeypatch.setattr(base, "resolvers", [lambda name: None, lambda name: strategy if name == "a.b" else None])
    assert get("a.b") is strategy
    with pytest.raises(UnknownStrategy):
        get("a.c")
