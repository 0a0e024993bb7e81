"""What the package loads reports to nobody. All browser tests see it, too (tests/browser/conftest.py)."""

import importlib.util
import os
from pathlib import Path

import pytest

import labeler


def test_the_package_forbids_reports_before_anything_is_loaded():
    assert labeler.__version__
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_onnx_runtime_still_reads_the_variable_that_forbids_it():
    spec = importlib.util.find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        pytest.skip("needs onnxruntime")
    libraries = [path for path in (Path(spec.origin).parent / "capi").iterdir() if ".so" in path.name]
    reporting = [path for path in libraries if b"events.data.microsoft.com" in path.read_bytes()]
    assert [path.name for path in reporting if b"ORT_DISABLE_TELEMETRY" not in path.read_bytes()] == []
