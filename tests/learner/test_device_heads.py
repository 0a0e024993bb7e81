"""Heads on the GPU are those of scikit-learn; here the same lines run on the CPU."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from labeler.backbones import devices
from labeler.core import processes
from labeler.learner import heads
from tests.support.machine import ROOT
from tests.support.samples import blobs


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every fit is taken to be worth the device, and is noted."""
    asked: list[int] = []

    def is_worthwhile(multiplications: int) -> bool:
        asked.append(multiplications)
        return True

    monkeypatch.setattr(heads, "device_is_worthwhile", is_worthwhile)
    return asked


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 2]])
@pytest.mark.parametrize("weighed", [False, True])
def test_a_regression_on_the_device_is_scikit_learns(classes: list[int], weighed: bool, large: list[int]) -> None:
    data, targets = blobs(120, classes, width=12)
    features = np.asarray(data.embeddings, dtype=float)
    counts = np.random.default_rng(0).integers(0, 3, 120) if weighed else None
    weight, bias = heads.logistic(features, targets, 3.0, counts)
    assert large == [heads.PASSES * features.size * len(classes)]
    plain = LogisticRegression(C=3.0, tol=1e-8, max_iter=5000).fit(features, targets, sample_weight=counts)
    proba = softmax(features @ weight.T + bias, axis=1)
    np.testing.assert_allclose(proba, plain.predict_proba(features), atol=1e-4)


def test_a_discriminant_on_the_device_is_the_same(large: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    data, targets = blobs(120, [0, 1, 2], width=12)
    features = np.asarray(data.embeddings, dtype=float)
    weight, bias = heads.discriminant(features, targets)
    assert large == [120 * 12**2 + 12**3 // 3]
    monkeypatch.setattr(heads, "device_is_worthwhile", lambda multiplications: False)
    theirs, their_bias = heads.discriminant(features, targets)
    np.testing.assert_allclose(weight, theirs, atol=1e-10)
    np.testing.assert_allclose(bias, their_bias, atol=1e-10)


def test_only_a_gpu_is_asked_and_only_for_large_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "may_have_gpu", lambda: True)
    monkeypatch.setattr(devices, "device", lambda: torch.device("cuda"))
    assert heads.device_is_worthwhile(heads.LARGE)
    assert not heads.device_is_worthwhile(heads.LARGE - 1)
    monkeypatch.setattr(devices, "device", lambda: torch.device("cpu"))
    assert not heads.device_is_worthwhile(heads.LARGE)


def test_heads_are_fitted_without_torch() -> None:
    """It takes two seconds to load and 200 MB, and a project of word counts has no other use for it."""
    script = (
        "import sys, numpy as np; from labeler.learner import heads\n"
        "features, targets = np.eye(6), np.arange(6) % 2\n"
        "heads.logistic(features, targets, 1.0); heads.discriminant(features, targets)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
