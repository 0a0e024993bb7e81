"""What the pool's features tell heads before labels can: the directions in which items differ."""

import numpy as np
from scipy.special import expit

from labeler.core.rounds import Dataset, Labels
from labeler.learner import heads
from labeler.learner.heads import fit_heads
from labeler.learner.model import Normalizer
from labeler.learner.spread import SHARE, Spread
from labeler.learner.task import LearningTask

DIMS = (3, 2)


def pool(n: int) -> Dataset:
    scales = np.array([3.0, 1.0, 0.2, 1.0, 0.3])
    return Dataset([""] * n, (np.random.default_rng(0).normal(size=(n, 5)) * scales).astype(np.float32), DIMS)


def test_the_weights_covariance_is_half_a_sphere_and_half_that_of_each_layer() -> None:
    data = pool(60)
    normalizer = Normalizer.fit(data.embeddings, DIMS)
    features, factors = normalizer.apply(data.embeddings[:]), Spread.of(normalizer, data.embeddings).factors
    assert [factor.shape for factor in factors] == [(3, 3), (2, 2)]
    for columns, factor in zip(normalizer.layers(), factors, strict=True):
        covariance = features[:, columns].T @ features[:, columns] / 60
        expected = (1 - SHARE) * np.eye(len(factor)) + SHARE * covariance / (covariance**2).sum()
        np.testing.assert_allclose(factor @ factor.T, expected, atol=1e-5)


def test_stretched_items_have_length_one_in_the_mean_in_each_layer() -> None:
    data = pool(60)
    normalizer = Normalizer.fit(data.embeddings, DIMS)
    stretched = Spread.of(normalizer, data.embeddings).stretched(normalizer.apply(data.embeddings[:]))
    np.testing.assert_allclose([(stretched[:, c] ** 2).sum(axis=1).mean() for c in normalizer.layers()], 1, atol=1e-5)


def test_weights_of_stretched_features_score_the_features_alike() -> None:
    data = pool(60)
    normalizer = Normalizer.fit(data.embeddings, DIMS)
    features, spread = normalizer.apply(data.embeddings[:]), Spread.of(normalizer, data.embeddings)
    weight = np.random.default_rng(1).normal(size=(2, 5)).astype(np.float32)
    scores = spread.stretched(features) @ weight.T
    np.testing.assert_allclose(features @ spread.of_features(weight).T, scores, atol=1e-5)


def test_a_layer_that_does_not_vary_is_left_as_it_is() -> None:
    data = Dataset([""] * 4, np.ones((4, 3), np.float32), (3,))
    spread = Spread.of(Normalizer.fit(data.embeddings, data.dims), data.embeddings)
    np.testing.assert_array_equal(spread.factors[0], np.eye(3))


def test_few_labels_lean_on_what_varies_in_the_pool() -> None:
    # Each of two labels differs as much in the first column, which varies in the whole pool, as in the second.
    draw = np.random.default_rng(0)
    items = draw.normal(size=(400, 20)).astype(np.float32) * np.array([4.0, *[1.0] * 19], np.float32)
    items[:2] = 0
    items[:2, :2] = [[1, 1], [-1, -1]]
    data = Dataset([""] * 400, items, (20,))
    task = LearningTask.of(data, Labels(np.arange(2), np.array([0, 1])), 2)
    weight = fit_heads(task).weight[0, 0]
    assert weight[0] > 2 * weight[1] > 0


def test_the_regression_minimises_the_penalty_of_weights_with_the_spreads_covariance() -> None:
    data = pool(40)
    targets = (data.embeddings[:, 1] > 0).astype(int)[:12]
    task = LearningTask.of(data, Labels(np.arange(12), targets), 2)
    assert task.spread is not None
    model = fit_heads(task)
    weight, bias = (part[0, 1] - part[0, 0] for part in (model.weight, model.bias))
    features, precision = task.features(np.arange(12)).astype(float), np.zeros((5, 5))
    for columns, factor in zip(task.normalizer.layers(), task.spread.factors, strict=True):
        precision[columns, columns] = np.linalg.inv(factor.astype(float) @ factor.T)
    gradient = precision @ weight + heads.C_TEXT * features.T @ (expit(features @ weight + bias) - targets)
    np.testing.assert_allclose(gradient, 0, atol=0.01)
