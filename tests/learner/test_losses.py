"""Objectives by hand."""

import math

import numpy as np
import pytest
import torch

from labeler.learner.losses import accuracy, balanced, cross_entropy, supervised_contrastive


def test_by_hand() -> None:
    # two of a class at the same place, one of another at a right angle: each of the two shares e with e⁰
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    loss = supervised_contrastive(features, torch.tensor([0, 0, 1]), 1.0)
    assert loss.item() == pytest.approx(-math.log(math.e / (math.e + 1)))  # the third has no partner, and no say


def test_sharper_counts_more() -> None:
    features = torch.nn.functional.normalize(torch.tensor([[1.0, 0.2], [1.0, 0.0], [0.0, 1.0], [0.3, 1.0]]), dim=1)
    near, far = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    losses = [supervised_contrastive(features, targets, 0.1).item() for targets in (near, far)]
    assert losses[0] < 0.1 < losses[1]


def test_without_partners_there_is_nothing_to_learn() -> None:
    features = torch.eye(3, requires_grad=True)
    loss = supervised_contrastive(features, torch.arange(3), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert features.grad is not None
    assert (features.grad == 0).all()


# ---------------------------------------------------------------- one class an item, or several


LOGITS, YES = torch.tensor([[2.0, -1.0], [0.5, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])


def test_several_classes_are_as_many_decisions() -> None:
    # −ln σ(2), −ln σ(1), −ln σ(−.5), −ln ½, and their mean
    expected = [math.log1p(math.exp(-2)), math.log1p(math.exp(-1)), math.log1p(math.exp(0.5)), math.log(2)]
    assert cross_entropy(LOGITS, YES).item() == pytest.approx(sum(expected) / 4)
    assert accuracy(LOGITS, YES).item() == pytest.approx(2 / 4)  # a logit of 0 is no yes


def test_smoothing_spreads_a_share_over_yes_and_no() -> None:
    # one item, one class, logit 0: whatever the target, ln 2; with logit 2 and target .95: −.95 ln σ(2) − .05 ln σ(−2)
    one = torch.ones(1, 1)
    found = cross_entropy(2 * one, one, label_smoothing=0.1).item()
    assert found == pytest.approx(0.95 * math.log1p(math.exp(-2)) + 0.05 * math.log1p(math.exp(2)))


def test_two_classes_of_one_are_one_class_of_several() -> None:
    single = cross_entropy(torch.stack([torch.zeros(2), LOGITS[:, 0]], dim=1), torch.tensor([1, 0]))
    assert cross_entropy(LOGITS[:, :1], YES[:, :1]).item() == pytest.approx(single.item())


def test_balanced_weights() -> None:
    assert balanced(np.array([0, 0, 0, 1]), 2).tolist() == pytest.approx([4 / 6, 4 / 2])
    several = balanced(np.array([[1, 0], [0, 0], [0, 0], [0, 1]], dtype=np.float32), 2)
    np.testing.assert_allclose(several, [[4 / 6, 4 / 6], [4 / 2, 4 / 2]])
    # a yes of one in four counts three times as much as a no
    weights = torch.from_numpy(several[:, :1])
    zero, one = torch.zeros(1, 1), torch.ones(1, 1)
    yes, no = (cross_entropy(zero, target, weights).item() for target in (one, zero))
    assert yes == pytest.approx(3 * no)
