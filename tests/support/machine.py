"""What this machine has, and what a process of the labeler's needs that a test starts."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
CHROMIUM = shutil.which("chromium")


def environment(home: Path) -> dict[str, str]:
    """The environment variables of a process that serves the projects in `home`."""
    return os.environ | {"LABELER_HOME": str(home), "PYTHONPATH": str(ROOT)}
