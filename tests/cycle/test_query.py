"""From the pool to a ranking: nothing asked twice, the control arm random, the shares as set."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from labeler.core.rounds import Dataset, Labels, Ranked
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.cycle.query import Querier, candidates, interleave, rank
from labeler.cycle.state import State
from labeler.engine.engines import working_on
from labeler.engine.local import LocalEngine
from labeler.learner.committees import committee
from labeler.learner.task import LearningTask
from labeler.learner.train import fit

N = 60


@pytest.fixture(scope="module")
def state() -> State:
    rng = np.random.default_rng(0)
    targets = np.arange(N) % 2
    embeddings = (rng.normal(size=(N, 6)) + 2 * targets[:, None]).astype(np.float32)
    labeled = np.arange(10)
    dataset = Dataset([f"text {i}" for i in range(N)], embeddings, (6,))
    return State(
        LearningTask.of(dataset, Labels(labeled, targets[labeled]), 2),
        np.arange(10, 50),
        Labels(np.arange(50, N), targets[50:]),
    )


@pytest.fixture(scope="module")
def model(state):
    return fit(state.task, LearnerConfig(kind="frozen"), 0).model


def ask(state, model, name="margin", depth=20, **changes):
    config = QueryConfig(**({"random_share": 0.0} | changes))
    return rank(state, Querier(strategies.get(name), model), config, depth, np.random.default_rng(5))


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
def test_interleaving_keeps_both_orders_and_never_runs_ahead_of_the_share(a, b, share):
    first, second = [Ranked(i, "a", None) for i in range(a)], [Ranked(i, "b", None) for i in range(b)]
    merged = interleave(first, second, share)
    assert [r for r in merged if r.strategy == "a"] == first
    assert [r for r in merged if r.strategy == "b"] == second
    for place in range(1, len(merged) + 1):
        so_far = merged[:place]
        if sum(r.strategy == "a" for r in so_far) < a:
            assert sum(r.strategy == "b" for r in so_far) <= share * place + 1e-9


def test_the_ranking_is_the_strategys_best_of_the_pool_only(state, model):
    ranking = ask(state, model, depth=40)
    assert sorted(r.position for r in ranking) == list(range(10, 50))
    scores = [r.score for r in ranking]
    assert scores == sorted(scores, reverse=True)


def test_the_control_arm_has_its_share_and_is_marked(state, model):
    ranking = ask(state, model, depth=20, random_share=0.2)
    assert sum(r.strategy == "random" for r in ranking) == 4
    assert len({r.position for r in ranking}) == 20
    assert [i for i, r in enumerate(ranking) if r.strategy == "random"] == [4, 9, 14, 19]


def test_without_a_model_the_seed_set_does_not_depend_on_the_depth(state):
    short = ask(state, None, "k_means", depth=8, seed_size=8)
    long = ask(state, None, "k_means", depth=30, seed_size=8)
    assert [r.position for r in long[:8]] == [r.position for r in short]
    assert {r.strategy for r in long[8:]} == {"random"}
    assert len({r.position for r in long}) == 30


def test_a_strategy_that_plans_batches_is_asked_for_one_at_a_time(state, model):
    """The first batch must not depend on how deep the ranking is, and the second counts the first as labeled."""
    name = "a batch planner"
    calls: list[tuple[int, int, int]] = []

    def plan(c, n, rng):
        calls.append((n, len(c), len(c.labeled_embeddings)))
        return np.arange(n)

    planner = strategies.Strategy(name, "test", frozenset({"embeddings", "labeled"}), "selects", plan)
    config = QueryConfig(batch=8, random_share=0.25)
    ranking = rank(state, Querier(planner, model), config, 24, np.random.default_rng(5))
    assert calls == [(6, 34, 10), (6, 28, 16), (6, 22, 22)]
    assert len({r.position for r in ranking}) == 24


def test_a_large_pool_is_subsampled_and_a_small_one_exhausted(state, model):
    assert len(ask(state, model, depth=20, candidates=100)) == 20
    assert len(ask(state, model, depth=999)) == 40
    few = replace(state, pool=np.array([], dtype=np.intp))
    assert ask(few, model, depth=5) == []


def test_only_what_a_strategy_needs_is_computed(state, model):
    given = candidates(state, Querier(strategies.get("entropy"), model), state.pool)
    assert given.proba is not None
    assert given.embeddings is None
    given = candidates(state, Querier(strategies.get("k_center"), model), state.pool)
    assert given.proba is None
    assert given.embeddings.shape == (40, 6)
    assert len(given.labeled_embeddings) == 10


# ---------------------------------------------------------------- more of some items


def of(ranking, positions):
    return [r.position in set(positions) for r in ranking]


def most_wanted(state, model, name="margin"):
    """The items that the strategy would ask about last."""
    return [r.position for r in ask(state, model, name, depth=40)][-10:]


@pytest.mark.parametrize("name", ["margin", "k_center", "entropy"])
def test_the_share_of_preferred_items_is_kept_from_the_first_place_on(state, model, name):
    last = np.array(most_wanted(state, model, name))
    ranking = ask(replace(state, preferred=last), model, name, depth=20, more_share=0.5, batch=8)
    assert len({r.position for r in ranking}) == 20
    assert sum(of(ranking, last)) == 10
    for place in range(2, 21):
        assert sum(of(ranking[:place], last)) >= place // 2
    assert {r.strategy for r in ranking} == {name}


def test_among_the_preferred_and_the_others_the_strategy_has_its_order(state, model):
    last = np.array(most_wanted(state, model))
    plain = [r.position for r in ask(state, model, depth=40)]
    ranking = [r.position for r in ask(replace(state, preferred=last), model, depth=8, more_share=0.25)]
    assert [p for p in ranking if p in last] == [p for p in plain if p in last][:2]
    assert [p for p in ranking if p not in last] == plain[:6]


def test_a_preference_that_the_strategy_meets_anyway_changes_nothing(state, model):
    plain = {r.position for r in ask(state, model, depth=20)}
    first = np.array([r.position for r in ask(state, model, depth=20)][:15])
    assert {r.position for r in ask(replace(state, preferred=first), model, depth=20, more_share=0.5)} == plain


def test_the_random_share_is_drawn_from_the_whole_pool_despite_a_preference(state, model):
    last = np.array(most_wanted(state, model))
    plain = ask(state, model, depth=20, random_share=0.2)
    more = ask(replace(state, preferred=last), model, depth=20, random_share=0.2, more_share=1.0)
    assert [r.position for r in more if r.strategy == "random"] == [r.position for r in plain if r.strategy == "random"]
    assert sum(of([r for r in more if r.strategy == "margin"], last)) >= 16 - 10


def test_if_preferred_items_are_few_they_come_first_and_others_follow(state, model):
    few = np.array(most_wanted(state, model))[-3:]
    ranking = ask(replace(state, preferred=few), model, depth=20, more_share=0.5)
    assert sum(of(ranking, few)) == 3
    assert len({r.position for r in ranking}) == 20
    # those that are labeled, of the holdout or gone do not count
    gone = ask(replace(state, preferred=np.array([0, 1, 55])), model, depth=20, more_share=0.5)
    assert gone == ask(state, model, depth=20)


def test_a_sample_of_a_large_pool_has_enough_preferred_items(state, model):
    last = np.array(most_wanted(state, model))
    ranking = ask(replace(state, preferred=last), model, depth=12, candidates=14, more_share=0.5)
    assert sum(of(ranking, last)) >= 6


def test_the_seed_set_ignores_the_preference(state):
    preferred = replace(state, preferred=np.arange(10, 15))
    assert ask(preferred, None, "k_means", depth=8, seed_size=8) == ask(state, None, "k_means", depth=8, seed_size=8)


def test_a_batch_planner_sees_the_preferred_of_its_batch_as_labeled(state, model):
    calls: list[tuple[int, int, int]] = []

    def plan(c, n, rng):
        calls.append((n, len(c), len(c.labeled_embeddings)))
        return np.arange(n)

    planner = strategies.Strategy("a planner", "test", frozenset({"embeddings", "labeled"}), "selects", plan)
    config = QueryConfig(batch=8, random_share=0.0, more_share=0.5)
    with_some = replace(state, preferred=np.arange(40, 50))
    ranking = rank(with_some, Querier(planner, model), config, 16, np.random.default_rng(5))
    assert calls == [(4, 10, 10), (4, 36, 14), (4, 6, 18), (4, 28, 22)]
    assert sum(of(ranking, range(40, 50))) == 8


class Apart(LocalEngine):
    """An engine that works here on what another machine would be sent, and counts it."""

    apart = True

    def __init__(self) -> None:
        self.chunks = 0

    def map(self, function, chunks, *more, **named):
        sent = [*chunks]
        self.chunks += len(sent)
        return super().map(function, sent, *more, **named)


@pytest.mark.parametrize("name", [name for name, one in strategies.registered().items() if one.alone])
@pytest.mark.parametrize("depth", [1, 6, 13, 39, 40])
def test_the_best_of_each_shard_make_the_ranking_of_the_whole_pool(state, name, depth, monkeypatch):
    twice = np.concatenate([state.task.dataset.embeddings[:30]] * 2)  # each score is there twice
    task = replace(state.task, dataset=replace(state.task.dataset, embeddings=twice))
    twins, learner = replace(state, task=task), LearnerConfig(kind="frozen", committee="bootstrap", members=4)
    fitted = fit(task, learner, 0)
    querier = Querier(strategies.get(name), fitted.model, committee(task, fitted, learner, 1))
    config, engine = QueryConfig(random_share=0.1), Apart()
    monkeypatch.setattr("labeler.learner.predict.BATCH", 7)
    whole = rank(twins, querier, config, depth, np.random.default_rng(5))
    with working_on(engine):
        assert rank(twins, querier, config, depth, np.random.default_rng(5)) == whole
    assert engine.chunks > 4
