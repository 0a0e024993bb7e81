"""The way that a GPU takes, on the CPU: what it holds and how it is fed, without its precision and its speed."""

import pytest

from labeler.backbones import devices
from labeler.core import processes


def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch, free_bytes: int = 2**30) -> None:
    """The code takes the GPU's way. free_bytes: of its memory."""
    monkeypatch.setattr(devices, "on_cpu", lambda: False)
    monkeypatch.setattr(devices, "free_bytes", lambda: free_bytes)
    monkeypatch.setattr(processes, "may_have_gpu", lambda: True)
