"""The tests of what depends on the device, run on it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.gpu.tables import Row

ROOT = Path(__file__).resolve().parents[2]
MARKED = ["-m", "gpu", "tests/learner", "tests/backbones"]
DEPENDENT = [
    "tests/backbones/test_devices.py",
    "tests/learner/test_finetune.py",
    "tests/learner/test_train.py",
    "tests/learner/test_views.py",
    "tests/learner/test_augment.py",
    "tests/learner/test_committees.py",
]
MOST_SECONDS = 120


def tests(small: bool) -> Iterator[Row]:
    """How many passed, and the names of those that failed."""
    for what, chosen in (("marked gpu", MARKED), ("of what depends on the device", DEPENDENT)):
        if small and chosen is DEPENDENT:
            continue  # the suite runs them anyway
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--no-header",
            "-p",
            "no:cacheprovider",
            "-W",
            "default",
            *chosen,
        ]
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            yield Row(f"tests {what}", f"more than {MOST_SECONDS} s", "")
            continue
        outcome = done.stdout.strip().splitlines() or [done.stderr[-300:]]
        yield Row(f"tests {what}", re.sub(r"=+ ?", "", outcome[-1]).strip(), "")
        yield from (
            Row(line.replace("|", "/")[:300], "failed", "") for line in outcome if re.match("FAILED|ERROR", line)
        )
