"""The cycle on texts whose label can be learned: it learns, is repeatable, and never looks at the holdout's items."""

from dataclasses import replace

import numpy as np
import pytest

import strategies
from labeler.backbones.choose import load_encoder
from labeler.core.rounds import Dataset, Labels
from labeler.core.settings import QueryConfig
from labeler.cycle import round
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.learner.heads import fit_heads
from labeler.learner.model import FineTuned
from labeler.learner.task import LearningTask
from tests.support.samples import reviews, text_config

CONFIG = text_config()


@pytest.fixture(scope="module")
def state(tmp_path_factory) -> State:
    texts, labels = zip(*reviews(120), strict=True)
    encoder = load_encoder(CONFIG.learner, "text", texts, tmp_path_factory.mktemp("embeddings"))
    embeddings = encoder.encode(texts)
    targets = np.array([CONFIG.classes.index(label) for label in labels])
    return State(
        LearningTask.of(Dataset(texts, embeddings, encoder.dims), Labels(np.arange(20), targets[:20]), 2),
        np.arange(20, 90),
        Labels(np.arange(90, 120), targets[90:]),
    )


@pytest.mark.parametrize("name", sorted(strategies.registered()))
def test_every_strategy_completes_a_round(state, name):
    config = replace(CONFIG, query=QueryConfig(strategy=name, random_share=0.0))
    result = run_round(state, config, seed=3, depth=15).result
    positions = [r.position for r in result.ranking]
    assert len(set(positions)) == 15
    assert set(positions) <= set(state.pool.tolist())
    assert (result.labels, result.strategy, result.metrics.n) == (20, name, 30)
    again = run_round(state, config, seed=3, depth=15).result
    assert (again.ranking, again.metrics) == (result.ranking, result.metrics)


def test_more_labels_teach_more(state):
    few = replace(state, task=state.task.subset(np.arange(3)))
    pool_labels = np.array([CONFIG.classes.index(label) for _, label in reviews(120)])[:80]
    many = replace(state, task=state.task.relabeled(Labels(np.arange(80), pool_labels)), pool=np.arange(80, 90))
    worse, better = (run_round(s, CONFIG, 1, 5).result.metrics.accuracy for s in (few, many))
    assert better > worse
    assert better > 0.9


def test_with_labels_of_one_class_only_the_seed_set_is_extended(state):
    one_class = replace(state, task=state.task.subset(state.task.labels.targets == 0))
    turn = run_round(one_class, CONFIG, 1, 5)
    assert (turn.model, turn.result.metrics, turn.result.strategy) == (None, None, "k_means")
    assert len(turn.result.ranking) == 5


def test_without_a_labeled_holdout_nothing_is_measured(state):
    empty = Labels(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
    turn = run_round(replace(state, holdout=empty), CONFIG, 1, 5)
    assert turn.result.metrics is None
    assert turn.model is not None


def test_an_unknown_strategy_is_named(state):
    with pytest.raises(strategies.UnknownStrategy, match="marginn"):
        run_round(state, replace(CONFIG, query=QueryConfig(strategy="marginn")), 1, 5)


def test_the_number_of_items_to_score_in_time_is_estimated_by_a_trial(state, monkeypatch):
    clock = 0.0

    def slow(model, dataset, positions):
        nonlocal clock
        clock += 0.01 * len(positions)

    monkeypatch.setattr(round, "class_proba", slow)
    monkeypatch.setattr("labeler.cycle.round.time.perf_counter", lambda: clock)
    heads = fit_heads(state.task)
    network = FineTuned(heads, heads, (), 0.5)
    pool = np.arange(1000)
    assert round.affordable(network, state.task.dataset, pool, 5.0) == 500
    assert round.affordable(network, state.task.dataset, pool, 0.1) == round.TRIAL  # some are always asked about
    assert round.affordable(network, state.task.dataset, pool[:50], 0.1) == 50
    assert round.affordable(heads, state.task.dataset, pool, 0.1) == 1000  # cached features cost nothing


def test_a_pool_that_takes_too_long_is_subsampled(state, monkeypatch):
    pool_sizes = []
    monkeypatch.setattr(round, "affordable", lambda model, dataset, pool, seconds: 12)
    ranked = round.rank

    def rank(state, querier, query, depth, rng):
        pool_sizes.append(query.candidates)
        return ranked(state, querier, query, depth, rng)

    monkeypatch.setattr(round, "rank", rank)
    result = run_round(state, CONFIG, 1, 5).result
    assert pool_sizes == [12]
    assert len(result.ranking) == 5


@pytest.mark.parametrize("kind", ["bootstrap", "dropout", "snapshots"])
def test_every_kind_of_committee_ranks_items(state, kind):
    learner = replace(CONFIG.learner, committee=kind)
    config = replace(CONFIG, learner=learner, query=QueryConfig(strategy="consensus_entropy", random_share=0.0))
    result = run_round(state, config, seed=1, depth=10).result
    assert {r.strategy for r in result.ranking} == {"consensus_entropy"}
    assert len({r.score for r in result.ranking}) > 1
