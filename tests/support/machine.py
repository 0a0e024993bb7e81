"""What this machine has, and what a process of the labeler's needs that a test starts."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
# The headless shell draws pages with half the processor time: it has no window, tabs or menus to draw around them.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")


def environment(home: Path) -> dict[str, str]:
    """The environment variables of a process that serves the projects in `home`."""
    return os.environ | {"LABELER_HOME": str(home), "PYTHONPATH": str(ROOT)}
