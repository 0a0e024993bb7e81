"""The tests of what depends on the device, run on it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.gpu.tables import Row
from labeler.backbones import devices

ROOT = Path(__file__).resolve().parents[2]
# Those alone, and without what the other tests share: its packages need not be carried to the machine.
CHOSEN = ["--noconftest", "-m", "gpu", "tests/backbones/test_gpu.py", "tests/learner/test_gpu.py"]


def tests() -> Iterator[Row]:
    """How many passed, and the names of those that failed. Without a card they are found, and not run."""
    found = ["--collect-only"] if devices.on_cpu() else []
    options = ["-q", "--no-header", "-p", "no:cacheprovider", "-W", "default", *found]
    command = [sys.executable, "-m", "pytest", *options, *CHOSEN]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    outcome = done.stdout.strip().splitlines() or [done.stderr[-300:]]
    yield Row("tests marked gpu", re.sub(r"=+ ?", "", outcome[-1]).strip(), "")
    yield from (Row(line.replace("|", "/")[:300], "failed", "") for line in outcome if re.match("FAILED|ERROR", line))
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-1500:]} {done.stderr[-1500:]}")
