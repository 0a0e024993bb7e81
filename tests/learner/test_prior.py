"""A prior by hand: scores from sentences and from guesses, what labels add to it, and how much it may count."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from labeler.core.rounds import Dataset, Labels
from labeler.learner import heads
from labeler.learner.heads import fit_committee, fit_heads, weight_of_prior
from labeler.learner.model import Normalizer
from labeler.learner.prior import (
    Known,
    Prior,
    looked_at,
    of_guesses,
    of_sentences,
    offset_logistic,
    shares_of,
    standardised,
)
from labeler.learner.task import LearningTask
from tests.support.samples import blobs


def labeled(n: int, prior: str = "right") -> LearningTask:
    """Points in three clouds, the first `n` of them labeled, and a prior of the clouds' own directions."""
    data, targets = blobs(300, [0, 1, 2], images=False)
    task = LearningTask.of(data, Labels(np.arange(n), targets[:n]), 3)
    features = task.features(np.arange(300))
    means = np.stack([features[targets == c].mean(axis=0) for c in range(3)])
    directions = {"right": means, "wrong": np.roll(means, 1, axis=0)}[prior]
    return LearningTask(data, task.labels, 3, task.normalizer, prior=standardised(directions, features))


# ---------------------------------------------------------------- scores


def test_a_class_has_the_mean_of_its_centred_sentences() -> None:
    normalizer = Normalizer(np.array([1.0, 1.0], dtype=np.float32), (2,))
    # less the mean (3, 0) and (0, 2), of length 1 (1, 0) and (0, 1), their mean (½, ½); the other class (0, −1)
    weight = of_sentences(normalizer, [np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([[1.0, -1.0]])])
    np.testing.assert_allclose(weight, [[0.5, 0.5], [0.0, -1.0]])


def test_columns_without_meaning_do_not_count() -> None:
    normalizer = Normalizer(np.zeros(2, dtype=np.float32), (1, 1))
    weight = of_sentences(normalizer, [np.array([[2.0, 3.0]]), np.array([[-2.0, 3.0]])], np.array([True, False]))
    np.testing.assert_allclose(weight, [[1.0, 0.0], [-1.0, 0.0]])


def test_scores_are_standardised_and_a_score_that_does_not_vary_is_zero() -> None:
    features = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])  # the first score is 0, 2, 4: mean 2, variance 8/3
    prior = standardised(np.array([[1.0, 0.0], [0.0, 1.0]]), features)
    assert prior is not None
    edge = 2 / np.sqrt(8 / 3)
    np.testing.assert_allclose(prior.scores(features), [[-edge, 0], [0, 0], [edge, 0]], atol=1e-6)
    assert standardised(np.zeros((2, 2)), features) is None


def test_guesses_become_a_score_and_a_class_that_nobody_guessed_has_none() -> None:
    features = np.array([[-1.0, 0.0], [-1.0, 0.1], [1.0, 0.0], [1.0, -0.1], [5.0, 5.0]])
    weight = of_guesses(features, shares_of(np.array([0, 0, 2, 2, -1]), 3))
    assert weight[0, 0] < 0 < weight[2, 0]
    np.testing.assert_allclose(weight[1], 0)


def test_a_surer_guess_counts_for_more() -> None:
    features = np.array([[-1.0], [1.0]])
    sure, unsure = (of_guesses(features, np.array([[p, 1 - p], [1 - p, p]])) for p in (0.95, 0.6))
    assert sure[1, 0] > 2 * unsure[1, 0] > 0


def test_guesses_of_several_classes_are_learned_class_by_class() -> None:
    features = np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
    weight = of_guesses(features, np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]), several=True)
    np.testing.assert_allclose(weight, weight[0, 0] * np.eye(2), atol=1e-3)
    assert weight[0, 0] > 0


def test_sentences_and_guesses_are_one_score() -> None:
    embeddings = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    normalizer = Normalizer.fit(embeddings, (4,))
    guesses = (embeddings[:, 0] > 0).astype(int)
    sentences = [np.array([[0.0, -9.0, 0, 0]]), np.array([[0.0, 9.0, 0, 0]])]
    both = Known(sentences, None, guesses).prior(normalizer, embeddings, 2)
    assert both is not None
    assert np.abs(both.weight[1, :2]).min() > np.abs(both.weight[1, 2:]).max()
    assert Known().prior(normalizer, embeddings, 2) is None


# ---------------------------------------------------------------- what labels add


def test_without_an_offset_it_is_scikit_learns_with_a_penalised_intercept() -> None:
    rng = np.random.default_rng(1)
    features, targets = rng.normal(size=(40, 3)), rng.integers(0, 2, 40)
    weight, bias = offset_logistic(features, targets, np.zeros((40, 2)), 0.7)
    columns = np.column_stack([features, np.ones(40)])
    theirs = LogisticRegression(C=0.7, fit_intercept=False, tol=1e-8).fit(columns, targets).coef_[0]
    np.testing.assert_allclose(np.append(weight[1] - weight[0], bias[1] - bias[0]), theirs, atol=1e-3)


