"""Linear heads: the logistic one is scikit-learn's, the discriminant by hand, committees that differ."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from labeler.core.errors import TooFewClassesError, TrainingError
from labeler.core.rounds import Labels
from labeler.learner import heads
from labeler.learner.heads import discriminant, fit_committee, fit_heads
from labeler.learner.model import Normalizer
from labeler.learner.task import LearningTask
from tests.support.samples import blobs

# ---------------------------------------------------------------- the frozen learner


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2]])
@pytest.mark.parametrize("m", [12, 150])  # fewer and more labels than columns
def test_the_first_head_is_scikit_learns_with_its_fixed_c(images: bool, classes: list[int], m: int) -> None:
    data, targets = blobs(200, classes, width=40, images=images)
    normalizer = Normalizer.fit(data.embeddings, data.dims)
    features = normalizer.apply(data.embeddings[:])
    plain = LogisticRegression(C=3.0 if images else 1.0, tol=1e-8, max_iter=5000).fit(features[:m], targets[:m])
    model = fit_heads(LearningTask(data, Labels(np.arange(m), targets[:m]), 3, normalizer))
    proba = model.member_proba(data, np.arange(200))[0][:, classes]
    np.testing.assert_allclose(proba, plain.predict_proba(features), atol=0.01)


def test_the_model_predicts_the_mean_of_its_heads() -> None:
    data, targets = blobs(100, [0, 1, 2])
    model = fit_heads(LearningTask.of(data, Labels(np.arange(40), targets[:40]), 3))
    proba = model.member_proba(data, np.arange(100))
    assert proba.shape == (2, 100, 3)
    np.testing.assert_allclose(model.predict_proba(data, np.arange(100)), proba.mean(axis=0))


# ---------------------------------------------------------------- the discriminant


def test_a_discriminant_by_hand() -> None:
    # means (0, 0) and (4, 0); within the classes both columns vary by 1 and not together; the features vary by 5 and 1,
    # by 3 in the mean. Covariance: 0.4 · I + 0.6 · 3 · I = 2.2 · I
    features = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1], [3, -1], [3, 1], [5, -1], [5, 1]], dtype=float)
    weight, bias = discriminant(features, np.repeat([0, 1], 4))
    np.testing.assert_allclose(weight, [[0.0, 0.0], [4 / 2.2 / 3, 0.0]], atol=1e-12)
    np.testing.assert_allclose(bias, [np.log(0.5) / 3, (np.log(0.5) - 4 * 4 / 2.2 / 2) / 3])


def test_without_shrinkage_and_temperature_it_is_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    data, targets = blobs(120, [0, 1, 2])
    X = np.asarray(data.embeddings, dtype=float)
    monkeypatch.setattr(heads, "TEMPERATURE", 1.0)
    monkeypatch.setattr(heads, "SHRINKAGE", 0.0)
    weight, bias = discriminant(X, targets)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.0).fit(X, targets)
    np.testing.assert_allclose(softmax(X @ weight.T + bias, axis=1), theirs.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("m", [2, 3, 7])
def test_one_example_of_each_class_is_enough(m: int) -> None:
    features = np.random.default_rng(0).normal(size=(m, 5))
    weight, bias = discriminant(features, np.arange(m))
    assert ((features @ weight.T + bias).argmax(axis=1) == np.arange(m)).all()


def test_equal_examples_of_two_classes_leave_the_discriminant_undecided() -> None:
    weight, bias = discriminant(np.ones((4, 3)), np.array([0, 0, 1, 1]))
    proba = softmax(np.ones((1, 3)) @ weight.T + bias, axis=1)
    np.testing.assert_allclose(proba, 0.5)


@pytest.mark.parametrize("found", [[], [1], [1, 1, 1]])
def test_fewer_than_two_classes_cannot_train(found: list[int]) -> None:
    data, _ = blobs(10, [0, 1])
    labels = Labels(np.arange(len(found)), np.array(found, dtype=int))
    with pytest.raises(TrainingError, match="label items of at least two classes"):
        fit_committee(LearningTask.of(data, labels, 2), 3, 0)


# ---------------------------------------------------------------- the committee


def test_members_differ_and_each_knows_all_classes() -> None:
    data, targets = blobs(120, [0, 1, 2])
    # one example of class 2 among many of the others: a plain bootstrap leaves it out in every third draw
    rows = np.concatenate([np.flatnonzero(targets[:60] != 2), np.flatnonzero(targets == 2)[:1]])
    committee = fit_committee(LearningTask.of(data, Labels(rows, targets[rows]), 4), 12, 0)
    proba = committee.member_proba(data, np.arange(60, 120))
    assert proba.shape == (12, 60, 4)
    assert (proba[..., [0, 1, 2]] > 0).all()
    assert (proba[..., 3] == 0).all()
    assert len({member.tobytes() for member in proba}) == 12


def test_the_seed_makes_the_committee() -> None:
    data, targets = blobs(80, [0, 1])
    labels = Labels(np.arange(40), targets[:40])
    one, again, other = (fit_committee(LearningTask.of(data, labels, 2), 3, seed).weight for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


# ---------------------------------------------------------------- several classes an item


def test_each_class_has_the_heads_that_it_would_have_alone() -> None:
    data, targets = blobs(120, [0, 1, 2, 3])
    sets = np.stack([targets >= 2, targets % 2 == 1], axis=1).astype(np.int8)
    normalizer = Normalizer.fit(data.embeddings, data.dims)
    heads = fit_heads(LearningTask(data, Labels(np.arange(80), sets[:80]), 2, normalizer))
    rest = np.arange(80, 120)
    proba = heads.predict_proba(data, rest)
    for c in range(2):
        alone = fit_heads(LearningTask(data, Labels(np.arange(80), sets[:80, c].astype(int)), 2, normalizer))
        np.testing.assert_allclose(proba[:, c], alone.predict_proba(data, rest)[:, 1], atol=1e-5)
    assert ((proba > 0.5) == sets[80:]).mean() > 0.9


def test_members_of_several_classes_differ_and_a_class_without_both_answers_gets_its_base_rate() -> None:
    data, targets = blobs(60, [0, 1])
    sets = np.stack([targets, np.ones(60), np.zeros(60)], axis=1).astype(np.int8)
    members = fit_committee(LearningTask.of(data, Labels(np.arange(30), sets[:30]), 3), 4, 0).member_proba(
        data, np.arange(30, 60)
    )
    assert members.shape == (4, 30, 3)
    assert members[:, :, 0].std(axis=0).max() > 0
    np.testing.assert_allclose(members[:, :, 1], 31 / 32, rtol=1e-5)  # (30 + 1) / (30 + 2)
    np.testing.assert_allclose(members[:, :, 2], 1 / 32, rtol=1e-5)


def test_sets_that_are_all_equal_tell_nothing_apart() -> None:
    data, _ = blobs(10, [0, 1])
    same = Labels(np.arange(4), np.array([[1, 0]] * 4, dtype=np.int8))
    with pytest.raises(TooFewClassesError, match="label items with a class and without it"):
        fit_heads(LearningTask.of(data, same, 2))
