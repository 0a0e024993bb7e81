"""The benchmark of a GPU runs without one, as a test of itself: its figures mean nothing then."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.gpu import __main__ as gpu
from bench.gpu.tables import Row
from tests.support.machine import ROOT


def test_what_was_measured_is_in_the_file_when_a_later_section_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.md"
    command = ["gpu", "--device", "cpu", "--small", "--out", str(out), "--sections", "machine,unknown,queries"]
    monkeypatch.setattr(sys, "argv", command)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    gpu.main()
    text = out.read_text()
    assert re.search(r"\| copy within the memory \| [\d.,]+ \| GB/s", text)
    assert "The section failed:" in text
    assert "KeyError: 'unknown'" in text
    assert re.search(r"\| margin, 100 of 20,000 items \| [\d.e-]+ \| s", text)
    assert text in capsys.readouterr().out


def test_a_ratio_above_one_is_always_better() -> None:
    assert str(Row("fast", 300.0, "images/s", 100.0)) == "| fast | 300 | images/s | 100 | 3.00 |"
    assert str(Row("short", 2.0, "s", 5.0, more_is_better=False)) == "| short | 2 | s | 5 | 2.50 |"


@pytest.mark.thorough
def test_every_section_runs_on_a_cpu(tmp_path: Path) -> None:
    out = tmp_path / "gpu.md"
    command = [sys.executable, "-m", "bench.gpu", "--device", "cpu", "--small", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert "The section failed" not in text, text
    assert all(f"## {section}\n" in text for section in gpu.SECTIONS)
    assert "| two trainings in two processes | the same bits |" in text
