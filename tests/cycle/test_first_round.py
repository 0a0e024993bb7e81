"""Every strategy without a label, with and without a model that something known of the classes gives."""

from dataclasses import replace

import numpy as np
import pytest

import strategies
from labeler.core.rounds import Labels
from labeler.core.settings import Config, LearnerConfig, QueryConfig
from labeler.cycle.round import run_round
from labeler.cycle.state import State
from labeler.learner.prior import standardised
from labeler.learner.task import LearningTask
from tests.support.samples import blobs

DATA, TARGETS = blobs(60, [0, 1, 2], images=False)
NOTHING = Labels(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))
PLAIN = LearningTask.of(DATA, NOTHING, 3)
FEATURES = PLAIN.features(np.arange(60))
MEANS = np.stack([FEATURES[c == TARGETS].mean(axis=0) for c in range(3)])
INFORMED = replace(PLAIN, prior=standardised(MEANS, FEATURES))
CONFIG = Config("x", ("a", "b", "c"), "text", learner=LearnerConfig(kind="frozen", backbone="char_tfidf"))


@pytest.mark.parametrize("task", [PLAIN, INFORMED], ids=["nothing known", "something known"])
@pytest.mark.parametrize("labels", [0, 1])
def test_every_strategy_begins_with_the_seeding(task: LearningTask, labels: int) -> None:
    """Strategies want labels that differ: before there are some, all of them ask what `query.seeding` chooses."""
    own = task.relabeled(Labels(np.arange(labels), TARGETS[:labels]))
    state = State(own, pool=np.arange(labels, 60), holdout=NOTHING)
    asked = set()
    for name in strategies.registered():
        config = replace(CONFIG, query=QueryConfig(strategy=name, seeding="max_herding"))
        turn = run_round(state, config, seed=1, depth=12)
        positions = [ranked.position for ranked in turn.result.ranking]
        assert len(set(positions)) == len(positions) == 12, name
        assert set(positions) <= set(range(labels, 60)), name
        assert (turn.model is None) is (task.prior is None), name
        asked.add(tuple(positions))
    assert len(asked) == 1


@pytest.mark.parametrize("task", [PLAIN, INFORMED], ids=["nothing known", "something known"])
def test_every_strategy_ranks_with_a_label_of_each_class(task: LearningTask) -> None:
    first = np.array([np.flatnonzero(c == TARGETS)[0] for c in range(3)])
    own = task.relabeled(Labels(first, TARGETS[first]))
    state = State(own, pool=np.setdiff1d(np.arange(60), first), holdout=NOTHING)
    for name in strategies.registered():
        ranking = run_round(state, replace(CONFIG, query=QueryConfig(strategy=name)), seed=1, depth=12).result.ranking
        positions = [ranked.position for ranked in ranking]
        assert len(set(positions)) == len(positions) == 12, name
        assert not set(positions) & set(first.tolist()), name
