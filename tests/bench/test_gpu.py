"""The benchmark of a GPU runs without one, as a test of itself: its figures mean nothing then."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.gpu import __main__ as gpu
from bench.gpu.tables import Row
from tests.support.machine import ROOT


def test_what_was_measured_is_in_the_file_when_a_later_section_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.md"
    command = ["gpu", "--device", "cpu", "--small", "--seconds", "3600", "--out", str(out)]
    command += ["--sections", "machine,unknown,queries"]
    monkeypatch.setattr(sys, "argv", command)
    for variable in ("CUDA_VISIBLE_DEVICES", "HF_HUB_OFFLINE", "LABELER_CACHE"):
        monkeypatch.setenv(variable, "")  # what the command sets ends with the test
    monkeypatch.delenv("LABELER_CACHE")
    gpu.main()
    text = out.read_text()
    assert re.search(r"\| copy within the memory \| [\d.,]+ \| GB/s", text)
    assert "The section failed:" in text
    assert "KeyError: 'unknown'" in text
    assert re.search(r"\| margin, 100 of 20,000 items \| [\d.e-]+ \| s", text)
    assert text in capsys.readouterr().out


def test_what_does_not_fit_into_the_time_is_left_out_and_what_takes_too_long_is_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless() -> Iterator[Row]:
        yield Row("first", 1.0, "s")
        with suppress(Exception):  # as what goes on without a part that failed
            while True:
                pass

    def quick() -> Iterator[Row]:
        yield Row("quick", 1.0, "s")

    monkeypatch.setattr(gpu, "SECTIONS", {"endless": 0.0, "large": 1000.0, "quick": 0.0})
    end, out = time.perf_counter() + 60, tmp_path / "gpu.md"
    at_most = gpu._at_most
    monkeypatch.setattr(gpu, "_at_most", lambda seconds: at_most(min(seconds, 0.1)))
    left_out = gpu.run(["endless", "large", "quick"], {"endless": endless, "large": quick, "quick": quick}, end, out)
    assert left_out == ["endless", "large"]
    text = out.read_text()
    assert "| first | 1 | s |" in text
    assert text.index("The section was cut short") < text.index("| quick | 1 | s |")
    assert "## large" not in text


def test_both_calls_cover_all_sections_in_five_minutes_each() -> None:
    first, left = list[str](), 300 - 10.0  # torch is loaded meanwhile
    for name, share in gpu.SECTIONS.items():
        if share <= left:
            first.append(name)
            left -= share
    later = [name for name in gpu.SECTIONS if name not in first]
    assert sum(gpu.SECTIONS[name] for name in later) <= 290
    docs = (ROOT / "docs" / "benchmarks" / "gpu.md").read_text()
    assert f"--sections {','.join(later)}\n" in docs


def test_packages_that_are_missing_are_named_before_the_time_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu.missing() == []
    monkeypatch.setattr(gpu, "PACKAGES", {"numpy": "numpy", "no_such_module": "no-such-package"})
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SystemExit, match=r"These packages are missing: no-such-package$"):
        gpu.main()


def test_a_ratio_above_one_is_always_better() -> None:
    assert str(Row("fast", 300.0, "images/s", 100.0)) == "| fast | 300 | images/s | 100 | 3.00 |"
    assert str(Row("short", 2.0, "s", 5.0, more_is_better=False)) == "| short | 2 | s | 5 | 2.50 |"


@pytest.mark.thorough
def test_every_section_runs_on_a_cpu(tmp_path: Path) -> None:
    out = tmp_path / "gpu.md"
    command = [sys.executable, "-m", "bench.gpu", "--device", "cpu", "--small", "--seconds", "3600", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = out.read_text()
    assert "The section failed" not in text, text
    assert all(f"## {section}\n" in text for section in gpu.SECTIONS)
    assert "| two trainings in two processes | the same bits |" in text
