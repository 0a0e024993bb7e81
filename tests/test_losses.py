"""The contrastive objective by hand."""

import math

import pytest
import torch

from labeler.losses import supervised_contrastive


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
