"""Heads on the GPU are those of scikit-learn; here the same lines run on the CPU."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from labeler.learner import device_heads, heads
from tests.support.samples import blobs


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every fit is taken to be worth the device, and is noted."""
    asked: list[int] = []

    def is_worthwhile(multiplications: int) -> bool:
        asked.append(multiplications)
        return True

    monkeypatch.setattr(device_heads, "is_worthwhile", is_worthwhile)
    return asked


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2]])
@pytest.mark.parametrize("weighed", [False, True])
def test_a_regression_on_the_device_is_scikit_learns(classes: list[int], weighed: bool, large: list[int]) -> None:
    data, targets = blobs(120, classes, width=12)
    features = np.asarray(data.embeddings, dtype=float)
    counts = np.random.default_rng(0).integers(0, 3, 120) if weighed else None
    weight, bias = heads.logistic(features, targets, 3.0, counts)
    assert large == [device_heads.PASSES * features.size * len(classes)]
    plain = LogisticRegression(C=3.0, tol=1e-8, max_iter=5000).fit(features, targets, sample_weight=counts)
    proba = softmax(features @ weight.T + bias, axis=1)
    np.testing.assert_allclose(proba, plain.predict_proba(features), atol=1e-4)


def test_a_discriminant_on_the_device_is_the_same(large: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    data, targets = blobs(120, [0, 1, 2], width=12)
    features = np.asarray(data.embeddings, dtype=float)
    weight, bias = heads.discriminant(features, targets)
    assert large == [120 * 12**2 + 12**3 // 3]
    monkeypatch.setattr(device_heads, "is_worthwhile", lambda multiplications: False)
    theirs, their_bias = heads.discriminant(features, targets)
    np.testing.assert_allclose(weight, theirs, atol=1e-10)
    np.testing.assert_allclose(bias, their_bias, atol=1e-10)


def test_only_a_gpu_is_asked_and_only_for_large_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_heads, "device", lambda: torch.device("cuda"))
    assert device_heads.is_worthwhile(device_heads.LARGE)
    assert not device_heads.is_worthwhile(device_heads.LARGE - 1)
    monkeypatch.setattr(device_heads, "device", lambda: torch.device("cpu"))
    assert not device_heads.is_worthwhile(device_heads.LARGE)
