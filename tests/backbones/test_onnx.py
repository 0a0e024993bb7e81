"""Networks exported once to ONNX, and what happens to those that cannot be."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from labeler.backbones import devices, onnx
from labeler.core import processes
from tests.support.toy_network import TOY


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABELER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(devices, "device", lambda: torch.device("cpu"))
    return tmp_path / "cache" / "onnx"


class _Double(torch.nn.Module):
    def forward(self, x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        return 2 * x


class _Moody(torch.nn.Module):
    def forward(self, x: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        return x + 1 if x.sum() > 0 else x - 1  # what it does depends on the data: no exporter can follow


EXAMPLE = (np.ones((2, 3), dtype=np.float32),)


@pytest.mark.slow
def test_a_network_is_exported_once_and_a_damaged_file_is_replaced(cache: Path) -> None:
    built: list[int] = []

    def build() -> torch.nn.Module:
        built.append(1)
        return _Double()

    batch = np.arange(15, dtype=np.float32).reshape(5, 3)
    for _ in range(2):
        np.testing.assert_array_equal(onnx.compiled(build, EXAMPLE, 1, "twice")(batch), 2 * batch)
    assert len(built) == 1
    assert [path.name for path in cache.iterdir()] == ["twice.onnx"]
    (cache / "twice.onnx").write_bytes(b"torn")
    np.testing.assert_array_equal(onnx.compiled(build, EXAMPLE, 1, "twice")(batch), 2 * batch)
    assert len(built) == 2


def test_what_cannot_be_exported_runs_in_torch_and_says_so(cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run = onnx.compiled(_Moody, EXAMPLE, 1, "moody")
    assert "runs in torch" in caplog.text
    np.testing.assert_array_equal(run(-EXAMPLE[0]), -2 * EXAMPLE[0])
    assert list(cache.glob("*.onnx")) == []


@pytest.mark.slow
def test_what_was_exported_runs_without_torch(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "may_have_gpu", lambda: False)
    texts = ["0.5 -1", "2 1", "0 3"]
    expected = replace(TOY).encode(texts)
    assert [path.name for path in cache.iterdir()] == ["toy-1.onnx"]
    monkeypatch.setitem(sys.modules, "labeler.backbones.onnx", None)  # whoever imports it fails
    np.testing.assert_array_equal(replace(TOY).encode(texts), expected)