def test_one_label_by_hand() -> None:
    # without features only the bias ±b is left: 2b² − log σ(2b) is smallest where 2b = 1 − σ(2b)
    _, bias = offset_logistic(np.zeros((1, 1)), np.array([1]), np.zeros((1, 2)), 1.0)
    np.testing.assert_allclose(bias, [-bias[1], (1 - expit(2 * bias[1])) / 2], atol=1e-4)


def test_an_offset_that_is_right_leaves_less_to_learn() -> None:
    features, targets = np.array([[-1.0], [1.0]]), np.array([0, 1])
    alone, _ = offset_logistic(features, targets, np.zeros((2, 2)), 1.0)
    beside, _ = offset_logistic(features, targets, np.array([[2.0, -2.0], [-2.0, 2.0]]), 1.0)
    assert 0 < beside[1, 0] < alone[1, 0] / 5


# ---------------------------------------------------------------- heads


def test_without_labels_the_prior_predicts_alone() -> None:
    task = labeled(0)
    assert isinstance(task.prior, Prior)
    proba = fit_heads(task).predict_proba(task.dataset, np.arange(300))
    scores = task.prior.scores(task.features(np.arange(300)))
    assert (proba.argmax(axis=1) == scores.argmax(axis=1)).all()
    assert weight_of_prior(task) == 2


def test_labels_of_one_class_do_not_silence_the_others() -> None:
    task = labeled(300)
    same = task.subset(np.flatnonzero(task.labels.targets == 1)[:6])
    predicted = fit_heads(same).predict_proba(same.dataset, np.arange(300)).argmax(axis=1)
    assert set(predicted) == {0, 1, 2}


def test_a_wrong_prior_counts_for_nothing_and_the_heads_are_those_without_it() -> None:
    task = labeled(60, "wrong")
    assert weight_of_prior(task) == 0
    assert fit_heads(task).to_bytes() == fit_heads(task.without_prior()).to_bytes()


def test_a_prior_that_is_right_in_three_quarters_is_not_refused_because_it_is_too_sure() -> None:
    draw = np.random.default_rng(1)
    features = draw.normal(size=(300, 30)).astype(np.float32)
    targets = ((features[:, 0] > 0) ^ (draw.random(300) < 0.25)).astype(int)
    task = LearningTask.of(Dataset([""] * 300, features, (30,)), Labels(np.arange(60), targets[:60]), 2)
    direction = np.outer([-1.0, 1.0], np.eye(30)[0])
    assert weight_of_prior(replace(task, prior=standardised(direction, task.features(np.arange(300))))) > 0


def test_with_many_labels_a_prior_counts_for_less_and_then_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    task, few = labeled(40), labeled(20)
    monkeypatch.setattr(heads, "FADES", 20)
    assert weight_of_prior(few) in (1, 2)
    assert weight_of_prior(task) in (0.5, 1)
    monkeypatch.setattr(heads, "ENDS", 40)
    assert weight_of_prior(task) == 0


@pytest.mark.parametrize("n", [3, 30])
def test_each_member_of_a_committee_starts_from_the_prior(n: int) -> None:
    task = labeled(n)
    proba = fit_committee(task, 3, seed=0).member_proba(task.dataset, np.arange(50))
    assert proba.shape == (3, 50, 3)
    assert np.abs(proba[0] - proba[1]).max() > 0.001
    np.testing.assert_allclose(proba.sum(axis=2), 1)


# ---------------------------------------------------------------- several classes an item


def labeled_with_several(n: int, right: bool = True) -> LearningTask:
    """Three features, of which each says whether an item has a class, as it has a third of them; `n` labels."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 3)).astype(np.float32)
    targets = (features > 0.43).astype(np.int8)
    data = Dataset([""] * 300, features, (3,))
    task = LearningTask.of(data, Labels(np.arange(n), targets[:n]), 3)
    directions = np.eye(3) if right else -np.eye(3)
    return replace(task, prior=standardised(directions, task.features(np.arange(300))))


def test_without_labels_items_with_several_classes_are_told_by_the_prior() -> None:
    task = labeled_with_several(0)
    proba = fit_heads(task).predict_proba(task.dataset, np.arange(300))
    truth = np.asarray(task.dataset.embeddings) > 0.43
    assert ((proba > 0.5) == truth).mean() > 0.8
    assert 0.2 < (proba > 0.5).mean() < 0.45  # about one class an item


@pytest.mark.parametrize(("right", "counts"), [(True, True), (False, False)])
def test_with_labels_of_several_classes_a_prior_counts_if_it_helps(right: bool, counts: bool) -> None:
    task = labeled_with_several(40, right)
    assert (weight_of_prior(task) > 0) is counts
    members = fit_committee(task, 3, seed=0).member_proba(task.dataset, np.arange(50))
    assert members.shape == (3, 50, 3)
    assert members.sum(axis=2).max() > 1.1  # no softmax


def test_of_many_items_as_many_are_looked_at_as_of_fewer() -> None:
    assert looked_at(10_000).tolist() == list(range(10_000))
    assert looked_at(1_000_001).tolist() == list(range(0, 1_000_001, 101))
