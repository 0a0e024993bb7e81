"""The candidates of a large pool: neighbours of minorities and random items, and none that may not be asked about."""

from dataclasses import replace

import numpy as np
import pytest

import strategies
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import LearnerConfig, QueryConfig
from labeler.cycle.candidates import minority_items, sampled
from labeler.cycle.neighbours import Neighbours
from labeler.cycle.query import Querier, rank
from labeler.cycle.state import State
from labeler.learner.task import LearningTask
from labeler.learner.train import fit

N, LABELED = 3000, np.array([2990, *range(9)])  # one label of the rare class, nine of the other
RARE = np.arange(2980, 3000)
HOLDOUT = RARE[:5]
CONFIG = QueryConfig(candidates=100, batch=10, neighbours=30, random_share=0.2, strategy="margin")


@pytest.fixture(scope="module")
def state() -> State:
    rng = np.random.default_rng(0)
    targets = np.isin(np.arange(N), RARE).astype(int)
    dataset = Dataset([""] * N, (rng.normal(size=(N, 8)) + 4 * targets[:, None]).astype(np.float32), (8,))
    return State(
        LearningTask.of(dataset, Labels(LABELED, targets[LABELED]), 2),
        np.setdiff1d(np.arange(N), [*LABELED, *HOLDOUT]),
        Labels(HOLDOUT, targets[HOLDOUT]),
        neighbours=Neighbours(dataset),
    )


def drawn(state: State, config: QueryConfig = CONFIG, seed: int = 4) -> np.ndarray:
    return sampled(state, state.pool, config, config.candidates, np.random.default_rng(seed))[0]


def test_what_is_near_the_one_known_item_of_a_rare_class_is_a_candidate(state):
    open_rare = np.setdiff1d(RARE, [*LABELED, *HOLDOUT])
    assert np.isin(open_rare, drawn(state)).all()
    assert np.isin(open_rare, drawn(replace(state, neighbours=None))).sum() < 5


def test_candidates_are_of_the_pool_each_once_and_the_same_for_a_seed(state):
    candidates = drawn(state)
    assert len(np.unique(candidates)) == 100
    assert np.isin(candidates, state.pool).all()
    assert candidates.tolist() == drawn(state).tolist() != drawn(state, seed=5).tolist()


def test_neighbours_have_their_share_at_most_and_the_rest_is_random(state):
    share = replace(CONFIG, neighbour_share=0.1)
    always = set.intersection(*({*drawn(state, share, s)} for s in range(4)))
    assert len(always) == 10


@pytest.mark.parametrize("change", [{"neighbour_share": 0.0}, {"minority_share": 0.0}])
def test_without_neighbours_the_candidates_are_drawn_as_ever(state, change):
    at_random = np.random.default_rng(4).choice(state.pool, 100, replace=False)
    assert drawn(state, replace(CONFIG, **change)).tolist() == np.sort(at_random).tolist()


def test_a_pool_that_is_no_larger_than_the_candidates_is_ranked_as_ever(state):
    querier = Querier(strategies.get("margin"), fit(state.task, LearnerConfig(kind="frozen"), 0).model)

    def ranking(of: State, candidates: int) -> list:
        return rank(of, querier, replace(CONFIG, candidates=candidates), 40, np.random.default_rng(1))

    assert ranking(state, N) == ranking(replace(state, neighbours=None), N)
    larger, plain = ranking(state, 100), ranking(replace(state, neighbours=None), 100)
    assert larger != plain
    assert control_arm(larger) == control_arm(plain)  # which is of the whole pool


def test_neighbours_have_their_share_of_each_batch(state):
    querier = Querier(strategies.get("k_center"), fit(state.task, LearnerConfig(kind="frozen"), 0).model)
    config = replace(CONFIG, random_share=0.0, neighbour_share=0.3)
    near = {*state.neighbours.nearest(LABELED[:1], 30, np.isin(np.arange(N), state.pool)).positions[0].tolist()}

    def of_near(of: State) -> int:
        ranking = rank(of, querier, config, 20, np.random.default_rng(1))
        return sum(r.position in near for r in ranking)

    assert of_near(state) >= 6
    assert of_near(replace(state, neighbours=None)) < 2


def control_arm(ranking: list) -> list[int]:
    return [r.position for r in ranking if r.strategy == "random"]


def test_classes_with_less_than_their_share_of_the_mean_are_minorities():
    labels = Labels(np.arange(100, 116), np.repeat([0, 1, 2], [10, 4, 2]))
    rng = np.random.default_rng(0)
    assert sorted(minority_items(labels, 4, 0.6, rng)) == [
        114,
        115,
    ]  # fewer than 0.6 of 4, the mean of the four classes
    assert sorted(minority_items(labels, 4, 1.5, rng)) == list(range(110, 116))
    assert {*minority_items(labels, 4, 1.5, rng)[:4]} > {114, 115}  # both classes in turn


def test_where_items_have_several_classes_the_rare_ones_are_minorities():
    targets = np.zeros((9, 3), dtype=int)
    targets[:8, 0], targets[3, 1] = 1, 1
    assert minority_items(Labels(np.arange(9), targets), 3, 0.5, np.random.default_rng(0)).tolist() == [3]
