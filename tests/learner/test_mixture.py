"""The weight of fine-tuned networks beside the frozen heads: by hand, and what holds of any."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from labeler.core.rounds import Labels
from labeler.learner.heads import fit_heads
from labeler.learner.mixture import TEMPERATURES, Mixture, cooled, mixture
from labeler.learner.task import LearningTask
from tests.support.samples import blobs


def at_each(proba: np.ndarray) -> np.ndarray:
    """The same probabilities cooled to each temperature."""
    return np.stack([softmax(np.log(proba) / t, axis=1) for t in TEMPERATURES])


def test_the_mixture_by_hand() -> None:
    targets = np.tile([0, 1], 50)
    sure = np.where(np.arange(2) == targets[:, None], 0.98, 0.02)
    unsure = at_each(np.full((100, 2), 0.5))
    best = mixture(at_each(sure), unsure, targets)
    assert (best.share, best.network) == (1.0, 0.7)  # right each time: all of the say, and surer yet
    assert mixture(at_each(1 - sure), unsure, targets).share == 0.0  # wrong and sure: none
    assert mixture(at_each(sure) * np.nan, unsure, targets).share == 0.0
    # the heads are right three times in four: log odds of 2.2 are cooled to log 3 = 1.1
    heads = np.where(np.arange(100)[:, None] % 4 > 0, sure, 1 - sure) * 0.8 / 0.96 + 0.1 - 0.02 * 0.8 / 0.96
    assert mixture(at_each(1 - sure), at_each(heads), targets) == Mixture(0.0, 1.0, 2.0)
    # four labels are too few to give a network all of the say, and tell nothing of a temperature
    assert 0.5 < mixture(at_each(sure[:4]), unsure[:, :4], targets[:4]).share < 0.9
    assert mixture(at_each(1 - sure[:4]), at_each(heads[:4]), targets[:4]).heads == 1.0


@given(st.integers(0, 1000))
def test_a_mixture_is_never_less_likely_than_the_heads_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, 30)
    network, frozen = (at_each(rng.dirichlet(np.ones(3), 30) + 1e-6) for _ in range(2))
    best = mixture(network, frozen, targets)
    ours, theirs = (p[TEMPERATURES.tolist().index(t)] for p, t in ((network, best.network), (frozen, best.heads)))
    mixed = best.share * ours + (1 - best.share) * theirs
    rows, as_they_are = np.arange(30), frozen[TEMPERATURES.tolist().index(1.0)]
    assert np.log(mixed[rows, targets]).mean() >= np.log(as_they_are[rows, targets]).mean() - 1e-9


def test_the_mixture_of_several_classes_weighs_all_decisions() -> None:
    # the network is right in the first class of each item, the heads are in neither
    ones, half = np.ones((len(TEMPERATURES), 40, 1)), np.full((len(TEMPERATURES), 40, 1), 0.5)
    network, frozen = np.concatenate([0.9 * ones, half], axis=2), np.concatenate([half, half], axis=2)
    targets = np.stack([np.ones(40), np.arange(40) % 2], axis=1)
    assert mixture(network, frozen, targets).share == 1
    assert mixture(frozen, network, targets).share == 0


def test_cooling_changes_how_sure_and_not_what() -> None:
    data, targets = blobs(60, [0, 1])
    heads = fit_heads(LearningTask.of(data, Labels(np.arange(60), targets), 2))
    one = replace(heads, weight=heads.weight[:1], bias=heads.bias[:1])
    odds = [np.log(cooled(one, t).predict_proba(data, np.arange(60))) @ [1, -1] for t in (1.0, 2.0)]
    np.testing.assert_allclose(odds[0], 2 * odds[1], rtol=1e-4, atol=1e-5)
